//! Which site started a request, as its headers tell.

use http::HeaderName;
use http::header::{HOST, ORIGIN, REFERER};

use crate::http::Headers;
use crate::http::domain::registrable_domain;
use crate::protocol::RequestOrigin;

pub(super) static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
static SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
static SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
static SEC_PURPOSE: HeaderName = HeaderName::from_static("sec-purpose");
static X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
static X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
static FORWARDED: HeaderName = HeaderName::from_static("forwarded");

/// What is known of a request's method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RequestMethod {
    /// The server did not say.
    #[default]
    Unknown,
    Get,
    Head,
    /// Another one that changes nothing.
    Safe,
    Unsafe,
}

impl RequestMethod {
    /// The method with this name (RFC 9110 section 9.2.1 lists the safe ones).
    pub(crate) fn of(name: &str) -> Self {
        match name {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "OPTIONS" | "TRACE" | "QUERY" => Self::Safe,
            _ => Self::Unsafe,
        }
    }

    /// The method of a request.
    #[cfg(feature = "tower")]
    pub(crate) fn of_request(method: &http::Method) -> Self {
        // Almost all requests are one of these, and comparing their text is not free.
        match *method {
            http::Method::GET => Self::Get,
            http::Method::POST => Self::Unsafe,
            ref other => Self::of(other.as_str()),
        }
    }

    pub(crate) const fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Head | Self::Safe)
    }
}

/// The request headers from which it was told which site started a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LookedAt {
    #[default]
    Nothing,
    /// `Sec-Fetch-Site`.
    Site,
    /// That, `Sec-Fetch-Mode` and `Sec-Fetch-Dest`.
    SiteAndPage,
    /// `Sec-Fetch-Site`, which is missing, and `Origin`.
    Origin,
}

impl LookedAt {
    /// The names of the headers, for `Vary`.
    pub(crate) const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Nothing => &[],
            Self::Site => &["sec-fetch-site"],
            Self::SiteAndPage => &["sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"],
            Self::Origin => &["sec-fetch-site", "origin"],
        }
    }
}

/// Which site started the request, and from which headers that was told.
///
/// `Sec-Fetch-Site` says so; browsers send it to https and to loopback. Without it, the `Origin` of
/// a request that can change something is compared with the host. A client that is not a browser
/// sends neither.
pub(crate) fn origin_of(
    request: &(impl Headers + ?Sized),
    method: RequestMethod,
    authority: Option<&str>,
) -> (RequestOrigin, LookedAt) {
    match fetch_site(request) {
        Some(FetchSite::Cross) => {
            let value = |name: &HeaderName| request.values(name).next().unwrap_or_default();
            // A navigation with a safe method has no `Origin` in any browser.
            let is_safe = match method {
                RequestMethod::Unknown => request.values(&ORIGIN).next().is_none(),
                known => known.is_safe(),
            };
            let is_page = value(&SEC_FETCH_MODE) == b"navigate"
                && value(&SEC_FETCH_DEST) == b"document"
                && !matches!(method, RequestMethod::Safe);
            let origin = match (is_safe, is_page) {
                (true, true) => RequestOrigin::Link,
                (true, false) => RequestOrigin::Embedded,
                (false, _) => RequestOrigin::Unsafe,
            };
            (origin, LookedAt::SiteAndPage)
        }
        Some(FetchSite::Same) => (RequestOrigin::SameSite, LookedAt::Site),
        None if method.is_safe() => (RequestOrigin::SameSite, LookedAt::Site),
        None => match request.values(&ORIGIN).next() {
            Some(origin) if !is_ours(request, authority, origin) => {
                (RequestOrigin::Unsafe, LookedAt::Origin)
            }
            _ => (RequestOrigin::SameSite, LookedAt::Origin),
        },
    }
}

/// True if the browser fetches a page that its user may never see, or only its headers.
pub(crate) fn is_speculative(request: &(impl Headers + ?Sized), method: RequestMethod) -> bool {
    method == RequestMethod::Head
        || request.values(&SEC_PURPOSE).any(|purpose| contains(purpose, b"prefetch"))
}

/// True if the request came over plain http, to a host that is not this machine: a proxy says so,
/// or the browser, in `Origin` or `Referer`.
///
/// A link from the http page of a site to its https page has an http `Referer`, too. Browsers send
/// `Sec-Fetch-Site` to https and to this machine only, so it tells the two apart.
pub(crate) fn is_plain_http(request: &(impl Headers + ?Sized)) -> bool {
    let first = |name: &HeaderName| request.values(name).next();
    if let Some(scheme) = first(&X_FORWARDED_PROTO) {
        let host = first(&HOST).and_then(without_port);
        return scheme.eq_ignore_ascii_case(b"http") && host.is_some_and(|it| !is_loopback(&it));
    }
    if first(&SEC_FETCH_SITE).is_some() {
        return false;
    }
    [ORIGIN, REFERER].iter().filter_map(first).any(|page| {
        page.starts_with(b"http://")
            && is_ours(request, None, page)
            && host_of_origin(page).is_some_and(|host| !is_loopback(&host))
    })
}

