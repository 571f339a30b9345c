//! A client that behaves like a browser.

mod jar;
mod request;
mod set_cookie;
mod target;

use std::sync::Arc;

use cloakroom::Timestamp;
use cloakroom::time::{Clock, SystemClock};
use http::{HeaderMap, HeaderValue, Method, Response, header};

use jar::{Context, Jar, Kept};
pub use request::{BrowserRequest, Page};
pub(crate) use set_cookie::SetCookie;
use target::Target;

/// A browser without pages: keeps cookies between requests, and sends what browsers send.
///
/// It does no I/O: build each request with its cookies, and pass it each response. It can visit
/// any number of hosts. A clone is the same browser restored from a backup, an outdated tab, or an
/// attacker with a copy of the cookies.
///
/// ```
/// # use cloakroom_testkit::Client;
/// # use http::{HeaderMap, header, HeaderValue};
/// let mut client = Client::new();
/// let mut response = HeaderMap::new();
/// let cookie = "__Host-id=x; Secure; Path=/; SameSite=Lax";
/// response.insert(header::SET_COOKIE, HeaderValue::from_static(cookie));
/// client.absorb("https://shop.example/cart", &response);
/// assert_eq!(client.cookies_for("https://shop.example/").unwrap(), "__Host-id=x");
/// assert_eq!(client.cookies_for("https://www.shop.example/"), None);
///
/// // A form on another site: the cookie stays at home, and the headers say so.
/// let attack = client.page("https://evil.example/").auto_form("https://shop.example/buy");
/// assert!(!attack.headers().contains_key("cookie"));
/// assert_eq!(attack.headers()["sec-fetch-site"], "cross-site");
/// ```
///
/// # Which requests
/// [`visit`](Client::visit) and the methods of [`Page`] make a complete request of a browser, with
/// `Sec-Fetch-*` and `Origin`; [`receive`](Client::receive) takes its response, whenever that
/// arrives. [`request`](Client::request), [`cookies_for`](Client::cookies_for),
/// [`take`](Client::take) and [`absorb`](Client::absorb) are about cookies only, as of a program or
/// an old browser: they never count as coming from another site.
///
/// # Which rules
/// Those of RFC 6265bis and of the Fetch standard, as Chromium 156 was seen to apply them:
/// - Cookies of one name are different cookies if only one has a `Domain`, or if their paths
///   differ. Removing one leaves the other.
/// - Longer paths are sent first, then older cookies. A cookie whose value changes becomes the
///   newest (Firefox keeps its place).
/// - `Secure` cookies need https or this computer (`localhost`, `127.0.0.1`, `[::1]`), and plain
///   HTTP cannot replace them.
/// - The rules of `__Host-`, `__Secure-`, `__Http-` and `__Host-Http-`, and the limits of 4096
///   bytes and 400 days. `Max-Age` counts and `Expires` does not, if both are there.
/// - A `Domain` must be the host or above it, and no public suffix such as `co.uk`.
/// - `SameSite`. Cookies without it count as `Lax`, and are sent with another site's form for two
///   minutes. Third-party cookies (`SameSite=None`) are not blocked.
///
/// There is no limit on the number of cookies, and `Partitioned` cookies are kept with the others.
#[derive(Clone, Debug)]
pub struct Client {
    jar: Jar,
    clock: Arc<dyn Clock>,
    is_java: bool,
}

impl Client {
    /// A client without cookies, on the system's clock.
    pub fn new() -> Self {
        Self { jar: Jar::default(), clock: Arc::new(SystemClock), is_java: false }
    }

    /// The client on another clock, by which its cookies expire: often that of
    /// [`TestSessions`](crate::TestSessions).
    #[must_use = "the changed client is returned"]
    pub fn with_clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// The client with the `Cookie` headers of Java's `HttpClient` and its `CookieManager`.
    ///
    /// A cookie that was set with `Max-Age` and without `Expires` is sent as RFC 2965 says:
    /// `$Version="1"; id="x";$Path="/";$Domain="shop.example"`.
    #[must_use = "the changed client is returned"]
    pub fn with_java_quotes(self) -> Self {
        Self { is_java: true, ..self }
    }

    /// The `Cookie` header of a request to `url`, or `None` if there is no cookie to send.
    ///
    /// # Panics
    /// If `url` is not an absolute URL.
    pub fn cookies_for(&self, url: &str) -> Option<HeaderValue> {
        self.cookies(&Target::of(url), Context::SameSite)
    }

    /// Keeps the cookies that a response from `url` sets, and drops those it removes.
    ///
    /// # Panics
    /// If `url` is not an absolute URL, or a `Set-Cookie` header is not ASCII.
    pub fn absorb(&mut self, url: &str, response: &HeaderMap) {
        self.store(url, response, Context::SameSite);
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

    /// Keeps the cookies of the response to `request`, if a browser does.
    ///
    /// Those that a response sets within a page of another site (an image, a frame, a `fetch`) are
    /// refused, unless they have `SameSite=None`.
    ///
    /// # Panics
    /// If a `Set-Cookie` header is not ASCII.
    pub fn receive(&mut self, request: &BrowserRequest, response: &HeaderMap) {
        self.store(request.url(), response, request.context);
    }

    /// Closes the browser and opens it again: cookies with neither `Max-Age` nor `Expires` are
    /// gone.
    pub fn restart(&mut self) {
        self.jar.close();
    }

    fn store(&mut self, url: &str, response: &HeaderMap, context: Context) {
        let (from, now) = (Target::of(url), self.now());
        for header in response.get_all(header::SET_COOKIE) {
            let header = header.to_str().expect("Set-Cookie is ASCII");
            self.jar.store(header, &from, context, now);
        }
    }

    fn cookies(&self, to: &Target, context: Context) -> Option<HeaderValue> {
        let cookies = self.jar.sent(to, context, self.now());
        let is_java = |kept: &Kept| self.is_java && kept.has_java_quotes();
        let version = cookies.first().is_some_and(|kept| is_java(kept));
        let version = version.then(|| "$Version=\"1\"".to_owned());
        let pairs = cookies.iter().map(|kept| kept.pair(is_java(kept)));
        let pairs: Vec<_> = version.into_iter().chain(pairs).collect();
        (!pairs.is_empty())
            .then(|| HeaderValue::try_from(pairs.join("; ")).expect("cookies are ASCII"))
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}
