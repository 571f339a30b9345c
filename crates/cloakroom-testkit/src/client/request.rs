//! The requests that pages make a browser send.

use http::{HeaderMap, HeaderValue, Method, header};

use super::Client;
use super::jar::Context;
use super::target::Target;

/// A page that a browser shows, of the site under test or of another: what it makes the browser
/// send.
///
/// See [`Client::page`].
#[derive(Clone, Debug)]
pub struct Page<'a> {
    client: &'a Client,
    origin: Target,
    is_referrer_hidden: bool,
}

/// A request as a browser sends it: with cookies, `Sec-Fetch-*` and `Origin`.
///
/// Its response can be passed to [`Client::receive`] at once, late, or never, as if it was lost.
#[derive(Clone, Debug)]
pub struct BrowserRequest {
    method: Method,
    url: String,
    headers: HeaderMap,
    pub(super) context: Context,
}

/// What the `Sec-Fetch-*` headers say, apart from the site.
struct Fetch {
    mode: &'static str,
    dest: &'static str,
    is_by_user: bool,
}

const NAVIGATION: Fetch = Fetch { mode: "navigate", dest: "document", is_by_user: true };

impl Client {
    /// The request of a user who types an address or opens a bookmark.
    ///
    /// # Panics
    /// If `url` is not an absolute URL.
    pub fn visit(&self, url: &str) -> BrowserRequest {
        self.send(Method::GET, url, Context::SameSite, NAVIGATION.headers("none"))
    }

    /// A page at `url` that this browser shows.
    ///
    /// # Panics
    /// If `url` is not an absolute URL.
    pub fn page(&self, url: &str) -> Page<'_> {
        Page { client: self, origin: Target::of(url), is_referrer_hidden: false }
    }

    fn send(
        &self,
        method: Method,
        url: &str,
        context: Context,
        fetch_headers: Vec<(&'static str, HeaderValue)>,
    ) -> BrowserRequest {
        let to = Target::of(url);
        let mut headers = HeaderMap::new();
        // Browsers tell an unencrypted connection nothing about the page.
        if to.is_trustworthy() {
            headers.extend(
                fetch_headers
                    .into_iter()
                    .map(|(name, value)| (http::HeaderName::from_static(name), value)),
            );
        }
        headers.extend(self.cookies(&to, context).map(|cookies| (header::COOKIE, cookies)));
        BrowserRequest { method, url: url.to_owned(), headers, context }
    }
}

impl Page<'_> {
    /// The page with `Referrer-Policy: no-referrer`, so that its forms send `Origin: null`.
    #[must_use = "the changed page is returned"]
    pub fn without_referrer(self) -> Self {
        Self { is_referrer_hidden: true, ..self }
    }

    /// The user follows a link, or sends a form with `method="get"`.
    pub fn link(&self, url: &str) -> BrowserRequest {
        self.send(Method::GET, url, NAVIGATION)
    }

    /// The user sends a form with `method="post"`.
    pub fn form(&self, url: &str) -> BrowserRequest {
        self.send(Method::POST, url, NAVIGATION)
    }

    /// The page itself sends a form with `method="post"`: an attack, or the return from an
    /// identity or payment provider.
    pub fn auto_form(&self, url: &str) -> BrowserRequest {
        self.send(Method::POST, url, Fetch { is_by_user: false, ..NAVIGATION })
    }

    /// The page shows another in an `<iframe>`.
    pub fn frame(&self, url: &str) -> BrowserRequest {
        let fetch = Fetch { mode: "navigate", dest: "iframe", is_by_user: false };
        self.send(Method::GET, url, fetch)
    }

    /// The page shows an image.
    pub fn image(&self, url: &str) -> BrowserRequest {
        self.send(Method::GET, url, Fetch { mode: "no-cors", dest: "image", is_by_user: false })
    }

    /// A script calls `fetch` with `credentials: "include"`.
    pub fn fetch(&self, method: Method, url: &str) -> BrowserRequest {
        self.send(method, url, Fetch { mode: "cors", dest: "empty", is_by_user: false })
    }

    /// The browser loads a page of the same site in advance, as the page's speculation rules ask.
    ///
    /// Chromium sends `Sec-Purpose: prefetch` and `Sec-Fetch-Site: none`, and keeps the response's
    /// cookies at once. A click on the link sends nothing more.
    ///
    /// # Panics
    /// If `url` is of another site. Chromium then sends nothing, or no cookies.
    pub fn prefetch(&self, url: &str) -> BrowserRequest {
        assert!(Target::of(url).is_same_site(&self.origin), "a prefetch from another site: {url}");
        let mut headers = Fetch { is_by_user: false, ..NAVIGATION }.headers("none");
        headers.push(("sec-purpose", HeaderValue::from_static("prefetch")));
        self.client.send(Method::GET, url, Context::SameSite, headers)
    }

    fn send(&self, method: Method, url: &str, fetch: Fetch) -> BrowserRequest {
        let to = Target::of(url);
        let (is_same_site, is_same_origin) =
            (self.origin.is_same_site(&to), self.origin.origin() == to.origin());
        let context = match (is_same_site, fetch.dest) {
            (true, _) => Context::SameSite,
            (false, "document") if method.is_safe() => Context::SafeNavigation,
            (false, "document") => Context::UnsafeNavigation,
            (false, _) => Context::Subresource,
        };
        let site = match (is_same_origin, is_same_site) {
            (true, _) => "same-origin",
            (false, true) => "same-site",
            (false, false) => "cross-site",
        };
        let is_cors = fetch.mode == "cors";
        let mut request = self.client.send(method.clone(), url, context, fetch.headers(site));
        if !matches!(method, Method::GET | Method::HEAD) || (is_cors && !is_same_origin) {
            let is_hidden = self.is_referrer_hidden && !is_cors;
            let origin = if is_hidden { "null".to_owned() } else { self.origin.origin() };
            let origin = HeaderValue::try_from(origin).expect("an origin is ASCII");
            request.headers.insert(header::ORIGIN, origin);
        }
        request
    }
}

impl Fetch {
    fn headers(&self, site: &'static str) -> Vec<(&'static str, HeaderValue)> {
        let user = self.is_by_user.then_some(("sec-fetch-user", "?1"));
        let headers = [
            ("sec-fetch-site", site),
            ("sec-fetch-mode", self.mode),
            ("sec-fetch-dest", self.dest),
        ];
        let headers = headers.into_iter().chain(user);
        headers.map(|(name, value)| (name, HeaderValue::from_static(value))).collect()
    }
}

impl BrowserRequest {
    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The URL, as it was passed.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// `Cookie`, `Origin` and `Sec-Fetch-*`, as far as the browser sends them.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The same as a request without a body.
    pub fn builder(&self) -> http::request::Builder {
        let mut request = http::Request::builder().method(&self.method).uri(&self.url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request
    }
}
