//! What a response does to the session cookie.

use cloakroom::Key;
use cloakroom::http::ResponseHeaders;
use http::{HeaderMap, HeaderValue, header};

use crate::client::SetCookie;

/// What a response does to the session cookie, as [`cookie_of`] reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "tests match every case")]
pub enum CookieSeen {
    /// The response does not set or remove it.
    None,
    /// The response sets it to this key.
    Set {
        /// The key.
        key: Key,
        /// `Max-Age` in seconds; `None` for a cookie that goes with the browser session.
        max_age: Option<u64>,
    },
    /// The response removes it.
    Removed,
}

impl CookieSeen {
    /// The key that the response sets.
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

/// What a response with these headers does to the session cookie, whatever the cookie's name.
///
/// A cookie whose value is not a key is ignored, unless the header removes it.
///
/// ```
/// # use cloakroom_testkit::{CookieSeen, cookie_of};
/// # use http::{HeaderMap, HeaderValue, header};
/// let mut response = HeaderMap::new();
/// assert_eq!(cookie_of(&response), CookieSeen::None);
/// let header = HeaderValue::from_static("__Host-id=; Max-Age=0; Path=/; Secure");
/// response.insert(header::SET_COOKIE, header);
/// assert_eq!(cookie_of(&response), CookieSeen::Removed);
/// ```
///
/// Removing a cookie in several scopes counts as removing it once.
///
/// # Panics
/// If one `Set-Cookie` sets a key, and another sets one too or removes a cookie.
pub fn cookie_of(headers: &impl SetsCookies) -> CookieSeen {
    let cookies = headers.set_cookies();
    let seen = cookies.iter().filter_map(|header| {
        let cookie = SetCookie::parse(header.to_str().ok()?)?;
        let max_age = cookie.max_age.map(|age| u64::try_from(age).unwrap_or(0));
        if max_age == Some(0) {
            return Some(CookieSeen::Removed);
        }
        Some(CookieSeen::Set { key: cookie.value.parse().ok()?, max_age })
    });
    let (removals, mut keys): (Vec<_>, Vec<_>) =
        seen.partition(|seen| *seen == CookieSeen::Removed);
    assert!(keys.len() + removals.len().min(1) <= 1, "several Set-Cookie headers for one session");
    keys.pop().or(removals.into_iter().next()).unwrap_or(CookieSeen::None)
}
