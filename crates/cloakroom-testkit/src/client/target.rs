//! Where a URL points, and which other URLs are of the same origin or site.

use std::net::IpAddr;

use http::Uri;

/// The parts of a URL that decide which cookies it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    scheme: String,
    pub(super) host: String,
    port: u16,
    pub(super) path: String,
}

impl Target {
    /// # Panics
    /// If `url` is not an absolute `http` or `https` URL.
    pub(super) fn of(url: &str) -> Self {
        let uri: Uri = url.parse().expect("a URL");
        let scheme = uri.scheme_str().expect("an absolute URL").to_ascii_lowercase();
        let default_port = match scheme.as_str() {
            "https" => 443,
            "http" => 80,
            _ => panic!("neither an http nor an https URL: {url}"),
        };
        Self {
            host: uri.host().expect("an absolute URL").to_ascii_lowercase(),
            port: uri.port_u16().unwrap_or(default_port),
            path: uri.path().to_owned(),
            scheme,
        }
    }

    /// The text of an `Origin` header.
    pub(super) fn origin(&self) -> String {
        let Self { scheme, host, port, .. } = self;
        match (scheme.as_str(), port) {
            ("https", 443) | ("http", 80) => format!("{scheme}://{host}"),
            _ => format!("{scheme}://{host}:{port}"),
        }
    }

    /// True for `https`, and for this computer: there, `Secure` cookies are kept and sent, and
    /// requests carry `Sec-Fetch-*`.
    pub(super) fn is_trustworthy(&self) -> bool {
        let is_loopback = self.ip().is_some_and(|ip| ip.is_loopback());
        let is_localhost = self.host == "localhost" || self.host.ends_with(".localhost");
        self.scheme == "https" || is_loopback || is_localhost
    }

    /// True if both belong to one site: the same scheme, and the same registrable domain.
    pub(super) fn is_same_site(&self, other: &Self) -> bool {
        self.scheme == other.scheme && self.site() == other.site()
    }

    /// The registrable domain, such as `shop.example` for `www.shop.example`; the host if that is
    /// an address or a public suffix.
    fn site(&self) -> &str {
        match self.ip() {
            Some(_) => &self.host,
            None => psl::domain_str(&self.host).unwrap_or(&self.host),
        }
    }

    fn ip(&self) -> Option<IpAddr> {
        self.host.trim_matches(['[', ']']).parse().ok()
    }

    /// True if a cookie with this `Domain` is sent to this host (RFC 6265bis section 5.1.3).
    pub(super) fn is_in_domain(&self, domain: &str) -> bool {
        let is_below = self.host.strip_suffix(domain).is_some_and(|before| before.ends_with('.'));
        self.host == domain || (is_below && self.ip().is_none())
    }

    /// The `Path` of a cookie that names none (RFC 6265bis section 5.1.4).
    pub(super) fn default_path(&self) -> &str {
        match self.path.rfind('/') {
            None | Some(0) => "/",
            Some(last) => &self.path[..last],
        }
    }
}

/// True if anyone can register a name below this one (<https://publicsuffix.org>).
pub(super) fn is_public_suffix(domain: &str) -> bool {
    psl::suffix_str(domain) == Some(domain)
}

/// True if a cookie for `path` is sent to `request_path` (RFC 6265bis section 5.1.4).
pub(super) fn is_below(request_path: &str, path: &str) -> bool {
    request_path
        .strip_prefix(path)
        .is_some_and(|rest| rest.is_empty() || path.ends_with('/') || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites_are_registrable_domains_of_one_scheme() {
        let are_one_site =
            |one: &str, other: &str| Target::of(one).is_same_site(&Target::of(other));
        let app = "https://app.example/";
        for same in
            ["https://app.example:8443/x", "https://sub.app.example", "https://a.b.app.example"]
        {
            assert!(are_one_site(app, same), "{same}");
        }
        for other in [
            "https://other.example",
            "http://app.example",
            "https://example",
            "https://myapp.example",
        ] {
            assert!(!are_one_site(app, other), "{other}");
        }
        assert!(!are_one_site("https://a.github.io", "https://b.github.io"));
        assert!(are_one_site("https://a.shop.co.uk", "https://b.shop.co.uk"));
        assert!(!are_one_site("https://10.0.0.1", "https://11.0.0.1"));
        assert!(are_one_site("http://localhost:1", "http://localhost:2"));
    }

    #[test]
    fn an_origin_has_its_port_unless_that_is_the_default() {
        assert_eq!(Target::of("https://App.example:443/a?b").origin(), "https://app.example");
        assert_eq!(Target::of("http://localhost:3000/").origin(), "http://localhost:3000");
    }

    #[test]
    fn a_path_covers_itself_and_what_is_below() {
        for (request, path) in
            [("/app", "/app"), ("/app/x", "/app"), ("/app/x", "/app/"), ("/x", "/")]
        {
            assert!(is_below(request, path), "{request} {path}");
        }
        for (request, path) in [("/application", "/app"), ("/", "/app"), ("/app", "/app/")] {
            assert!(!is_below(request, path), "{request} {path}");
        }
        assert_eq!(Target::of("https://app.example/a/b/c").default_path(), "/a/b");
        assert_eq!(Target::of("https://app.example").default_path(), "/");
    }
}
