//! What a response does to the cookie.

use http::HeaderValue;

use super::session::{EncryptedSession, State};
use crate::http::{Cookie, LookedAt, ResponseHeaders, SessionOutcome};
use crate::protocol::CookieChange;
use crate::value::SessionValue;

/// What the response has to do to the cookie.
pub(super) enum Pending {
    /// Nothing.
    Keep,
    /// Send the same value again.
    Reencrypt,
    Set(HeaderValue),
    Remove,
    /// Replace it by one that says that the session was ended.
    SetEnded(HeaderValue),
}

impl<V: SessionValue, K> EncryptedSession<V, K> {
    /// The headers that the response must carry: `Set-Cookie` if the cookie must change, with
    /// `Cache-Control: no-store`, and always `Vary: Cookie`, since the request's cookie was read.
    ///
    /// `Vary` also names the headers that told which site started the request, if the response
    /// depends on them and a cache can store it.
    ///
    /// Call it last. Without a change, the cookie is sent again when a tenth of the idle timeout
    /// has passed, when an old key had encrypted it, and when the browser has another cookie of the
    /// name and this one was set in a former scope.
    pub fn headers(&self) -> ResponseHeaders {
        let codec = &self.codec;
        let cookie = match (&self.cookie, self.state) {
            (Pending::Set(cookie), State::Live(deadlines)) => Some((cookie.clone(), deadlines)),
            // If that fails, the client's cookie is still valid for the rest of its lifetime.
            (Pending::Reencrypt, State::Live(deadlines)) => {
                let cookie = codec.encrypt(&self.payload, deadlines, self.encrypted_at);
                cookie.ok().map(|cookie| (cookie, deadlines))
            }
            (Pending::SetEnded(cookie), _) => {
                let marker = codec.channel.marker.as_ref().and_then(Cookie::removal);
                return ResponseHeaders::encrypted_cookie(Some(cookie.clone()), marker);
            }
            _ => None,
        };
        if let Some((cookie, deadlines)) = cookie {
            return ResponseHeaders::encrypted_cookie(Some(cookie), codec.marker(deadlines));
        }
        let is_removed = matches!(self.cookie, Pending::Remove);
        let outcome = SessionOutcome {
            change: if is_removed { &CookieChange::Remove } else { &CookieChange::Keep },
            repeated: self.clears_former,
            signed_in: false,
            signed_out: is_removed,
            looked_at: if self.exists() { LookedAt::Nothing } else { self.request.looked_at },
        };
        ResponseHeaders::new(&codec.channel, outcome, || codec.clock.now())
    }
}