/// True for the hosts to which browsers send Secure cookies over plain http.
fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host == "[::1]"
        || host.starts_with("127.")
}

/// The path of a location on this host, without its query and fragment.
#[cfg(any(feature = "tower", feature = "actix"))]
pub(crate) fn path_of(location: &[u8]) -> &[u8] {
    let end = location.iter().position(|byte| matches!(byte, b'?' | b'#'));
    &location[..end.unwrap_or(location.len())]
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word))
}

enum FetchSite {
    /// From another site.
    Cross,
    /// From this one, or by the user.
    Same,
}

/// What `Sec-Fetch-Site` says; `None` without it, or if it says what no browser does.
fn fetch_site(request: &(impl Headers + ?Sized)) -> Option<FetchSite> {
    let mut found = None;
    for site in request.values(&SEC_FETCH_SITE) {
        match site {
            b"cross-site" => return Some(FetchSite::Cross),
            b"same-origin" | b"same-site" | b"none" => found = Some(FetchSite::Same),
            _ => {}
        }
    }
    found
}

/// True if this `Origin` is of the site that the request was sent to, as far as that is known.
///
/// Behind a proxy that rewrites `Host`, the original host is in `X-Forwarded-Host` or `Forwarded`.
/// A page of another site can make its visitors' browsers send neither. In HTTP/2 the host is in
/// the request's `authority`.
fn is_ours(request: &(impl Headers + ?Sized), authority: Option<&str>, origin: &[u8]) -> bool {
    let Some(origin) = host_of_origin(origin) else { return false };
    let mut is_known = false;
    let mut is_same = |host: &[u8]| {
        let Some(host) = without_port(host) else { return false };
        is_known = true;
        is_same_site(&origin, &host)
    };
    hosts_of(request, authority).any(&mut is_same) || !is_known
}

/// The hosts that the request was sent to, with their ports, as far as it names them.
pub(super) fn hosts_of<'a>(
    request: &'a (impl Headers + ?Sized),
    authority: Option<&'a str>,
) -> impl Iterator<Item = &'a [u8]> {
    let listed = [&HOST, &X_FORWARDED_HOST].into_iter().flat_map(|name| request.values(name));
    authority
        .map(str::as_bytes)
        .into_iter()
        .chain(listed.flat_map(|hosts| hosts.split(|byte| *byte == b',')))
        .chain(request.values(&FORWARDED).filter_map(forwarded_host))
}

/// The first `host` of a `Forwarded` (RFC 7239 section 5.3).
fn forwarded_host(value: &[u8]) -> Option<&[u8]> {
    value.split(|byte| matches!(byte, b';' | b',')).find_map(|pair| {
        let (name, host) = pair.trim_ascii().split_at_checked(5)?;
        let host =
            host.strip_prefix(b"\"").and_then(|host| host.strip_suffix(b"\"")).unwrap_or(host);
        name.eq_ignore_ascii_case(b"host=").then_some(host)
    })
}

/// The host of `scheme://host[:port]`, with any path; `None` for `null`.
fn host_of_origin(origin: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(origin).ok()?;
    let (_, rest) = text.split_once("://")?;
    without_port(rest.split('/').next()?.as_bytes())
}

fn without_port(host: &[u8]) -> Option<String> {
    let host = std::str::from_utf8(host).ok()?.trim();
    let end = match host.strip_prefix('[') {
        Some(rest) => rest.find(']')? + 2,
        None => host.find(':').unwrap_or(host.len()),
    };
    Some(host.get(..end)?.trim_end_matches('.').to_ascii_lowercase())
        .filter(|host| !host.is_empty())
}

