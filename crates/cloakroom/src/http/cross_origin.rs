//! Requests that another origin started: refused by their headers, before anything else is done.

mod message;
mod page_origin;

use http::Uri;
use http::header::ORIGIN;

use message::Message;
use page_origin::PageOrigin;

use super::origin::{SEC_FETCH_SITE, hosts_of};
use crate::error::{ConfigError, Error};
use crate::http::{Headers, RequestMethod};

/// Refuses requests that can change something and that another origin started (cross-site request
/// forgery), without a session, a record or a token.
///
/// The rules are those of `net/http.CrossOriginProtection` in Go 1.25 and of tower-http's
/// `CsrfLayer`. A request passes
/// - if its method is safe, such as GET, so change nothing on those;
/// - if the browser says `Sec-Fetch-Site: same-origin` or `none`;
/// - without `Sec-Fetch-Site`, if its `Origin` is a host that the request was sent to, or if it has
///   none: then it is not a browser's, or that of one from before 2020;
/// - from an origin, or to a path, that is named here.
///
/// All others are refused, also those of a sibling host (`same-site`), which `SameSite` does not
/// hold back.
///
/// In actix-web it is a middleware: wrap it around an application or a scope, outside
/// `SessionMiddleware`, so that a refused request opens no session. In axum, use
/// `tower_http::csrf::CsrfLayer`. Other servers call [`check`](Self::check):
///
/// ```
/// # use cloakroom::http::CrossOriginProtection;
/// let protection = CrossOriginProtection::new()
///     .trusted_origin("https://app.shop.example")?
///     .exempt_path("/sign-in/answer")?;
///
/// let uri = http::Uri::from_static("/transfer");
/// let ours = [("Host", "shop.example"), ("Sec-Fetch-Site", "same-origin")];
/// assert!(protection.check("POST", &uri, &ours).is_ok());
///
/// let foreign = [("Host", "shop.example"), ("Sec-Fetch-Site", "cross-site")];
/// let refused = protection.check("POST", &uri, &foreign).unwrap_err();
/// assert_eq!(refused.status(), 403);
/// # Ok::<(), cloakroom::ConfigError>(())
/// ```
///
/// # Security
/// Browsers send `Sec-Fetch-Site` to https and to loopback. Elsewhere, and for older browsers, an
/// attacker on the network can forge a request from the http page of the same host: send HSTS. A
/// browser that sends neither header to a form is not protected; if you have to support one, put a
/// [`csrf_token`](crate::Session::csrf_token) into the form as well.
#[derive(Clone, Debug, Default)]
#[must_use = "it refuses nothing until it is asked"]
#[doc(alias = "csrf")]
pub struct CrossOriginProtection {
    trusted_origins: Vec<String>,
    exempt_paths: Vec<String>,
}

impl CrossOriginProtection {
    /// Without trusted origins and exempt paths.
    pub const fn new() -> Self {
        Self { trusted_origins: Vec::new(), exempt_paths: Vec::new() }
    }

    /// Lets requests of this origin pass, such as `https://app.shop.example`.
    ///
    /// # Errors
    /// [`ConfigError`] if this is not the origin of any page: a scheme and a host, with a port if
    /// that is not the scheme's own, and nothing after it. A host that is not ASCII is written in
    /// Punycode.
    ///
    /// # Security
    /// A page of that origin can do whatever its visitors can do here.
    pub fn trusted_origin(mut self, origin: &str) -> Result<Self, ConfigError> {
        let Some(parsed) = PageOrigin::parse(&origin.to_ascii_lowercase()).map(|it| it.to_string())
        else {
            return Err(ConfigError::of_cross_origin_protection(format!(
                "{origin:?} is not an origin: write scheme and host, such as \
                 \"https://app.example.com\", without a path, a `*` or a `/` at the end"
            )));
        };
        self.trusted_origins.push(parsed);
        Ok(self)
    }

    /// Lets requests to this very path pass: for forms that come from other sites, and check by
    /// themselves who sent them.
    ///
    /// Such are the answers of identity providers by `form_post`, returns from a payment, and the
    /// landing page of a partner's form. To exempt all paths below one, do not check those.
    ///
    /// # Errors
    /// [`ConfigError`] if no request has such a path.
    ///
    /// # Security
    /// Any site can send forms to it.
    pub fn exempt_path(mut self, path: &str) -> Result<Self, ConfigError> {
        if !path.starts_with('/') || path.contains(['?', '#', '*']) || !path.is_ascii() {
            return Err(ConfigError::of_cross_origin_protection(format!(
                "{path:?} is not a path: write it as requests have it, such as \
                 \"/sign-in/answer\", percent-encoded, without a query or a `*`"
            )));
        }
        self.exempt_paths.push(path.to_owned());
        Ok(self)
    }

