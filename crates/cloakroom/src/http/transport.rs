//! How keys travel.

use http::header::{AUTHORIZATION, COOKIE};

use crate::http::{
    Cookie, CookiePolicy, CookiePolicyError, DeviceChannel, Headers, SiteData, device,
};
use crate::key::{Carrier, Key};
use crate::policy::SameSite;
use crate::protocol::PresentedKeys;

/// How keys travel: in a cookie, as a bearer token, or as either.
///
/// A key is accepted from nowhere else (OWASP, "Used vs. Accepted Session ID Exchange Mechanisms").
///
/// ```
/// # use cloakroom::{CookiePolicy, Transport};
/// let browsers = Transport::cookie(CookiePolicy::default()); // the default
/// let programs = Transport::bearer();
/// let both = Transport::cookie_or_bearer(CookiePolicy::default());
/// ```
#[derive(Clone, Debug)]
pub struct Transport {
    cookie: Option<CookiePolicy>,
    bearer: bool,
}

impl Default for Transport {
    fn default() -> Self {
        Self::cookie(CookiePolicy::default())
    }
}

impl Transport {
    /// Keys travel in a cookie.
    pub fn cookie(policy: CookiePolicy) -> Self {
        Self { cookie: Some(policy), bearer: false }
    }

    /// Keys travel in `Authorization: Bearer KEY` (RFC 6750).
    ///
    /// No cookie is ever sent, and every key is a bearer key. Give the client [`Key::expose`] in
    /// the response to its sign-in. A bearer key is never renewed on a timer.
    pub const fn bearer() -> Self {
        Self { cookie: None, bearer: true }
    }

    /// Keys travel as bearer tokens or in a cookie.
    ///
    /// Each key travels in one of the two ways and opens nothing in the other. Keys travel in a
    /// cookie, unless they are minted by [`Login::bearer`](crate::Login::bearer) or
    /// [`Sessions::generate_bearer`](crate::Sessions::generate_bearer). If a request presents both,
    /// the first that opens a session is used, the bearer token before the cookie.
    pub fn cookie_or_bearer(policy: CookiePolicy) -> Self {
        Self { cookie: Some(policy), bearer: true }
    }

    /// The policy of the cookie, if keys travel in one.
    pub(crate) const fn cookie_policy(&self) -> Option<&CookiePolicy> {
        self.cookie.as_ref()
    }

    pub(crate) fn compile(&self, kind: &str) -> Result<Channel, CookiePolicyError> {
        let cookie = self.cookie.as_ref().map(|policy| policy.compile(kind)).transpose()?;
        let marker = self.cookie.as_ref().map(|policy| policy.compile_marker(kind)).transpose()?;
        Ok(Channel {
            cookie,
            marker: marker.flatten(),
            same_site: self.cookie.as_ref().map(CookiePolicy::same_site),
            bearer: self.bearer,
            device: None,
            private_pages: false,
            clear_site_data: None,
        })
    }
}

/// A transport whose cookie policy has been checked.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) cookie: Option<Cookie>,
    /// The cookie that goes with a Strict one and says only that it is there.
    pub(crate) marker: Option<Cookie>,
    pub(crate) same_site: Option<SameSite>,
    pub(crate) bearer: bool,
    /// Where devices are bound, if they are.
    pub(crate) device: Option<DeviceChannel>,
    /// Whether browsers must not show pages of a signed-in session after the sign-out.
    pub(crate) private_pages: bool,
    /// What browsers drop at a sign-out.
    pub(crate) clear_site_data: Option<SiteData>,
}

/// What a request presents.
#[derive(Debug)]
pub(crate) struct Presented {
    pub(crate) keys: PresentedKeys,
    /// How many of the values are cookies.
    pub(crate) cookie_count: usize,
    /// Whether the browser says that it is in a session that is bound to its device.
    pub(crate) is_bound: bool,
}

impl Channel {
    /// Reads the keys from hostile headers. It never fails.
    ///
    /// A bearer token comes first, and hides no cookie: it can be meant for another service.
    pub(crate) fn read(&self, headers: &(impl Headers + ?Sized)) -> Presented {
        let mut keys = PresentedKeys::default();
        if self.bearer {
            if let Some(token) = headers.values(&AUTHORIZATION).next().and_then(bearer_token) {
                let key = Key::from_text(token).ok();
                keys.add(key.map(|key| key.carried_by(Carrier::Bearer)));
            }
        }
        let mut cookie_count = 0;
        if let Some(cookie) = &self.cookie {
            for header in headers.values(&COOKIE) {
                for value in cookie.values(header) {
                    cookie_count += 1;
                    keys.add(Key::from_text(value).ok());
                }
                let marker = self.marker.as_ref();
                if marker.is_some_and(|marker| marker.values(header).next().is_some()) {
                    keys.mark();
                }
            }
        }
        let mut is_bound = false;
        if let Some(device) = &self.device {
            let marked = device.marked(headers);
            is_bound = !marked.is_empty();
            if is_bound && cookie_count == 0 {
                let mut skipped = device::skipped(headers);
                // It may not have forgotten one that it has left.
                skipped.retain(|skipped| marked.contains(&skipped.id));
                keys.skip(skipped);
            }
        }
        Presented { keys, cookie_count, is_bound }
    }
}