/// True if two hosts have the same registrable domain.
fn is_same_site(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    match (registrable_domain(one), registrable_domain(other)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Request = &'static [(&'static str, &'static str)];

    #[track_caller]
    fn assert_origin(method: &str, request: Request, expected: RequestOrigin) {
        let (found, _) = origin_of(request, RequestMethod::of(method), None);
        assert_eq!(found, expected, "{method} {request:?}");
    }

    const PAGE: [(&str, &str); 2] =
        [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];

    #[test]
    fn sec_fetch_site_decides_where_browsers_send_it() {
        let link: Request = &[("sec-fetch-site", "cross-site"), PAGE[0], PAGE[1]];
        assert_origin("GET", link, RequestOrigin::Link);
        assert_origin("HEAD", link, RequestOrigin::Link);
        assert_origin("POST", link, RequestOrigin::Unsafe);
        assert_origin("OPTIONS", link, RequestOrigin::Embedded);
        let frame: Request = &[
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "iframe"),
        ];
        assert_origin("GET", frame, RequestOrigin::Embedded);
        for site in ["same-origin", "same-site", "none"] {
            let request = [("sec-fetch-site", site), ("origin", "null")];
            let (found, _) = origin_of(&request, RequestMethod::Unsafe, None);
            assert_eq!(found, RequestOrigin::SameSite, "a page with `no-referrer`: {site}");
        }
    }

    #[test]
    fn without_it_the_origin_of_an_unsafe_request_is_compared_with_the_host() {
        let host = ("host", "app.example.org:8080");
        for (origin, expected) in [
            ("https://app.example.org", RequestOrigin::SameSite),
            ("http://login.example.org:3000", RequestOrigin::SameSite),
            ("https://example.org.evil.test", RequestOrigin::Unsafe),
            ("https://evil.test", RequestOrigin::Unsafe),
            ("null", RequestOrigin::Unsafe),
        ] {
            let request = [host, ("origin", origin)];
            assert_eq!(origin_of(&request, RequestMethod::Unsafe, None).0, expected, "{origin}");
            assert_eq!(origin_of(&request, RequestMethod::Get, None).0, RequestOrigin::SameSite);
        }
        assert_origin("POST", &[("host", "a.test")], RequestOrigin::SameSite);
    }

    #[test]
    fn a_proxy_that_rewrites_the_host_does_not_make_a_request_foreign() {
        let request = [
            ("host", "backend:3000"),
            ("x-forwarded-host", "shop.example.org"),
            ("origin", "https://shop.example.org"),
        ];
        assert_eq!(origin_of(&request, RequestMethod::Unsafe, None).0, RequestOrigin::SameSite);
    }

    #[test]
    fn the_host_is_also_found_in_the_authority_and_in_forwarded() {
        let origin = ("origin", "https://shop.example.org");
        let of = |request: &[(&str, &str)], authority| {
            origin_of(request, RequestMethod::Unsafe, authority).0
        };
        assert_eq!(of(&[origin], Some("shop.example.org:443")), RequestOrigin::SameSite);
        assert_eq!(of(&[origin], Some("evil.test")), RequestOrigin::Unsafe);
        let forwarded = ("forwarded", "for=192.0.2.1;host=\"shop.example.org:443\";proto=https");
        assert_eq!(
            of(&[("host", "backend:3000"), forwarded, origin], None),
            RequestOrigin::SameSite
        );
        // Without any host, nothing can be compared.
        assert_eq!(of(&[origin], None), RequestOrigin::SameSite);
        assert_eq!(of(&[("origin", "null")], None), RequestOrigin::Unsafe);
    }

    #[test]
    fn a_value_that_no_browser_sends_counts_as_missing() {
        let evil = [("host", "a.test"), ("origin", "https://evil.test"), ("sec-fetch-site", "?")];
        assert_eq!(origin_of(&evil, RequestMethod::Unsafe, None).0, RequestOrigin::Unsafe);
        let two = [("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")];
        assert_eq!(origin_of(&two, RequestMethod::Unsafe, None).0, RequestOrigin::Unsafe);
    }

    #[test]
    fn hosts_without_a_registrable_domain_are_one_site_only_with_themselves() {
        for (host, origin, expected) in [
            ("localhost:3000", "http://localhost:4000", RequestOrigin::SameSite),
            ("127.0.0.1:3000", "http://127.0.0.1:4000", RequestOrigin::SameSite),
            ("127.0.0.1:3000", "http://127.0.0.2:3000", RequestOrigin::Unsafe),
            ("[::1]:3000", "http://[::1]:4000", RequestOrigin::SameSite),
            ("a.github.io", "https://b.github.io", RequestOrigin::Unsafe),
        ] {
            let request = [("host", host), ("origin", origin)];
            assert_eq!(
                origin_of(&request, RequestMethod::Unsafe, None).0,
                expected,
                "{host} {origin}"
            );
        }
    }

    #[test]
    fn an_unknown_method_is_guessed_from_what_browsers_send() {
        let page = [("sec-fetch-site", "cross-site"), PAGE[0], PAGE[1]];
        assert_eq!(origin_of(&page, RequestMethod::Unknown, None).0, RequestOrigin::Link);
        let form = [page[0], page[1], page[2], ("origin", "https://evil.test")];
        assert_eq!(origin_of(&form, RequestMethod::Unknown, None).0, RequestOrigin::Unsafe);
    }

    #[test]
    fn a_head_and_a_prefetch_are_speculative() {
        let none: Request = &[];
        assert!(is_speculative(none, RequestMethod::Head));
        assert!(is_speculative(&[("sec-purpose", "prefetch;prerender")], RequestMethod::Get));
        assert!(!is_speculative(none, RequestMethod::Get));
    }
}