    /// Refuses the request with this method, target and headers if another origin started it.
    ///
    /// Call it first: before the session is opened, and before the body is read.
    ///
    /// # Errors
    /// [`CrossSite`](crate::ErrorKind::CrossSite) (403). Its message says which header was decisive
    /// and how to let such requests pass.
    pub fn check(
        &self,
        method: &str,
        uri: &Uri,
        request: &(impl Headers + ?Sized),
    ) -> Result<(), Error> {
        let authority = uri.authority().map(http::uri::Authority::as_str);
        self.check_parts(method, uri.path(), authority, request)
    }

    pub(crate) fn check_parts(
        &self,
        method: &str,
        path: &str,
        authority: Option<&str>,
        request: &(impl Headers + ?Sized),
    ) -> Result<(), Error> {
        if RequestMethod::of(method).is_safe() {
            return Ok(());
        }
        let Some(reason) = refusal(request, authority) else { return Ok(()) };
        let is_trusted = || {
            let mut origins = request.values(&ORIGIN).peekable();
            origins.peek().is_some() && origins.all(|origin| self.trusts(origin))
        };
        if self.exempt_paths.iter().any(|exempt| exempt == path) || is_trusted() {
            return Ok(());
        }
        let origin = request.values(&ORIGIN).next();
        let message = Message { method, path, origin, reason };
        Err(Error::cross_site(message.to_string()))
    }

    fn trusts(&self, origin: &[u8]) -> bool {
        self.trusted_origins.iter().any(|trusted| trusted.as_bytes() == origin)
    }
}

