//! Who can reach the demo, and what its cookie must be like.

use std::net::IpAddr;

use cloakroom::CookiePolicy;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exposure {
    /// This machine only.
    Loopback,
    /// Other machines, over plain HTTP: `--plain-http`.
    PlainHttp,
    /// Over TLS: our own, or that of a proxy in front. The cookie is Secure.
    Tls,
}

impl Exposure {
    pub(super) const fn of(address: IpAddr, plain_http: bool) -> Self {
        match (address.is_loopback(), plain_http) {
            (true, _) => Self::Loopback,
            (false, true) => Self::PlainHttp,
            (false, false) => Self::Tls,
        }
    }

    pub(super) fn cookie(self) -> CookiePolicy {
        match self {
            // Not every browser accepts a Secure cookie from http://127.0.0.1.
            Self::Loopback | Self::PlainHttp => CookiePolicy::for_plain_http("id"),
            Self::Tls => CookiePolicy::default(),
        }
    }

    /// What to know about the cookie, for the person who starts the demo.
    pub(super) const fn note(self) -> &'static str {
        match self {
            Self::Loopback => {
                "note: the cookie is `id` without Secure, because this is plain HTTP
      with TLS, use the default: `__Host-id` with Secure"
            }
            Self::PlainHttp => {
                "warning: other machines can reach this address
         keys and passwords are sent to it in clear text"
            }
            Self::Tls => {
                "warning: browsers do not send the cookie, `__Host-id`, over plain HTTP
         put a proxy that terminates TLS in front, or use --plain-http on a trusted network"
            }
        }
    }
}
