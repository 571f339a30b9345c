//! Reads an entry's fields.

use std::time::Duration;

use super::{DecodeError, EXPLICIT, OUTLIVES_BROWSER, REASONS, VERSION};
use crate::key::{KeyFamily, KindTag, Nonce, Verifier};
use crate::policy::{Assurance, ClientInfo, Lifetime, Principal};
use crate::record::extensions::{KNOWN, MAX_BYTES, MAX_COUNT};
use crate::record::{
    Credentials, Ending, Extensions, MAX_RETIRED, Record, RecordFields, RetiredSecret, Retirement,
    Revision, Stored, Successor, Tombstone,
};
use crate::time::Timestamp;
use crate::value::Payload;

/// Takes fields off the front of bytes.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn head(&mut self) -> Result<Stored, DecodeError> {
        if self.byte()? != VERSION {
            return Err(DecodeError::malformed("unknown format version"));
        }
        Ok(match self.byte()? {
            0 => Stored::Live(self.record()?),
            reason => Stored::Ended(self.tombstone(reason)?),
        })
    }

    pub(super) fn payload(&mut self) -> Result<Payload, DecodeError> {
        if !self.flag()? {
            return Ok(Payload::unset());
        }
        Ok(Payload::from_bytes(self.take(self.0.len())?))
    }

    /// Checks that nothing is left.
    pub(super) fn end(&self) -> Result<(), DecodeError> {
        if self.0.is_empty() { Ok(()) } else { Err(DecodeError::malformed("bytes after the end")) }
    }

    fn record(&mut self) -> Result<Record, DecodeError> {
        let mut fields = RecordFields {
            idle_deadline: self.time()?,
            absolute_deadline: self.time()?,
            revision: Revision::new(self.long()?, self.long()?),
            created: self.time()?,
            authenticated_at: self.time()?,
            lifetime: self.lifetime()?,
            credentials: self.credentials()?,
            principal: self.principal()?,
            extensions: self.extensions()?,
            assurance: Assurance::new(self.byte()?),
            client: self.client()?,
            kind: KindTag::DEFAULT,
            payload: Payload::unset(),
        };
        if self.flag()? {
            let family = KeyFamily::from_bytes(self.array()?);
            fields.credentials = fields.credentials.with_family(Some(family));
        }
        if self.flag()? {
            fields.kind = KindTag::from_bytes(self.array()?);
            if fields.kind == KindTag::DEFAULT {
                return Err(DecodeError::malformed("the default kind has no tag"));
            }
        }
        Ok(Record::new(fields))
    }

    fn tombstone(&mut self, reason: u8) -> Result<Tombstone, DecodeError> {
        let reason = REASONS.iter().find(|(byte, _)| *byte == reason);
        let (_, reason) = reason.ok_or(DecodeError::malformed("unknown reason for the end"))?;
        let ending = Ending::new(*reason, self.time()?, self.time()?);
        Ok(Tombstone::new(self.credentials()?, self.principal()?, self.extensions()?, ending))
    }

    fn lifetime(&mut self) -> Result<Lifetime, DecodeError> {
        let (idle, absolute, renewal) = (self.span()?, self.span()?, self.span()?);
        let mut lifetime = Lifetime::absolute(absolute.unwrap_or_default());
        if let Some(idle) = idle {
            lifetime = lifetime.with_idle_timeout(idle);
        }
        if let Some(renewal) = renewal {
            lifetime = lifetime.with_renewal_timeout(renewal);
        }
        if (lifetime.idle_timeout(), Some(lifetime.absolute_timeout()), lifetime.renewal_timeout())
            != (idle, absolute, renewal)
        {
            return Err(DecodeError::malformed("a timeout is out of range"));
        }
        let flags = self.byte()?;
        if flags & OUTLIVES_BROWSER == 0 {
            lifetime = lifetime.until_browser_closes();
        }
        if flags & EXPLICIT != 0 {
            lifetime = lifetime.exactly(Duration::ZERO).kept();
        }
        if flags & !(OUTLIVES_BROWSER | EXPLICIT) != 0 {
            return Err(DecodeError::malformed("a lifetime is not valid"));
        }
        Ok(lifetime)
    }

    fn credentials(&mut self) -> Result<Credentials, DecodeError> {
        let current = Verifier::from_bytes(self.array()?);
        let renew_at = self.time()?;
        let cookie_until = self.time()?;
        let successor = if self.flag()? {
            let verifier = Verifier::from_bytes(self.array()?);
            let nonce = Nonce::from_bytes(self.array()?);
            Some(Successor { verifier, nonce, seen: self.optional_time()? })
        } else {
            None
        };
        let mut credentials =
            Credentials::new(current, renew_at, cookie_until).with_successor(successor);
        let count = self.byte()?;
        if usize::from(count) > MAX_RETIRED {
            return Err(DecodeError::malformed("too many retired secrets"));
        }
        for _ in 0..count {
            let (prefix, at) = (self.long()?, self.time()?);
            let how = if self.flag()? { Retirement::SignIn } else { Retirement::Timer };
            credentials = credentials.with_retired(RetiredSecret { prefix, at, how });
        }
        Ok(credentials)
    }

    fn principal(&mut self) -> Result<Option<Principal>, DecodeError> {
        let Some(name) = self.text()? else { return Ok(None) };
        Principal::new(name)
            .map(Some)
            .map_err(|_| DecodeError::malformed("the principal is not valid"))
    }

    fn extensions(&mut self) -> Result<Extensions, DecodeError> {
        match self.0.first() {
            Some(0) => self.byte().map(|_| Extensions::default()),
            _ => self.extension_area(),
        }
    }

    fn extension_area(&mut self) -> Result<Extensions, DecodeError> {
        let area = self.0;
        let count = self.byte()?;
        let (mut last, mut unknown) = (None, None);
        for _ in 0..count {
            let (tag, is_critical) = (self.byte()?, self.flag()?);
            let length = u16::from_be_bytes(self.array()?);
            self.take(usize::from(length))?;
            if last.is_some_and(|last| tag <= last) {
                return Err(DecodeError::malformed("the extensions are not in order"));
            }
            if is_critical && !KNOWN.contains(&tag) {
                unknown = unknown.or(Some(tag));
            }
            last = Some(tag);
        }
        let area = &area[..area.len() - self.0.len()];
        if usize::from(count) > MAX_COUNT || area.len() > MAX_BYTES {
            return Err(DecodeError::malformed("the extensions are too large"));
        }
        // Checked last: only a well-formed area was written by a newer version.
        match unknown {
            None => {
                let extensions = Extensions::from_area(area);
                if extensions.is_readable() {
                    Ok(extensions)
                } else {
                    Err(DecodeError::malformed("a critical extension cannot be read"))
                }
            }
            Some(tag) => Err(DecodeError::critical_extension(tag)),
        }
    }

    fn client(&mut self) -> Result<ClientInfo, DecodeError> {
        let (label, agent, address) = (self.text()?, self.text()?, self.text()?);
        if (label, agent, address) == (None, None, None) {
            return Ok(ClientInfo::new());
        }
        let mut client = ClientInfo::new().with_label(label.unwrap_or_default());
        client = client.with_user_agent(agent.unwrap_or_default());
        if let Some(address) = address.and_then(|address| address.parse().ok()) {
            client = client.with_address(address);
        }
        let written = client.address().map(|address| address.to_string());
        if (client.label(), client.user_agent(), written.as_deref()) != (label, agent, address) {
            return Err(DecodeError::malformed("the client is not valid"));
        }
        Ok(client)
    }

    fn text(&mut self) -> Result<Option<&'a str>, DecodeError> {
        let length = self.byte()?;
        let text = std::str::from_utf8(self.take(usize::from(length))?);
        let text = text.map_err(|_| DecodeError::malformed("a text is not UTF-8"))?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) =
            self.0.split_at_checked(count).ok_or(DecodeError::malformed("too short"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        self.take(N)?.try_into().map_err(|_| DecodeError::malformed("too short"))
    }

    fn byte(&mut self) -> Result<u8, DecodeError> {
        self.array().map(|[byte]| byte)
    }

    fn flag(&mut self) -> Result<bool, DecodeError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(DecodeError::malformed("a flag is neither 0 nor 1")),
        }
    }

    fn long(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_be_bytes)
    }

    fn time(&mut self) -> Result<Timestamp, DecodeError> {
        self.long().map(Timestamp::from_millis)
    }

    fn optional_time(&mut self) -> Result<Option<Timestamp>, DecodeError> {
        Ok(Some(self.time()?).filter(|time| *time != Timestamp::EPOCH))
    }

    fn span(&mut self) -> Result<Option<Duration>, DecodeError> {
        Ok(Some(self.long()?).filter(|millis| *millis != 0).map(Duration::from_millis))
    }
}