/// Why a request is refused.
enum Reason<'a> {
    /// What the browser says which site started it.
    Site(&'a [u8]),
    /// The browser does not say, and its `Origin` is none of the hosts that the request names.
    Origin(Vec<&'a [u8]>),
}

/// Why a request that can change something is refused, unless its origin or path is named.
fn refusal<'a>(
    request: &'a (impl Headers + ?Sized),
    authority: Option<&'a str>,
) -> Option<Reason<'a>> {
    let mut sites = request.values(&SEC_FETCH_SITE).filter(|site| !site.is_empty()).peekable();
    if sites.peek().is_some() {
        // What no browser says yet is no permission.
        return sites.find(|site| !matches!(*site, b"same-origin" | b"none")).map(Reason::Site);
    }
    let is_ours = |origin: &[u8]| {
        let origin = std::str::from_utf8(origin).ok().and_then(PageOrigin::parse);
        origin.is_some_and(|origin| hosts_of(request, authority).any(|host| origin.is_at(host)))
    };
    let mut origins = request.values(&ORIGIN).filter(|origin| !origin.is_empty());
    let is_foreign = !origins.all(is_ours);
    is_foreign.then(|| Reason::Origin(hosts_of(request, authority).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    type Request<'a> = &'a [(&'static str, &'static str)];

    fn passes(method: &str, uri: &str, request: Request<'_>) -> bool {
        let uri: Uri = uri.parse().unwrap();
        let checked = CrossOriginProtection::new().check(method, &uri, request);
        checked.map_err(|error| assert_eq!(error.kind(), ErrorKind::CrossSite)).is_ok()
    }

    #[track_caller]
    fn assert_post(request: Request<'_>, expected: bool) {
        assert_eq!(passes("POST", "/", request), expected, "{request:?}");
    }

    #[test]
    fn safe_methods_pass_from_anywhere() {
        let foreign: Request<'_> =
            &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")];
        for (method, expected) in [
            ("GET", true),
            ("HEAD", true),
            ("OPTIONS", true),
            ("POST", false),
            ("PUT", false),
            ("PATCH", false),
            ("DELETE", false),
            ("get", false),
            ("PROPFIND", false),
        ] {
            assert_eq!(passes(method, "/", foreign), expected, "{method}");
        }
    }

    #[test]
    fn sec_fetch_site_decides_where_it_is_sent() {
        for (site, expected) in [
            ("same-origin", true),
            ("none", true),
            ("same-site", false),
            ("cross-site", false),
            ("Same-Origin", false),
            ("something-new", false),
        ] {
            assert_post(&[("sec-fetch-site", site)], expected);
            // `null` from a page with `no-referrer`, and a host that a proxy rewrote.
            let request = [("host", "backend:3000"), ("sec-fetch-site", site), ("origin", "null")];
            assert_post(&request, expected);
        }
        let two = [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")];
        assert_post(&two, false);
    }

    #[test]
    fn without_it_the_origin_must_be_a_host_of_the_request() {
        for (host, origin, expected) in [
            ("shop.example", "https://shop.example", true),
            ("shop.example", "http://shop.example", true), // the request does not say its scheme
            ("Shop.Example:443", "https://shop.example", true),
            ("shop.example:8443", "https://shop.example:8443", true),
            ("[::1]:3000", "http://[::1]:3000", true),
            ("shop.example", "https://shop.example:8443", false),
            ("shop.example:80", "https://shop.example", false),
            ("shop.example", "https://www.shop.example", false),
            ("shop.example", "https://shop.example.evil.test", false),
            ("shop.example", "https://evil.test/shop.example", false),
            ("shop.example", "https://shop.example@evil.test", false),
            ("shop.example", "null", false),
            ("shop.example", "shop.example", false),
            ("", "https://", false),
        ] {
            assert_post(&[("host", host), ("origin", origin)], expected);
        }
        let two =
            [("host", "a.test"), ("origin", "https://a.test"), ("origin", "https://evil.test")];
        assert_post(&two, false);
        assert_post(&[("origin", "https://a.test")], false); // no host to compare it with
    }

    #[test]
    fn the_host_is_found_in_the_authority_and_in_what_proxies_pass_on() {
        let origin = ("origin", "https://shop.example");
        assert!(passes("POST", "https://shop.example/transfer", &[origin]));
        assert!(!passes("POST", "https://evil.test/transfer", &[origin]));
        let proxied = ("host", "backend:3000");
        assert_post(&[proxied, origin], false);
        assert_post(&[proxied, origin, ("x-forwarded-host", "shop.example")], true);
        assert_post(&[proxied, origin, ("forwarded", "host=shop.example;proto=https")], true);
    }

    #[test]
    fn what_sends_neither_header_is_not_a_browser() {
        assert_post(&[("host", "shop.example")], true);
        assert_post(&[("host", "a.test"), ("origin", ""), ("sec-fetch-site", "")], true);
    }

    #[test]
    fn a_named_origin_or_path_passes_and_no_other() {
        let named = CrossOriginProtection::new()
            .trusted_origin("HTTPS://Pay.Example:443")
            .and_then(|it| it.trusted_origin("capacitor://localhost"))
            .and_then(|it| it.exempt_path("/answer"))
            .unwrap();
        let site = ("sec-fetch-site", "cross-site");
        let check = |path: &'static str, origin| {
            let request = [site, ("origin", origin)];
            named.check("POST", &Uri::from_static(path), &request).is_ok()
        };
        for (origin, expected) in [
            ("https://pay.example", true),
            ("capacitor://localhost", true),
            ("http://pay.example", false),
            ("https://pay.example:8443", false),
            ("https://pay.example.evil.test", false),
            ("null", false),
            ("", false),
        ] {
            assert_eq!(check("/", origin), expected, "{origin}");
            assert!(check("/answer", origin) && check("/answer?from=1", origin), "{origin}");
            for path in ["/answer/", "/answers", "/Answer", "/x/../answer"] {
                assert_eq!(check(path, origin), expected, "{path} {origin}");
            }
        }
        assert!(
            named.check("POST", &Uri::default(), &[site]).is_err(),
            "no origin is not a trusted one"
        );
        let one_of_two = [("origin", "https://pay.example"), ("origin", "https://evil.test"), site];
        assert!(named.check("POST", &Uri::default(), &one_of_two).is_err());
    }

    #[test]
    fn what_no_browser_sends_is_refused_when_it_is_named() {
        for origin in [
            "",
            "null",
            "pay.example",
            "https://",
            "https://pay.example/",
            "https://*.pay.example",
            "https://a@pay.example",
            "https://pay.example?",
            "https://päy.example",
            "https://pay.example https://b.test",
        ] {
            let refused = CrossOriginProtection::new().trusted_origin(origin).unwrap_err();
            assert!(refused.to_string().contains(&format!("{origin:?} is not an origin")));
        }
        for path in ["", "answer", "/answer?a=b", "/answer/*", "/answer#x", "/antwört"] {
            let refused = CrossOriginProtection::new().exempt_path(path).unwrap_err();
            assert!(refused.to_string().contains(&format!("{path:?} is not a path")));
        }
    }

    fn message(request: Request<'_>) -> String {
        let uri = Uri::from_static("/transfer?to=bob");
        CrossOriginProtection::new().check("POST", &uri, request).unwrap_err().to_string()
    }

    #[test]
    fn the_message_names_what_was_seen_and_the_way_out() {
        let way_out = "say `trusted_origin` for the origin or `exempt_path` for the path";
        let site = ("sec-fetch-site", "cross-site");
        assert_eq!(
            message(&[site, ("origin", "https://evil.test")]),
            format!(
                "another origin started `POST /transfer` (Sec-Fetch-Site `cross-site`, Origin \
                 `https://evil.test`): if it may, {way_out}"
            )
        );
        assert_eq!(
            message(&[("host", "backend:3000"), ("origin", "https://shop.example")]),
            format!(
                "`POST /transfer` has the Origin `https://shop.example`, which is not a host that \
                 it was sent to (`backend:3000`): let the proxy pass on Host or \
                 X-Forwarded-Host, or {way_out}"
            )
        );
        assert!(message(&[("origin", "null")]).contains("it was sent to (it names none): "));
    }

    #[test]
    fn a_hostile_header_stays_on_one_line_and_short() {
        let long = CrossOriginProtection::new()
            .check(
                "POST",
                &Uri::default(),
                &[("origin", format!("a\r\nb\u{1b}`{}", "x".repeat(5000)))],
            )
            .unwrap_err()
            .to_string();
        assert!(long.len() < 500 && long.chars().all(|c| (' '..='~').contains(&c)), "{long}");
    }
}
