//! A record as bytes, for stores that keep one blob. All numbers are big-endian, all times milliseconds.
//!
//! | offset | bytes | live session | ended session |
//! |---|---|---|---|
//! | 0 | 1 | format version, `0x03` | same |
//! | 1 | 1 | `0x00` | reason, `0x01`.. |
//! | 2 | 8 | idle deadline (a store may overwrite it in place) | ended at |
//! | 10 | 8 | absolute deadline | keep until |
//! | 18 | 8 + 8 | revision: count, token | absent, as all that is not named |
//! | 34 | 8 + 8 | created, signed in (0 = never) | |
//! | 50 | 8 + 8 + 8 + 1 | lifetime: idle (0 = none), absolute, renewal (0 = off), outlives browser | |
//! | then | 32 + 8 + 8 | credentials: verifier, renewal due, cookie lasts until | same |
//! | | 1 \[+ 32 + 16 + 8\] | successor: 0, or 1 and its verifier, nonce, first seen (0 = not yet) | same |
//! | | 1 + n × (8 + 8 + 1) | ring of replaced secrets: count; mark, when, how (0 timed, 1 no grace) | same |
//! | | 1 + n | principal: length (0 = none), UTF-8 | same |
//! | | 1 | assurance | |
//! | | 3 × (1 + n) | label, user agent, address: length (0 = none), UTF-8 | |
//! | | 1 \[+ 16\] | family: 0 (that of the verifier), or 1 and its bytes | |
//! | | rest | `0x00`, or `0x01` and the payload | nothing |
//!
//! All rows but the last are the *head*, which a store may keep apart from the payload. Versions `0x01` and `0x02`, which are
//! read and no longer written, have no family; `0x01` has neither assurance nor label, user agent and address.

use std::fmt;
use std::time::Duration;

use super::{EndReason, Ending, Record, RecordFields, Revision, Stored, Tombstone};
use crate::key::{KeyFamily, Nonce, Verifier};
use crate::policy::{Assurance, ClientInfo, Lifetime, Principal};
use crate::record::{Credentials, MAX_RETIRED, RetiredSecret, Retirement, Successor};
use crate::time::Timestamp;
use crate::value::{CodecError, Payload};

const VERSION: u8 = 3;
/// The oldest version that is read.
const OLDEST: u8 = 1;
const REASONS: [(u8, EndReason); 7] = [
    (1, EndReason::Ended),
    (2, EndReason::SignedOut),
    (3, EndReason::SignedInAsAnother),
    (4, EndReason::Revoked),
    (5, EndReason::KeyReused),
    (6, EndReason::SignedOutElsewhere),
    (7, EndReason::OverLimit),
];

pub(super) fn encode(stored: &Stored) -> Result<Vec<u8>, CodecError> {
    let mut out = Writer(encode_head(stored));
    if let Stored::Live(record) = stored {
        out.byte(u8::from(!record.payload().is_unset()));
        record.payload().append_to(&mut out.0)?;
    }
    Ok(out.0)
}

/// The first rows of an ended session: version, reason, when, until when.
pub(super) fn encode_ending(ending: Ending) -> Vec<u8> {
    let mut out = Writer(Vec::with_capacity(160));
    out.byte(VERSION);
    let reason = REASONS.iter().find(|(_, reason)| *reason == ending.reason);
    out.byte(reason.map_or(1, |(byte, _)| *byte));
    out.time(ending.at);
    out.time(ending.keep_until);
    out.0
}

/// All but the last row of the table.
pub(super) fn encode_head(stored: &Stored) -> Vec<u8> {
    let mut out = Writer(Vec::with_capacity(256));
    out.byte(VERSION);
    match stored {
        Stored::Live(record) => {
            out.byte(0);
            let fields = &record.0;
            out.longs([
                fields.idle_deadline.as_millis(),
                fields.absolute_deadline.as_millis(),
                fields.revision.count,
                fields.revision.token,
                fields.created.as_millis(),
                fields.authenticated_at.as_millis(),
            ]);
            out.lifetime(&fields.lifetime);
            out.credentials(&fields.credentials);
            out.principal(fields.principal.as_ref());
            out.byte(fields.assurance.level());
            out.client(&fields.client);
            out.family(fields.credentials.own_family());
        }
        Stored::Ended(tombstone) => {
            out.0 = encode_ending(tombstone.ending());
            out.credentials(tombstone.credentials());
            out.principal(tombstone.principal());
        }
    }
    out.0
}

