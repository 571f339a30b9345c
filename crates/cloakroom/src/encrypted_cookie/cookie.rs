//! From a request's headers to a value, and from a value to a cookie.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use http::header::COOKIE;
use sha2::{Digest, Sha256};

use super::contents::{Deadlines, Header, ScopeId, contents_len};
use super::error::EncryptError;
use super::key_ring::KeyRing;
use super::no_session::NoEncryptedSession;
use super::text::{Envelope, Purpose, text_len};
use crate::http::{Channel, Cookie, Headers, MAX_PAIR_LEN};
use crate::key::Entropy;
use crate::policy::Lifetime;
use crate::protocol::MAX_PRESENTED;
use crate::time::{Clock, Timestamp};
use crate::value::{Coding, Payload, SessionValue};

/// The checked policy of one kind of session.
pub(super) struct EncryptedCookie<V> {
    pub(super) ring: KeyRing,
    pub(super) cookie: Cookie,
    /// The scope in which the cookie is sent today.
    pub(super) scope: ScopeId,
    /// The same cookie, with its marker.
    pub(super) channel: Channel,
    pub(super) purpose: Purpose,
    pub(super) lifetime: Lifetime,
    pub(super) watermark: Timestamp,
    pub(super) coding: Arc<Coding<V>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
}

/// What the cookies of a request say.
pub(super) struct FoundCookies<V> {
    pub(super) session: Result<OpenedCookie<V>, NoEncryptedSession>,
    /// When the last of the cookies that open was encrypted.
    pub(super) encrypted_at: Timestamp,
    /// True if the name came more than once and the cookie that counts is in the present scope, so
    /// that removing one in a former scope loses nothing.
    pub(super) clears_former: bool,
}

/// A session that was read from a request.
pub(super) struct OpenedCookie<V> {
    pub(super) value: V,
    pub(super) payload: Payload,
    pub(super) deadlines: Deadlines,
    /// True if the cookie must be sent again even without a change: to record a use, because an old
    /// key encrypted it, or because it is in a former scope and hidden by another.
    pub(super) is_due: bool,
}

/// A cookie that a key of ours opens.
struct Candidate<V> {
    header: Header,
    /// `None` if the cookie says that the session was ended.
    value: Option<(V, Payload)>,
    by_old_key: bool,
}

impl<V: SessionValue> EncryptedCookie<V> {
    /// Reads the session from hostile headers. It never fails.
    ///
    /// Of several cookies that open, the one that was encrypted last counts. Browsers send the one
    /// with the longest path first, or the oldest.
    pub(super) fn open(&self, request: &(impl Headers + ?Sized)) -> FoundCookies<V> {
        let now = self.clock.now();
        let mut tried: Vec<&[u8]> = Vec::new();
        let mut reason = NoEncryptedSession::NoCookie;
        let mut newest: Option<Candidate<V>> = None;
        let mut count = 0_usize;
        for value in request.values(&COOKIE).flat_map(|header| self.cookie.values(header)) {
            count += 1;
            if reason == NoEncryptedSession::NoCookie {
                reason = NoEncryptedSession::Unopened;
            }
            let Some(envelope) = Envelope::parse(value).filter(|it| self.ring.knows(it.key)) else {
                continue;
            };
            if tried.contains(&value) || tried.len() == MAX_PRESENTED {
                continue;
            }
            tried.push(value);
            match self.decrypt(&envelope, now) {
                Ok(found) => {
                    let before = newest.as_ref().map(|newest| newest.header.encrypted_at);
                    if before.is_none_or(|before| found.header.encrypted_at > before) {
                        newest = Some(found);
                    }
                }
                // A session that was once ours says more than one that never was.
                Err(why) if reason == NoEncryptedSession::Unopened => reason = why,
                Err(_) => {}
            }
        }
        match newest {
            Some(newest) => self.found(newest, count > 1, now),
            None => FoundCookies {
                session: Err(reason),
                encrypted_at: Timestamp::EPOCH,
                clears_former: false,
            },
        }
    }

    fn found(&self, newest: Candidate<V>, repeated: bool, now: Timestamp) -> FoundCookies<V> {
        let Candidate { header: Header { deadlines, encrypted_at, scope }, value, by_old_key } =
            newest;
        let is_in_scope = scope == self.scope;
        let moves = repeated && !is_in_scope && self.cookie.has_former_scopes();
        let is_due = by_old_key || moves || deadlines.use_is_due(&self.lifetime, now);
        let opened = |(value, payload)| OpenedCookie { value, payload, deadlines, is_due };
        FoundCookies {
            session: value.map(opened).ok_or(NoEncryptedSession::Ended),
            encrypted_at,
            clears_former: repeated && is_in_scope,
        }
    }

