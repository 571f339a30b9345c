//! What a response does to the visitor's cookie.

use cloakroom::Key;
use cloakroom::http::ResponseHeaders;
use cookie_store::RawCookie;
use http::{HeaderMap, HeaderValue, header};

/// What a response does to the session's cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "tests match every case")]
pub enum CookieSeen {
    /// It leaves it alone.
    None,
    /// It sets this key.
    Set {
        /// The key.
        key: Key,
        /// How many seconds it lasts; without this until the browser closes.
        max_age: Option<u64>,
    },
    /// It removes it.
    Removed,
}

impl CookieSeen {
    /// The key that was set.
    pub fn key(self) -> Option<Key> {
        match self {
            Self::Set { key, .. } => Some(key),
            Self::None | Self::Removed => None,
        }
    }
}

/// Response headers that may set cookies.
pub trait SetsCookies {
    /// The values of all `Set-Cookie` headers.
    fn set_cookies(&self) -> Vec<HeaderValue>;
}

impl SetsCookies for HeaderMap {
    fn set_cookies(&self) -> Vec<HeaderValue> {
        self.get_all(header::SET_COOKIE).iter().cloned().collect()
    }
}

impl SetsCookies for ResponseHeaders {
    fn set_cookies(&self) -> Vec<HeaderValue> {
        let mut headers = HeaderMap::new();
        self.clone().apply_to(&mut headers);
        headers.set_cookies()
    }
}

/// What a response with these headers does to the session's cookie, whatever its name; other cookies are passed over.
///
/// # Panics
/// If more than one `Set-Cookie` sets a key or removes a cookie.
pub fn cookie_of(headers: &impl SetsCookies) -> CookieSeen {
    let cookies = headers.set_cookies();
    let mut seen = cookies.iter().filter_map(|header| {
        let cookie = RawCookie::parse(header.to_str().ok()?).ok()?;
        let max_age = cookie.max_age().map(|age| age.whole_seconds().max(0).unsigned_abs());
        if max_age == Some(0) {
            return Some(CookieSeen::Removed);
        }
        Some(CookieSeen::Set { key: cookie.value().parse().ok()?, max_age })
    });
    let first = seen.next().unwrap_or(CookieSeen::None);
    assert!(seen.next().is_none(), "several Set-Cookie headers for one session");
    first
}