pub(super) fn decode(bytes: &[u8]) -> Result<Stored, DecodeError> {
    let mut input = Reader(bytes);
    let stored = match input.head()? {
        Stored::Live(record) => {
            let payload = input.payload()?;
            Stored::Live(record.edited(|fields| fields.payload = payload))
        }
        ended @ Stored::Ended(_) => ended,
    };
    input.end().map(|()| stored)
}

/// Reads what [`encode_head`] wrote; a session has no value then.
pub(super) fn decode_head(bytes: &[u8]) -> Result<Stored, DecodeError> {
    let mut input = Reader(bytes);
    let stored = input.head()?;
    input.end().map(|()| stored)
}

/// Bytes that are no record. They are not repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError(&'static str);

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read a stored session: {}", self.0)
    }
}

impl std::error::Error for DecodeError {}

struct Writer(Vec<u8>);

impl Writer {
    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    fn long(&mut self, number: u64) {
        self.0.extend(number.to_be_bytes());
    }

    fn longs<const N: usize>(&mut self, numbers: [u64; N]) {
        let bytes = numbers.map(u64::to_be_bytes);
        self.0.extend_from_slice(bytes.as_flattened());
    }

    fn time(&mut self, time: Timestamp) {
        self.long(time.as_millis());
    }

    fn lifetime(&mut self, lifetime: &Lifetime) {
        let span = |span: Option<Duration>| {
            span.map_or(0, |span| u64::try_from(span.as_millis()).unwrap_or(u64::MAX).max(1))
        };
        self.longs([
            span(lifetime.idle_timeout()),
            span(Some(lifetime.absolute_timeout())),
            span(lifetime.renewal_timeout()),
        ]);
        self.byte(u8::from(lifetime.outlives_browser()));
    }

    fn credentials(&mut self, credentials: &Credentials) {
        self.0.extend(credentials.current.as_bytes());
        self.time(credentials.renew_at);
        self.time(credentials.cookie_until);
        self.byte(u8::from(credentials.successor().is_some()));
        if let Some(successor) = credentials.successor() {
            self.0.extend(successor.verifier.as_bytes());
            self.0.extend(successor.nonce.as_bytes());
            self.time(successor.seen.unwrap_or(Timestamp::EPOCH));
        }
        self.byte(u8::try_from(credentials.retired().len()).unwrap_or(u8::MAX));
        for replaced in credentials.retired() {
            self.long(replaced.mark);
            self.time(replaced.at);
            self.byte(u8::from(replaced.how == Retirement::SignIn));
        }
    }

    fn principal(&mut self, principal: Option<&Principal>) {
        self.text(principal.map_or("", Principal::as_str));
    }

    fn client(&mut self, client: &ClientInfo) {
        if !client.is_known() {
            self.0.extend_from_slice(&[0; 3]);
            return;
        }
        self.text(client.label().unwrap_or_default());
        self.text(client.user_agent().unwrap_or_default());
        self.text(&client.address().map(|address| address.to_string()).unwrap_or_default());
    }

    fn family(&mut self, family: Option<KeyFamily>) {
        self.byte(u8::from(family.is_some()));
        self.0.extend(family.iter().flat_map(KeyFamily::as_bytes));
    }

