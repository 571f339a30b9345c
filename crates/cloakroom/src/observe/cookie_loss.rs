//! Why cookies do not come back.

use std::fmt;

/// Why cookies do not come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CookieLoss {
    /// The cookie is Secure, and the request came over plain http to a host that is not this
    /// machine. Browsers drop such a cookie.
    PlainHttp,
    /// None of the first clients that were sent the cookie has presented it since. This is how many
    /// there were.
    NeverReturned(u32),
}

impl fmt::Display for CookieLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PlainHttp => f.write_str(
                "it is Secure and was sent over plain http, so the browser drops it: use https, \
                 `http://localhost`, or `CookiePolicy::for_plain_http` while you develop; behind a \
                 proxy that ends TLS, let it send `X-Forwarded-Proto: https`",
            ),
            Self::NeverReturned(count) => write!(
                f,
                "none of the first {count} clients sent it back: they are programs or bots without \
                 a cookie jar, or the cookie is Secure and they use plain http, or its Domain or \
                 Path does not fit",
            ),
        }
    }
}