/// The token of a bearer `Authorization`. The scheme is case-insensitive (RFC 9110 section 11.1).
fn bearer_token(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = value.split_at_checked(6)?;
    match rest {
        [b' ', ..] | [] if scheme.eq_ignore_ascii_case(b"bearer") => Some(rest.trim_ascii_start()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use proptest::prelude::*;

    use super::*;
    use crate::key::{PublicId, Secret};

    fn key(id: u8) -> Key {
        Key::new(PublicId::from_bytes([id; 16]), Secret::from_bytes([2; 16]))
    }

    fn channel() -> Channel {
        Transport::cookie_or_bearer(CookiePolicy::for_plain_http("n")).compile("").unwrap()
    }

    fn read(headers: &[(&'static str, &[u8])]) -> Presented {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, http::HeaderValue::from_bytes(value).unwrap());
        }
        channel().read(&map)
    }

    fn keys(presented: &Presented) -> Vec<Key> {
        presented.keys.iter().cloned().collect()
    }

    #[test]
    fn all_cookie_headers_are_read_and_garbage_hides_no_key() {
        let (first, second) = (key(1).expose(), key(2).expose());
        let presented = read(&[
            ("cookie", format!("n=garbage; n={first}; n=; n={first}").as_bytes()),
            ("cookie", format!("x=y; n={second}").as_bytes()),
        ]);
        assert_eq!(keys(&presented), [key(1), key(2)]);
        assert_eq!((presented.keys.value_count(), presented.cookie_count), (5, 5));
    }

    #[test]
    fn the_keys_of_no_more_than_sixteen_sessions_are_tried() {
        let header =
            (0..100).map(|id| format!("n={}", key(id).expose())).collect::<Vec<_>>().join("; ");
        let presented = read(&[("cookie", header.as_bytes())]);
        assert_eq!((presented.keys.iter().count(), presented.keys.value_count()), (16, 100));
    }

    #[test]
    fn a_bearer_token_comes_before_cookies_and_hides_none() {
        let (cookie, token) = (format!("n={}", key(1).expose()), key(2).expose());
        for scheme in ["Bearer ", "bearer ", "BEARER  "] {
            let presented = read(&[
                ("cookie", cookie.as_bytes()),
                ("authorization", format!("{scheme}{token}").as_bytes()),
            ]);
            assert_eq!(keys(&presented), [key(2).carried_by(Carrier::Bearer), key(1)]);
        }
        let presented =
            read(&[("cookie", cookie.as_bytes()), ("authorization", b"Bearer nonsense")]);
        assert_eq!((keys(&presented), presented.keys.value_count()), (vec![key(1)], 2));
        let presented = read(&[("cookie", cookie.as_bytes()), ("authorization", b"Basic eDp5")]);
        assert_eq!((keys(&presented), presented.cookie_count), (vec![key(1)], 1));
    }

    #[test]
    fn the_marker_of_a_strict_cookie_is_no_key() {
        let policy = CookiePolicy::host("n").with_same_site(SameSite::Strict);
        let channel = Transport::cookie(policy).compile("").unwrap();
        let presented = channel.read(&[("cookie", "__Host-n-here=1")]);
        assert_eq!((presented.keys.value_count(), presented.keys.is_marked()), (0, true));
        assert!(!channel.read(&[("cookie", "__Host-n-hers=1")]).keys.is_marked());
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 10_000, failure_persistence: None, ..ProptestConfig::default()
        })]

        #[test]
        fn every_key_that_is_read_is_in_the_header(
            bytes in prop::collection::vec(
                prop_oneof![Just(b';'), Just(b'='), Just(b'n'), 0x20..=0xFF_u8], 0..60
            )
        ) {
            let bytes: Vec<u8> = bytes.into_iter().filter(|byte| *byte != 0x7F).collect();
            for key in read(&[("cookie", &bytes)]).keys.iter() {
                let pair = format!("n={}", key.expose()).into_bytes();
                prop_assert!(bytes.windows(pair.len()).any(|window| window == pair));
            }
        }

        #[test]
        fn a_valid_cookie_is_found_among_any_others(
            before in prop::collection::vec("[ -:<-~]{0,40}", 0..4),
            after in prop::collection::vec("[ -:<-~]{0,40}", 0..4),
        ) {
            let good = format!("n={}", key(7).expose());
            let pairs: Vec<String> = before.into_iter().chain([good]).chain(after).collect();
            prop_assert!(keys(&read(&[("cookie", pairs.join(";").as_bytes())])).contains(&key(7)));
        }
    }
}
