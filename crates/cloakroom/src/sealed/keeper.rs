//! The policy at work: from a request's headers to a value, and from a value to a cookie.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use http::header::COOKIE;

use super::contents::{Deadlines, contents_len};
use super::error::SealError;
use super::key_ring::KeyRing;
use super::text::{Envelope, Purpose, text_len};
use super::vacancy::SealedVacancy;
use crate::codec::Coding;
use crate::cookie::{Cookie, LONGEST_PAIR};
use crate::entropy::Entropy;
use crate::header_map::Headers;
use crate::lifetime::Lifetime;
use crate::time::{Clock, Timestamp};
use crate::transport::CANDIDATES;
use crate::value::Value;

/// One kind's policy, checked.
pub(super) struct Keeper<V> {
    pub(super) ring: KeyRing,
    pub(super) cookie: Cookie,
    pub(super) purpose: Purpose,
    pub(super) lifetime: Lifetime,
    pub(super) watermark: Timestamp,
    pub(super) coding: Coding<V>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
}

/// A session that a request carries.
pub(super) struct Opened<V> {
    pub(super) value: V,
    pub(super) deadlines: Deadlines,
    /// True if it has to be sealed anew although nothing changes: a use to be noted, or a key to be replaced.
    pub(super) is_due: bool,
}

impl<V: Value> Keeper<V> {
    /// Reads hostile headers; every input has an answer. Of several cookies the first that opens is taken, as browsers send
    /// the one with the longest path first.
    pub(super) fn open(&self, request: &(impl Headers + ?Sized)) -> Result<Opened<V>, SealedVacancy> {
        let now = self.clock.now();
        let mut tried: Vec<&[u8]> = Vec::new();
        let mut reason = SealedVacancy::NoCookie;
        for value in request.values(&COOKIE).flat_map(|header| self.cookie.values(header)) {
            if reason == SealedVacancy::NoCookie {
                reason = SealedVacancy::Unopened;
            }
            let Some(envelope) = Envelope::parse(value).filter(|it| self.ring.knows(it.key)) else {
                continue;
            };
            if tried.contains(&value) {
                continue;
            }
            if tried.len() == CANDIDATES {
                break;
            }
            tried.push(value);
            match self.unseal(&envelope, now) {
                Ok(opened) => return Ok(opened),
                // What was ours once tells more than what never was.
                Err(why) if reason == SealedVacancy::Unopened => reason = why,
                Err(_) => {}
            }
        }
        Err(reason)
    }

    fn unseal(&self, envelope: &Envelope, now: Timestamp) -> Result<Opened<V>, SealedVacancy> {
        let unsealed = self.ring.open(envelope, &self.purpose).ok_or(SealedVacancy::Unopened)?;
        let (deadlines, payload) =
            Deadlines::of_contents(&unsealed.contents).ok_or(SealedVacancy::Undecodable)?;
        deadlines.judge(now, self.watermark)?;
        let value = self.coding.decode(payload).map_err(|_| SealedVacancy::Undecodable)?;
        let is_due = unsealed.by_older_key || deadlines.use_is_due(&self.lifetime, now);
        let deadlines = if is_due { deadlines.used(&self.lifetime, now) } else { deadlines };
        Ok(Opened { value, deadlines, is_due })
    }

    /// The `Set-Cookie` that carries this value.
    pub(super) fn seal(&self, value: &V, deadlines: Deadlines) -> Result<HeaderValue, SealError> {
        let payload = self.coding.encode(value).map_err(SealError::unfit)?;
        let size = self.cookie.name().len() + text_len(contents_len(payload.len()));
        if size > LONGEST_PAIR {
            return Err(SealError::too_large(size));
        }
        let contents = deadlines.to_contents(&payload);
        let envelope =
            self.ring.current().seal(contents, &self.purpose, &*self.entropy).map_err(SealError::entropy)?;
        let text = envelope.to_text();
        self.cookie
            .set_value(text.as_bytes(), self.life(deadlines))
            .ok_or_else(|| SealError::unfit("the cookie is no header value".into()))
    }

    /// How long the browser keeps the cookie: as long as the session may live, whatever the idle timeout.
    fn life(&self, deadlines: Deadlines) -> Option<Duration> {
        self.lifetime.outlives_browser().then(|| deadlines.absolute.since(self.clock.now()))
    }
}