    /// At most 255 bytes, which all texts here are by their types.
    fn text(&mut self, text: &str) {
        self.byte(u8::try_from(text.len()).unwrap_or(u8::MAX));
        self.0.extend(text.as_bytes());
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(DecodeError("too short"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        self.take(N)?.try_into().map_err(|_| DecodeError("too short"))
    }

    fn byte(&mut self) -> Result<u8, DecodeError> {
        self.array().map(|[byte]| byte)
    }

    fn flag(&mut self) -> Result<bool, DecodeError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(DecodeError("a flag is neither 0 nor 1")),
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

    fn head(&mut self) -> Result<Stored, DecodeError> {
        let version = self.byte()?;
        if !(OLDEST..=VERSION).contains(&version) {
            return Err(DecodeError("unknown format version"));
        }
        Ok(match self.byte()? {
            0 => Stored::Live(self.record(version)?),
            reason => Stored::Ended(self.tombstone(reason)?),
        })
    }

    fn end(&self) -> Result<(), DecodeError> {
        if self.0.is_empty() { Ok(()) } else { Err(DecodeError("bytes after the end")) }
    }

    fn record(&mut self, version: u8) -> Result<Record, DecodeError> {
        let mut fields = RecordFields {
            idle_deadline: self.time()?,
            absolute_deadline: self.time()?,
            revision: Revision::new(self.long()?, self.long()?),
            created: self.time()?,
            authenticated_at: self.time()?,
            lifetime: self.lifetime()?,
            credentials: self.credentials()?,
            principal: self.principal()?,
            assurance: Assurance::default(),
            client: ClientInfo::default(),
            payload: Payload::unset(),
        };
        if version >= 2 {
            fields.assurance = Assurance::new(self.byte()?);
            fields.client = self.client()?;
        }
        if version >= 3 && self.flag()? {
            let family = KeyFamily::from_bytes(self.array()?);
            fields.credentials = fields.credentials.with_family(Some(family));
        }
        Ok(Record::new(fields))
    }

    fn tombstone(&mut self, reason: u8) -> Result<Tombstone, DecodeError> {
        let reason = REASONS.iter().find(|(byte, _)| *byte == reason);
        let (_, reason) = reason.ok_or(DecodeError("unknown reason of an ending"))?;
        let ending = Ending::new(*reason, self.time()?, self.time()?);
        Ok(Tombstone::new(self.credentials()?, self.principal()?, ending))
    }

    fn lifetime(&mut self) -> Result<Lifetime, DecodeError> {
        let (idle, absolute_timeout, renewal) = (self.span()?, self.span()?, self.span()?);
        let mut lifetime = Lifetime::absolute(absolute_timeout.unwrap_or_default());
        if let Some(idle) = idle {
            lifetime = lifetime.with_idle_timeout(idle);
        }
        if let Some(renewal) = renewal {
            lifetime = lifetime.with_renewal_timeout(renewal);
        }
        if (lifetime.idle_timeout(), Some(lifetime.absolute_timeout()), lifetime.renewal_timeout())
            != (idle, absolute_timeout, renewal)
        {
            return Err(DecodeError("a lifetime that no record has"));
        }
        Ok(if self.flag()? { lifetime } else { lifetime.until_browser_closes() })
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
            return Err(DecodeError("the ring of replaced secrets is too long"));
        }
        for _ in 0..count {
            let (mark, at) = (self.long()?, self.time()?);
            let how = if self.flag()? { Retirement::SignIn } else { Retirement::Timer };
            credentials = credentials.with_retired(RetiredSecret { mark, at, how });
        }
        Ok(credentials)
    }

    fn principal(&mut self) -> Result<Option<Principal>, DecodeError> {
        let Some(name) = self.text()? else { return Ok(None) };
        Principal::new(name).map(Some).map_err(|_| DecodeError("the principal is not a valid name"))
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
            return Err(DecodeError("a client that no record has"));
        }
        Ok(client)
    }

    fn text(&mut self) -> Result<Option<&'a str>, DecodeError> {
        let length = self.byte()?;
        let text = std::str::from_utf8(self.take(usize::from(length))?);
        let text = text.map_err(|_| DecodeError("a text is not UTF-8"))?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    fn payload(&mut self) -> Result<Payload, DecodeError> {
        if !self.flag()? {
            return Ok(Payload::unset());
        }
        Ok(Payload::from_bytes(self.take(self.0.len())?))
    }
}
