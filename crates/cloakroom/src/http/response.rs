//! The headers of a response that concern the session.

use http::header::{CACHE_CONTROL, SET_COOKIE, VARY};
use http::{HeaderName, HeaderValue};

use crate::http::{Carrier, Channel, HeadersMut};
use crate::protocol::CookieChange;

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const COOKIE: HeaderValue = HeaderValue::from_static("cookie");
const AUTHORIZATION: HeaderValue = HeaderValue::from_static("authorization");

/// The headers that a response must carry for its session, decided in one step.
///
/// - `Set-Cookie`, only when the client's cookie must change;
/// - `Vary`, whenever the session was asked for, since the response then depends on the key;
/// - `Cache-Control: no-store`, when the response carries a key or removes one (OWASP, "Web Content
///   Caching").
///
/// ```
/// # use cloakroom::{MemoryStore, SessionMap, Sessions};
/// let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new())?;
/// let mut response = http::HeaderMap::new();
/// sessions.clear_headers().apply_to(&mut response);
/// assert!(response["set-cookie"].to_str().unwrap().starts_with("__Host-id=; Max-Age=0;"));
/// # Ok::<(), cloakroom::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a response without these headers loses the client's key"]
pub struct ResponseHeaders {
    cookie: Option<HeaderValue>,
    varies_on_cookie: bool,
    varies_on_authorization: bool,
    no_store: bool,
}

impl ResponseHeaders {
    pub(crate) fn new(
        channel: &Channel,
        carrier: Carrier,
        change: &CookieChange,
        accessed: bool,
    ) -> Self {
        if !accessed {
            return Self::default();
        }
        let cookie = channel.cookie.as_ref().filter(|_| carrier == Carrier::Cookie);
        let cookie = cookie.and_then(|cookie| match change {
            CookieChange::Keep => None,
            CookieChange::Send { key, life } => cookie.set(key, *life),
            CookieChange::Remove => cookie.removal(),
        });
        Self {
            cookie,
            varies_on_cookie: channel.cookie.is_some(),
            varies_on_authorization: channel.bearer,
            no_store: !matches!(change, CookieChange::Keep),
        }
    }

    /// For a session that is kept in the cookie itself.
    #[cfg(feature = "encrypted-cookie")]
    pub(crate) fn encrypted_cookie(cookie: Option<HeaderValue>) -> Self {
        let no_store = cookie.is_some();
        Self { cookie, varies_on_cookie: true, varies_on_authorization: false, no_store }
    }

    /// Writes the headers into a response.
    ///
    /// `Set-Cookie` replaces an earlier one for the same cookie name (RFC 6265bis section 4.1.1
    /// allows one per name), `Vary` is added to an existing one, and `no-store` replaces any other
    /// `Cache-Control`.
    pub fn apply_to(self, response: &mut impl HeadersMut) {
        if let Some(cookie) = self.cookie {
            response.retain(&SET_COOKIE, |other| name_of(other) != name_of(cookie.as_bytes()));
            response.append(SET_COOKIE, cookie);
        }
        if self.varies_on_cookie {
            vary_on(response, COOKIE);
        }
        if self.varies_on_authorization {
            vary_on(response, AUTHORIZATION);
        }
        if self.no_store {
            response.retain(&CACHE_CONTROL, |_| false);
            response.append(CACHE_CONTROL, NO_STORE);
        }
    }

    /// Name and value of each header, for responses that are built by hand.
    ///
    /// The values are ASCII.
    pub fn iter(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> + '_ {
        let cookie = self.cookie.iter().map(|cookie| (SET_COOKIE, cookie.clone()));
        let vary = [(self.varies_on_cookie, COOKIE), (self.varies_on_authorization, AUTHORIZATION)];
        let vary = vary.into_iter().filter_map(|(varies, name)| varies.then_some((VARY, name)));
        cookie.chain(vary).chain(self.no_store.then_some((CACHE_CONTROL, NO_STORE)))
    }
}

/// The name of the cookie that a `Set-Cookie` sets.
fn name_of(set_cookie: &[u8]) -> &[u8] {
    set_cookie.split(|byte| *byte == b'=').next().unwrap_or_default()
}

fn vary_on(response: &mut impl HeadersMut, name: HeaderValue) {
    if !response.values(&VARY).any(|vary| lists(vary, name.as_bytes())) {
        response.append(VARY, name);
    }
}

/// True if this `Vary` says that the response depends on the header `name`.
fn lists(vary: &[u8], name: &[u8]) -> bool {
    let mut listed = vary.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    listed.any(|listed| listed == b"*" || listed.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;
    use crate::http::{CookiePolicy, Transport};

    fn removal(transport: &Transport, carrier: Carrier) -> ResponseHeaders {
        ResponseHeaders::new(&transport.compile("").unwrap(), carrier, &CookieChange::Remove, true)
    }

    fn map(headers: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        map
    }

    #[test]
    fn a_set_cookie_of_our_name_is_replaced_and_others_stay() {
        let mut response = map(&[
            ("set-cookie", "__Host-id=old; Path=/"),
            ("set-cookie", "__Host-id2=x"),
            ("set-cookie", "theme=dark"),
        ]);
        removal(&Transport::default(), Carrier::Cookie).apply_to(&mut response);
        let cookies: Vec<_> =
            response.get_all(SET_COOKIE).iter().map(|c| c.to_str().unwrap()).collect();
        assert_eq!(cookies[..2], ["__Host-id2=x", "theme=dark"]);
        assert!(cookies[2].starts_with("__Host-id=;") && cookies.len() == 3);
    }

    #[test]
    fn vary_is_merged_and_never_repeated() {
        let headers = removal(&Transport::default(), Carrier::Cookie);
        for present in ["Accept, COOKIE", "*"] {
            let mut response = HeaderMap::new();
            response.insert(VARY, HeaderValue::from_static(present));
            headers.clone().apply_to(&mut response);
            assert_eq!(response.get_all(VARY).iter().count(), 1);
        }
        let mut response = map(&[("vary", "Accept")]);
        headers.clone().apply_to(&mut response);
        headers.apply_to(&mut response);
        assert_eq!(response.get_all(VARY).iter().count(), 2);
    }

    #[test]
    fn a_bearer_client_is_sent_no_cookie() {
        let both = Transport::cookie_or_bearer(CookiePolicy::default());
        let names: Vec<_> = removal(&both, Carrier::Bearer).iter().map(|(name, _)| name).collect();
        assert_eq!(names, [VARY, VARY, CACHE_CONTROL]);
        let names: Vec<_> = removal(&both, Carrier::Cookie).iter().map(|(name, _)| name).collect();
        assert_eq!(names, [SET_COOKIE, VARY, VARY, CACHE_CONTROL]);
    }
}
