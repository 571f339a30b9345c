//! A cookie-keeping client.

use cookie_store::{CookieStore, RawCookie};
use http::{HeaderMap, HeaderValue, Method, Response, Uri, header};

/// Keeps cookies between requests as a browser does, by the rules of RFC 6265bis.
///
/// It does no I/O: build each request with its cookies, and pass it each response. A clone is
/// another tab with the cookies as they are now.
///
/// It silently refuses what browsers refuse: a `Secure` cookie over plain HTTP (the strictest
/// browsers make no exception for `localhost`), a `__Host-` cookie with a `Domain` or without
/// `Secure; Path=/`, a cookie over plain HTTP that would replace a `Secure` one, and a cookie of
/// more than 4096 bytes.
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

    /// The `Cookie` header of a request to `url`, or `None` if there is no cookie to send.
    ///
    /// # Panics
    /// If `url` is not an absolute URL.
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

    /// Keeps the cookies that a response from `url` sets, and drops those it removes.
    ///
    /// # Panics
    /// If `url` is not an absolute URL, or a `Set-Cookie` header is not ASCII.
    pub fn absorb(&mut self, url: &str, response: &HeaderMap) {
        for header in response.get_all(header::SET_COOKIE) {
            let text = header.to_str().expect("Set-Cookie is ASCII");
            let Ok(cookie) = RawCookie::parse(text) else {
                continue;
            };
            if self.would_keep(&cookie, url) {
                // The jar refuses a cookie for another site or one that has expired.
                let _ = self.jar.insert_raw(&cookie, &url.parse().expect("an absolute URL"));
            }
        }
    }

    /// A request to `url` with its cookies.
    ///
    /// # Panics
    /// If `url` is not an absolute URL.
    pub fn request(&self, method: Method, url: &str) -> http::request::Builder {
        let request = http::Request::builder().method(method).uri(url);
        match self.cookies_for(url) {
            Some(cookies) => request.header(header::COOKIE, cookies),
            None => request,
        }
    }

    /// The same as [`absorb`](Client::absorb), for a whole response.
    ///
    /// # Panics
    /// Like [`absorb`](Client::absorb).
    pub fn take<B>(&mut self, url: &str, response: &Response<B>) {
        self.absorb(url, response.headers());
    }

    /// The rules of RFC 6265bis section 5.7 that the jar does not implement.
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
        let replaces_a_secure_one = |kept: &cookie_store::Cookie<'_>| {
            kept.name() == cookie.name() && kept.secure() == Some(true)
        };
        over_tls || !self.jar.iter_unexpired().any(replaces_a_secure_one)
    }
}
