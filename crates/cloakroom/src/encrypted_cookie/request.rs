//! Which site started a request, and whether its user sees the response.

use http::header::COOKIE;

use super::cookie::EncryptedCookie;
use super::no_session::NoEncryptedSession;
use crate::http::{Headers, LookedAt, RequestMethod, is_speculative, origin_of};
use crate::protocol::{RequestOrigin, is_login_forged, is_withheld};

/// What a request says in addition to its cookies.
pub(super) struct RequestFacts {
    origin: RequestOrigin,
    /// The headers that told which site started the request.
    pub(super) looked_at: LookedAt,
    /// The user perhaps never sees the response.
    pub(super) is_speculative: bool,
    is_verified: bool,
}

impl RequestFacts {
    pub(super) fn of(
        request: &(impl Headers + ?Sized),
        method: RequestMethod,
        authority: Option<&str>,
    ) -> Self {
        let (origin, looked_at) = origin_of(request, method, authority);
        let is_speculative = is_speculative(request, method);
        Self { origin, looked_at, is_speculative, is_verified: false }
    }

    /// Why there is no session: `reason`, unless the browser may have kept the cookie back.
    ///
    /// A cookie that does not open counts as none: under Lax or Strict, what came along from
    /// another site is not the cookie that this application set.
    pub(super) fn reason<V>(
        &self,
        codec: &EncryptedCookie<V>,
        request: &(impl Headers + ?Sized),
        reason: NoEncryptedSession,
    ) -> NoEncryptedSession {
        let is_marked = || {
            let marker = codec.channel.marker.as_ref();
            marker.is_some_and(|marker| {
                request.values(&COOKIE).any(|header| marker.values(header).next().is_some())
            })
        };
        let same_site = codec.channel.same_site;
        if same_site.is_some_and(|same_site| is_withheld(self.origin, same_site, is_marked())) {
            return NoEncryptedSession::Withheld;
        }
        reason
    }

    /// True if another site may have forged a sign-in.
    pub(super) fn is_login_forged(&self) -> bool {
        is_login_forged(self.origin, self.is_verified)
    }

    /// The application expects forms of other sites.
    pub(super) fn verify(&mut self) {
        self.is_verified = true;
    }
}
