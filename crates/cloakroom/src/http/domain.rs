//! Domains: which of them one registrant controls, and which a cookie can name.

use psl::{List, Psl};

/// Octets of a label and of a whole name (RFC 1035 section 2.3.4, without the root's dot).
const MAX_LABEL_LEN: usize = 63;
const MAX_NAME_LEN: usize = 253;

/// The part of a host name that one registrant controls: a public suffix and the label before it.
///
/// Two hosts belong to the same site if they have the same registrable domain, or, where there is
/// none, if they are equal. There is none for an IP address, a single label such as `localhost`,
/// and a host that is a public suffix itself. `host` is a name without a port, in any case.
pub(crate) fn registrable_domain(host: &str) -> Option<&str> {
    if !host.bytes().all(is_in_name) || is_address(host) {
        return None;
    }
    // The list is in lower case.
    let lower = host.to_ascii_lowercase();
    let len = List.domain(lower.as_bytes())?.as_bytes().len();
    host.get(host.len().checked_sub(len)?..)
}

/// Checks that browsers accept `domain` as a cookie's Domain, on any of its subdomains.
pub(crate) fn check_cookie_domain(domain: &str) -> Result<(), &'static str> {
    if !is_host_name(domain) {
        return Err("a domain is labels of at most 63 ASCII letters, digits and inner hyphens, \
                    with single dots between them, and at most 253 octets long \
                    (RFC 1123 section 2.1); write an international name in its `xn--` form");
    }
    if is_address(domain) {
        return Err("an IP address is no Domain, as it has no subdomains: leave Domain out \
                    (RFC 6265bis section 5.1.3)");
    }
    if !domain.contains('.') {
        return Err("a single label such as `localhost` is no Domain, as browsers treat it as a \
                    public suffix: leave Domain out, or use a name of two labels, such as \
                    `shop.localhost`");
    }
    if registrable_domain(domain).is_none() {
        return Err(
            "browsers refuse a Domain that is a public suffix, whose subdomains belong to \
                    others: leave Domain out (RFC 6265bis section 5.7, publicsuffix.org)",
        );
    }
    Ok(())
}

fn is_host_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=MAX_LABEL_LEN).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= MAX_NAME_LEN && name.split('.').all(is_label)
}

/// What occurs in the host of a URL: some names have an underscore.
fn is_in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// True for an IPv4 address in any notation: browsers take every name whose last label is a number
/// for one (URL standard, "ends in a number"). IPv6 addresses have characters that no name has.
fn is_address(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    let is_hex = hex.is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
    is_hex || (!last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registrable_domain_is_a_public_suffix_and_one_label() {
        for (host, domain) in [
            ("example.com", "example.com"),
            ("www.example.com", "example.com"),
            ("a.b.example.co.uk", "example.co.uk"),
            ("WWW.Example.CO.UK", "Example.CO.UK"),
            ("alice.github.io", "alice.github.io"), // the list's private section
            ("x.alice.github.io", "alice.github.io"),
            ("www.ck", "www.ck"), // an exception to `*.ck`
            ("a.b.c.ck", "b.c.ck"),
            ("www.xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn"),
            ("my_app.example.com", "example.com"),
            // No top-level domain of the list: one label is the suffix, as in browsers.
            ("app.shop.localhost", "shop.localhost"),
            ("a.b.test", "b.test"),
        ] {
            assert_eq!(registrable_domain(host), Some(domain), "{host}");
        }
    }

    #[test]
    fn a_suffix_a_single_label_and_an_address_have_no_registrable_domain() {
        for host in [
            "",
            ".",
            "com",
            "co.uk",
            "CO.UK",
            "github.io",
            "foo.ck",
            "localhost",
            "127.0.0.1",
            "127.0.0.1.",
            "10.1",
            "0x7f.1",
            "1.2.3.0x4",
            "::1",
            "[::1]",
            "a b.com",
            "bücher.example",
        ] {
            assert_eq!(registrable_domain(host), None, "{host}");
        }
    }

    #[test]
    fn a_cookie_can_name_a_registrable_domain_or_a_subdomain_of_one() {
        let longest = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(58)].join(".");
        let longest = format!("{longest}.com");
        assert_eq!(longest.len(), 253 + 1);
        for domain in [
            "example.com",
            "shop.example.co.uk",
            "alice.github.io",
            "shop.localhost",
            &longest[1..],
        ] {
            assert_eq!(check_cookie_domain(domain), Ok(()), "{domain}");
        }
        let label_of_64 = format!("{}.example", "a".repeat(64));
        for (domain, reason) in [
            ("com", "single label"),
            ("localhost", "single label"),
            ("co.uk", "public suffix"),
            ("Co.Uk", "public suffix"),
            ("github.io", "public suffix"),
            ("127.0.0.1", "IP address"),
            ("7", "IP address"),
            ("", "labels"),
            (".example.com", "labels"),
            ("example.com.", "labels"),
            ("example..com", "labels"),
            ("-a.example", "labels"),
            ("a-.example", "labels"),
            ("a_b.example", "labels"),
            ("bücher.example", "labels"),
            (&label_of_64, "labels"),
            (&longest, "labels"),
        ] {
            let error = check_cookie_domain(domain).expect_err(domain);
            assert!(error.contains(reason), "{domain}: {error}");
        }
    }
}
