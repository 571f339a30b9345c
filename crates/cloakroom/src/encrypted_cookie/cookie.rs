//! From a request's headers to a value, and from a value to a cookie.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use http::header::COOKIE;

use super::contents::{Deadlines, contents_len};
use super::error::EncryptError;
use super::key_ring::KeyRing;
use super::no_session::NoEncryptedSession;
use super::text::{Envelope, Purpose, text_len};
use crate::http::{Cookie, Headers, MAX_PAIR_LEN};
use crate::key::Entropy;
use crate::policy::Lifetime;
use crate::protocol::MAX_PRESENTED;
use crate::time::{Clock, Timestamp};
use crate::value::{Coding, SessionValue};

/// The checked policy of one kind of session.
pub(super) struct EncryptedCookie<V> {
    pub(super) ring: KeyRing,
    pub(super) cookie: Cookie,
    pub(super) purpose: Purpose,
    pub(super) lifetime: Lifetime,
    pub(super) watermark: Timestamp,
    pub(super) coding: Coding<V>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
}

/// A session that was read from a request.
pub(super) struct OpenedCookie<V> {
    pub(super) value: V,
    pub(super) deadlines: Deadlines,
    /// True if the cookie must be sent again even without a change: to record a use, or because an
    /// old key encrypted it.
    pub(super) is_due: bool,
}

impl<V: SessionValue> EncryptedCookie<V> {
    /// Reads the session from hostile headers. It never fails.
    ///
    /// Of several cookies, the first that opens is used: browsers send the one with the longest
    /// path first.
    pub(super) fn open(
        &self,
        request: &(impl Headers + ?Sized),
    ) -> Result<OpenedCookie<V>, NoEncryptedSession> {
        let now = self.clock.now();
        let mut tried: Vec<&[u8]> = Vec::new();
        let mut reason = NoEncryptedSession::NoCookie;
        for value in request.values(&COOKIE).flat_map(|header| self.cookie.values(header)) {
            if reason == NoEncryptedSession::NoCookie {
                reason = NoEncryptedSession::Unopened;
            }
            let Some(envelope) = Envelope::parse(value).filter(|it| self.ring.knows(it.key)) else {
                continue;
            };
            if tried.contains(&value) {
                continue;
            }
            if tried.len() == MAX_PRESENTED {
                break;
            }
            tried.push(value);
            match self.decrypt(&envelope, now) {
                Ok(opened) => return Ok(opened),
                // A session that was once ours says more than one that never was.
                Err(why) if reason == NoEncryptedSession::Unopened => reason = why,
                Err(_) => {}
            }
        }
        Err(reason)
    }

    fn decrypt(
        &self,
        envelope: &Envelope,
        now: Timestamp,
    ) -> Result<OpenedCookie<V>, NoEncryptedSession> {
        let decrypted =
            self.ring.decrypt(envelope, &self.purpose).ok_or(NoEncryptedSession::Unopened)?;
        let (deadlines, payload) =
            Deadlines::of_contents(&decrypted.contents).ok_or(NoEncryptedSession::Unreadable)?;
        deadlines.judge(now, self.watermark)?;
        let value = self.coding.decode(payload).map_err(|_| NoEncryptedSession::Unreadable)?;
        let is_due = decrypted.by_old_key || deadlines.use_is_due(&self.lifetime, now);
        let deadlines = if is_due { deadlines.used(&self.lifetime, now) } else { deadlines };
        Ok(OpenedCookie { value, deadlines, is_due })
    }

    /// The `Set-Cookie` that carries this value.
    pub(super) fn encrypt(
        &self,
        value: &V,
        deadlines: Deadlines,
    ) -> Result<HeaderValue, EncryptError> {
        let payload = self.coding.encode(value).map_err(EncryptError::unfit)?;
        let size = self.cookie.name().len() + text_len(contents_len(payload.len()));
        if size > MAX_PAIR_LEN {
            return Err(EncryptError::too_large(size));
        }
        let contents = deadlines.to_contents(&payload);
        let envelope = self
            .ring
            .current()
            .encrypt(contents, &self.purpose, &*self.entropy)
            .map_err(EncryptError::entropy)?;
        let text = envelope.to_text();
        let now = self.clock.now();
        self.cookie
            .set_value(text.as_bytes(), self.life(deadlines, now), now)
            .ok_or_else(|| EncryptError::unfit("the cookie is not a valid header value".into()))
    }

    /// How long the browser keeps the cookie: until the absolute deadline, whatever the idle
    /// timeout.
    fn life(&self, deadlines: Deadlines, now: Timestamp) -> Option<Duration> {
        self.lifetime.outlives_browser().then(|| deadlines.absolute.since(now))
    }

    /// The `Set-Cookie` that removes the cookie in a former scope, if the request carried its name
    /// more than once.
    pub(super) fn former_removal(&self, request: &(impl Headers + ?Sized)) -> Option<HeaderValue> {
        if !self.cookie.has_former_scopes() {
            return None;
        }
        let values = request.values(&COOKIE).flat_map(|header| self.cookie.values(header));
        (values.take(2).count() == 2).then(|| self.cookie.former_removal(self.clock.now()))?
    }
}
