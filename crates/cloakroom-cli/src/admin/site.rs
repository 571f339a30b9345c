//! Where the operator's page is served: its address, and the names that it answers to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::HOST;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use cloakroom::CookiePolicy;

use super::view;
use crate::listen::ListenAddress;

/// The site of the operator's page.
///
/// # Security
/// It answers to IP addresses, to `localhost`, and to names that the operator gave, and to no
/// others: a page elsewhere could have its own name lead to this machine (DNS rebinding), and
/// browsers would take this server for a part of that site.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// The scheme, host and port.
    origin: String,
    is_tls: bool,
    /// Names it answers to, without ports.
    names: Vec<String>,
}

impl Site {
    /// The site at this address, which was found by `listen`; or behind a proxy that terminates
    /// TLS for `host`.
    pub(crate) fn new(
        address: SocketAddr,
        listen: Option<&ListenAddress>,
        host: Option<&str>,
    ) -> Self {
        let names = [listen.and_then(ListenAddress::host_name), host.map(without_port)];
        let names = names.into_iter().flatten().map(str::to_ascii_lowercase).collect();
        let origin = match host {
            Some(host) => format!("https://{host}"),
            None => format!("http://{}", reachable(address)),
        };
        Self { origin, is_tls: host.is_some(), names }
    }

    /// The URL of an absolute path.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    pub(super) fn cookie(&self) -> CookiePolicy {
        let policy = if self.is_tls { CookiePolicy::secure } else { CookiePolicy::for_plain_http };
        policy("cloakroom")
    }

    /// Whether it answers to the value of a Host header.
    fn answers_to(&self, host: &str) -> bool {
        let name = without_port(host).to_ascii_lowercase();
        let address = name.trim_start_matches('[').trim_end_matches(']');
        address.parse::<IpAddr>().is_ok()
            || name == "localhost"
            || name.ends_with(".localhost")
            || self.names.contains(&name)
    }
}

/// An address that a browser on this machine can open: "every address" is none.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    }
}

/// Refuses requests to other names (RFC 9110 section 15.5.20).
pub(super) async fn require_known_host(
    State(site): State<Site>,
    request: Request,
    next: Next,
) -> Response {
    let header = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    if header.or_else(|| request.uri().host()).is_some_and(|host| site.answers_to(host)) {
        return next.run(request).await;
    }
    (StatusCode::MISDIRECTED_REQUEST, view::unknown_host()).into_response()
}

/// Parses the value of `--host`.
pub(crate) fn parse_host(text: &str) -> Result<String, String> {
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte);
    if text.is_empty() || !text.bytes().all(is_host) {
        return Err("write a host name, such as `ops.example.com`".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(listen: &str, host: Option<&str>) -> Site {
        let listen: ListenAddress = listen.parse().unwrap();
        Site::new(listen.resolved()[0], Some(&listen), host)
    }

    #[test]
    fn a_site_answers_to_addresses_and_to_names_that_the_operator_gave() {
        for (site, host, expected) in [
            (site("127.0.0.1:80", None), "127.0.0.1:80", true),
            (site("127.0.0.1:80", None), "[::1]:80", true),
            (site("127.0.0.1:80", None), "localhost", true),
            (site("127.0.0.1:80", None), "A.LocalHost:80", true),
            (site("127.0.0.1:80", None), "evil.example:80", false),
            (site("127.0.0.1:80", None), "127.0.0.1.evil.example", false),
            (site("127.0.0.1:80", None), "notlocalhost", false),
            (site("127.0.0.1:80", None), "", false),
            (site("127.0.0.1:80", Some("ops.example:8443")), "OPS.example", true),
            (site("127.0.0.1:80", Some("ops.example:8443")), "ops.example:8443", true),
            (site("127.0.0.1:80", Some("ops.example")), "other.example", false),
        ] {
            assert_eq!(site.answers_to(host), expected, "{host}");
        }
    }

    #[test]
    fn the_address_that_is_printed_can_be_opened() {
        for (listen, host, url) in [
            ("127.0.0.1:80", None, "http://127.0.0.1:80/a"),
            ("0.0.0.0:80", None, "http://127.0.0.1:80/a"),
            ("[::]:80", None, "http://[::1]:80/a"),
            ("0.0.0.0:80", Some("ops.example:8443"), "https://ops.example:8443/a"),
        ] {
            assert_eq!(site(listen, host).url("/a"), url);
        }
    }

    #[test]
    fn a_host_is_not_a_url() {
        assert!(parse_host("ops.example:8443").is_ok());
        for text in ["", "https://ops.example", "ops.example/", "a b"] {
            assert!(parse_host(text).is_err(), "{text}");
        }
    }
}