    fn decrypt(
        &self,
        envelope: &Envelope,
        now: Timestamp,
    ) -> Result<Candidate<V>, NoEncryptedSession> {
        let decrypted =
            self.ring.decrypt(envelope, &self.purpose).ok_or(NoEncryptedSession::Unopened)?;
        let (header, payload) =
            Header::of_contents(&decrypted.contents).ok_or(NoEncryptedSession::Unreadable)?;
        header.deadlines.judge(now, self.watermark)?;
        let value = if payload.is_empty() {
            None
        } else {
            let value = self.coding.decode(payload);
            let value = value.map_err(|_| NoEncryptedSession::Unreadable)?;
            Some((value, Payload::from_bytes(payload)))
        };
        Ok(Candidate { header, value, by_old_key: decrypted.by_old_key })
    }

    /// The encoded value, in place of another one.
    pub(super) fn encode(&self, value: &V, replaced: &Payload) -> Result<Payload, EncryptError> {
        let value = Arc::new(self.coding.typed(value.clone()));
        let payload = self.coding.payload(&value, replaced).map_err(EncryptError::unfit)?;
        let bytes = payload.to_bytes().map_err(EncryptError::unfit)?;
        Ok(bytes.map_or(Payload::unset(), Payload::from_bytes))
    }

    /// The `Set-Cookie` that carries this value and replaces a cookie that was encrypted at
    /// `before`.
    pub(super) fn encrypt(
        &self,
        value: &Payload,
        deadlines: Deadlines,
        before: Timestamp,
    ) -> Result<HeaderValue, EncryptError> {
        self.encrypt_payload(value.as_bytes().unwrap_or_default(), deadlines, before)
    }

    /// The `Set-Cookie` that says that the session was ended, if a cookie in a former scope could
    /// otherwise open it again. Without former scopes, removing the cookie is enough.
    pub(super) fn encrypt_end(&self, before: Timestamp) -> Option<HeaderValue> {
        if !self.cookie.has_former_scopes() {
            return None;
        }
        let deadlines = Deadlines::ended(&self.lifetime, self.clock.now());
        self.encrypt_payload(&[], deadlines, before).ok()
    }

    fn encrypt_payload(
        &self,
        payload: &[u8],
        deadlines: Deadlines,
        before: Timestamp,
    ) -> Result<HeaderValue, EncryptError> {
        let size = self.cookie.name().len() + text_len(contents_len(payload.len()));
        if size > MAX_PAIR_LEN {
            return Err(EncryptError::too_large(size));
        }
        let now = self.clock.now();
        // Later than the one that it replaces, even if another server's clock is ahead.
        let encrypted_at = now.max(before.after(Duration::from_millis(1)));
        let contents = Header { deadlines, encrypted_at, scope: self.scope }.to_contents(payload);
        let envelope = self
            .ring
            .current()
            .encrypt(contents, &self.purpose, &*self.entropy)
            .map_err(EncryptError::entropy)?;
        let text = envelope.to_text();
        self.cookie
            .set_value(text.as_bytes(), self.life(deadlines, now), now)
            .ok_or_else(|| EncryptError::unfit("the cookie is not a valid header value".into()))
    }

    /// The `Set-Cookie` of the marker that goes with a Strict cookie.
    pub(super) fn marker(&self, deadlines: Deadlines) -> Option<HeaderValue> {
        let now = self.clock.now();
        self.channel.marker.as_ref()?.set_value(b"1", self.life(deadlines, now), now)
    }

    /// How long the browser keeps the cookie: until the absolute deadline, whatever the idle
    /// timeout.
    fn life(&self, deadlines: Deadlines, now: Timestamp) -> Option<Duration> {
        self.lifetime.outlives_browser().then(|| deadlines.absolute.since(now))
    }
}

impl<V> EncryptedCookie<V> {
    /// Tells the scopes of a cookie apart: the first bytes of the SHA-256 of its attributes.
    pub(super) fn scope(cookie: &Cookie) -> ScopeId {
        let removal = cookie.removal();
        let digest = Sha256::digest(removal.as_ref().map_or(&[][..], HeaderValue::as_bytes));
        let mut scope = ScopeId::default();
        scope.copy_from_slice(&digest[..size_of::<ScopeId>()]);
        scope
    }
}
