//! Which site a request came from, and what follows from that.

use crate::policy::SameSite;

/// Which site started a request, as far as its headers tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "callers must handle every case")]
pub enum RequestOrigin {
    /// This site, the user themself, or unknown: a client that is not a browser says nothing.
    #[default]
    SameSite,
    /// Another site, from which the user followed a link or was redirected: a navigation of the
    /// whole page with a safe method.
    Link,
    /// Another site, which embeds the response: a frame, an image, a script's request with a safe
    /// method.
    Embedded,
    /// Another site, with a method that can change something, such as a form.
    Unsafe,
}

/// Whether the browser may have kept back the cookie of a request that presents no key: then no
/// session begins, since its cookie would replace the one that the browser has.
///
/// Browsers send a Lax cookie from another site only with a link, and a Strict one never. A link
/// counts only if `is_known`, that is, if a marker cookie says that the browser has a session.
pub fn is_withheld(origin: RequestOrigin, same_site: SameSite, is_known: bool) -> bool {
    match (origin, same_site) {
        (RequestOrigin::SameSite, _)
        | (_, SameSite::None)
        | (RequestOrigin::Link, SameSite::Lax) => false,
        (RequestOrigin::Link, SameSite::Strict) => is_known,
        (RequestOrigin::Embedded | RequestOrigin::Unsafe, SameSite::Lax | SameSite::Strict) => true,
    }
}

/// Whether a sign-in is refused because another site may have forged its request (login CSRF).
///
/// Without this, a form on a foreign page could sign its visitors in as the attacker.
pub fn is_login_forged(origin: RequestOrigin, is_verified: bool) -> bool {
    origin == RequestOrigin::Unsafe && !is_verified
}
