//! A client that keeps cookies as a browser does.

use cookie_store::{CookieStore, RawCookie};
use http::{HeaderMap, HeaderValue, Method, Response, Uri, header};

/// Keeps cookies between requests, by the rules of RFC 6265bis. It sends nothing itself: take the headers it offers, and
/// show it the responses.
///
/// What browsers refuse it refuses, silently as they do: a `Secure` cookie from plain HTTP (the strictest browsers make no
/// exception for `localhost`), a `__Host-` cookie with a `Domain` or without `Secure; Path=/`, a plain-HTTP cookie in the
/// place of a `Secure` one, and a cookie of more than 4096 bytes.
///
/// ```
/// # use cloakroom_testkit::Client;
/// # use http::{HeaderMap, header, HeaderValue};
/// let mut client = Client::new();
/// let mut response = HeaderMap::new();
/// response.insert(header::SET_COOKIE, HeaderValue::from_static("__Host-id=x; Secure; Path=/"));
/// client.absorb("https://shop.example/cart", &response);
/// assert_eq!(client.cookies_for("https://shop.example/").unwrap(), "__Host-id=x");
/// assert_eq!(client.cookies_for("https://www.shop.example/"), None);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Client {
    jar: CookieStore,
}

impl Client {
    /// A client without cookies.
    pub fn new() -> Self {
        Self::default()
    }

    /// The `Cookie` header of a request to `url`; `None` if there is nothing to send.
    ///
    /// # Panics
    /// If `url` is no absolute URL.
    pub fn cookies_for(&self, url: &str) -> Option<HeaderValue> {
        let url = url.parse().expect("an absolute URL");
        let pairs: Vec<String> = self
            .jar
            .get_request_values(&url)
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        (!pairs.is_empty())
            .then(|| HeaderValue::try_from(pairs.join("; ")).expect("cookies are ASCII"))
    }

    /// Keeps what a response from `url` sets, and forgets what it removes.
    ///
    /// # Panics
    /// If `url` is no absolute URL, or a `Set-Cookie` is no text.
    pub fn absorb(&mut self, url: &str, response: &HeaderMap) {
        for header in response.get_all(header::SET_COOKIE) {
            let text = header.to_str().expect("Set-Cookie is ASCII");
            let Ok(cookie) = RawCookie::parse(text) else {
                continue;
            };
            if self.would_keep(&cookie, url) {
                // A cookie for another site, or one that is over: the jar knows.
                let _ = self.jar.insert_raw(&cookie, &url.parse().expect("an absolute URL"));
            }
        }
    }

    /// A request to `url` with the cookies that belong to it.
    ///
    /// # Panics
    /// If `url` is no absolute URL.
    pub fn request(&self, method: Method, url: &str) -> http::request::Builder {
        let request = http::Request::builder().method(method).uri(url);
        match self.cookies_for(url) {
            Some(cookies) => request.header(header::COOKIE, cookies),
            None => request,
        }
    }

    /// [`absorb`](Client::absorb) of a whole response.
    ///
    /// # Panics
    /// Like [`absorb`](Client::absorb).
    pub fn take<B>(&mut self, url: &str, response: &Response<B>) {
        self.absorb(url, response.headers());
    }

    /// The rules that the jar does not know (RFC 6265bis section 5.7).
    fn would_keep(&self, cookie: &RawCookie<'_>, url: &str) -> bool {
        let url: Uri = url.parse().expect("an absolute URL");
        let over_tls = url.scheme_str() == Some("https");
        let is_secure = cookie.secure() == Some(true);
        let name = cookie.name().to_ascii_lowercase();
        if cookie.name().len() + cookie.value().len() > 4096 || (is_secure && !over_tls) {
            return false;
        }
        if name.starts_with("__secure-") {
            return is_secure;
        }
        if name.starts_with("__host-") {
            return is_secure && cookie.path() == Some("/") && cookie.domain().is_none();
        }
        let hides_a_secure_one = |kept: &cookie_store::Cookie<'_>| {
            kept.name() == cookie.name() && kept.secure() == Some(true)
        };
        over_tls || !self.jar.iter_unexpired().any(hides_a_secure_one)
    }
}
