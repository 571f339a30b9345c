//! The cookie's policy, and the combinations that browsers refuse.

use std::fmt;

use super::Cookie;
use crate::http::domain::check_cookie_domain;
use crate::key::Key;

/// Octets of name and value together that browsers accept (RFC 6265bis section 5.6).
pub(crate) const MAX_PAIR_LEN: usize = 4096;
/// Octets of an attribute's value that browsers accept (same section).
const MAX_ATTRIBUTE_LEN: usize = 1024;

/// Name and attributes of the cookie that carries a key.
///
/// The default is `__Host-id` with Secure, HttpOnly, SameSite=Lax, Path=/ and no Domain: neither a
/// sibling domain nor a plain connection can set it (OWASP, "Cookies"; NIST SP 800-63B-4 section
/// 5.1.1). Combinations that browsers refuse are an error when the sessions are built.
///
/// ```
/// # use cloakroom::{CookiePolicy, MemoryStore, SessionMap, Sessions, Transport};
/// # use cloakroom::http::SameSite;
/// let policy = CookiePolicy::host("shop").with_same_site(SameSite::Strict); // `__Host-shop`
/// let sessions = Sessions::<SessionMap>::builder(MemoryStore::new());
/// assert!(sessions.transport(Transport::cookie(policy)).build().is_ok());
///
/// let refused = CookiePolicy::host("shop").with_domain("example.com"); // no Domain with `__Host-`
/// let sessions = Sessions::<SessionMap>::builder(MemoryStore::new());
/// let error = sessions.transport(Transport::cookie(refused)).build().unwrap_err();
/// assert!(error.to_string().contains("Domain"));
/// ```
#[derive(Clone, Debug)]
pub struct CookiePolicy {
    prefix: &'static str,
    name: String,
    path: String,
    domain: Option<String>,
    same_site: SameSite,
    secure: bool,
    http_only: bool,
    partitioned: bool,
}

/// When a browser sends the cookie with a request that another site started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the attribute's three values")]
pub enum SameSite {
    /// Never.
    Strict,
    /// For top-level navigations, such as a followed link.
    #[default]
    Lax,
    /// Always: for content embedded in other sites.
    ///
    /// # Security
    /// Other sites can then send requests with the session; the application must detect forged
    /// ones, for example with [`Session::csrf_token`](crate::Session::csrf_token).
    None,
}

impl Default for CookiePolicy {
    fn default() -> Self {
        Self::host("id")
    }
}

impl CookiePolicy {
    /// The cookie `__Host-NAME`: for this host only, over TLS only.
    pub fn host(name: impl Into<String>) -> Self {
        Self {
            prefix: "__Host-",
            name: name.into(),
            path: "/".into(),
            domain: None,
            same_site: SameSite::Lax,
            secure: true,
            http_only: true,
            partitioned: false,
        }
    }

    /// The cookie `__Secure-NAME`: over TLS only, with a path or a domain of your choice.
    ///
    /// # Security
    /// A sibling domain can set or overwrite it (RFC 6265bis section 8.6).
    pub fn secure(name: impl Into<String>) -> Self {
        Self { prefix: "__Secure-", ..Self::host(name) }
    }

    /// The cookie `NAME` without Secure, for development and for networks without TLS.
    ///
    /// Cookies ignore ports: give each server on one machine a name of its own.
    ///
    /// # Security
    /// Anyone on the network path can read the key.
    pub fn for_plain_http(name: impl Into<String>) -> Self {
        Self { prefix: "", secure: false, ..Self::host(name) }
    }

    /// Sends the cookie only to this path and the paths below it.
    ///
    /// # Security
    /// A path does not protect the cookie from other applications on the same host.
    pub fn with_path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Sends the cookie to this domain and all its subdomains.
    ///
    /// # Security
    /// Each of those hosts receives the key.
    pub fn with_domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// When the cookie is sent with requests that other sites started.
    pub fn with_same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }

    /// Keeps a separate cookie for each embedding site (CHIPS).
    pub fn partitioned(mut self) -> Self {
        self.partitioned = true;
        self
    }

    /// Leaves out HttpOnly.
    ///
    /// # Security
    /// Any script on the page can then read and send away the key.
    pub fn readable_by_scripts(mut self) -> Self {
        self.http_only = false;
        self
    }

    /// Checks the policy, for the cookie of the kind called `kind`.
    pub(crate) fn compile(&self, kind: &str) -> Result<Cookie, CookiePolicyError> {
        let mut name = format!("{}{}", self.prefix, self.name);
        if !kind.is_empty() {
            name.push('-');
            name.push_str(kind);
        }
        self.check_name(&name)?;
        self.check_attributes()?;
        let mut attributes = format!("; Path={}", self.path);
        if let Some(domain) = &self.domain {
            attributes.push_str("; Domain=");
            attributes.push_str(domain);
        }
        for (present, text) in [
            (self.secure, "; Secure"),
            (self.http_only, "; HttpOnly"),
            (self.partitioned, "; Partitioned"),
        ] {
            if present {
                attributes.push_str(text);
            }
        }
        // Always present: without it, browsers allow some cross-site requests for two minutes.
        attributes.push_str(match self.same_site {
            SameSite::Strict => "; SameSite=Strict",
            SameSite::Lax => "; SameSite=Lax",
            SameSite::None => "; SameSite=None",
        });
        Ok(Cookie::new(name, attributes))
    }

    fn check_name(&self, name: &str) -> Result<(), CookiePolicyError> {
        refuse_if(self.name.is_empty(), "a cookie needs a name (RFC 6265bis section 4.1.1)")?;
        refuse_if(
            !name.bytes().all(is_token),
            "a cookie's name is a token: letters, digits and some punctuation \
             (RFC 6265bis section 4.1.1)",
        )?;
        refuse_if(
            name.len() + Key::TEXT_LEN > MAX_PAIR_LEN,
            "name and key together exceed the 4096 octets that browsers accept \
             (RFC 6265bis section 5.6)",
        )?;
        // Browsers compare prefixes case-insensitively, and also find one that is part of a name.
        let lower = name.to_ascii_lowercase();
        let has = |prefix: &str| lower.starts_with(prefix);
        refuse_if(
            (has("__secure-") || has("__host-") || has("__http-")) && !self.secure,
            "the name's prefix requires Secure (RFC 6265bis section 4.1.3)",
        )?;
        refuse_if(
            has("__host-") && self.domain.is_some(),
            "a `__Host-` cookie has no Domain (RFC 6265bis section 4.1.3.2)",
        )?;
        refuse_if(
            has("__host-") && self.path != "/",
            "a `__Host-` cookie has Path=/ (RFC 6265bis section 4.1.3.2)",
        )?;
        refuse_if(
            (has("__http-") || has("__host-http-")) && !self.http_only,
            "the name's prefix requires HttpOnly (layered cookies, section 4.1.3)",
        )
    }

    fn check_attributes(&self) -> Result<(), CookiePolicyError> {
        refuse_if(
            self.same_site == SameSite::None && !self.secure,
            "SameSite=None requires Secure (RFC 6265bis section 5.7)",
        )?;
        refuse_if(self.partitioned && !self.secure, "Partitioned requires Secure (CHIPS)")?;
        refuse_if(
            !self.path.starts_with('/') || !self.path.bytes().all(is_attribute),
            "a path begins with `/` and has no `;`, control or non-ASCII characters \
             (RFC 6265bis section 4.1.1)",
        )?;
        if let Some(domain) = &self.domain {
            check_cookie_domain(domain).map_err(CookiePolicyError)?;
        }
        refuse_if(
            self.path.len() > MAX_ATTRIBUTE_LEN,
            "browsers ignore an attribute of more than 1024 octets (RFC 6265bis section 5.6)",
        )
    }
}

fn refuse_if(wrong: bool, reason: &'static str) -> Result<(), CookiePolicyError> {
    if wrong { Err(CookiePolicyError(reason)) } else { Ok(()) }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn is_attribute(byte: u8) -> bool {
    matches!(byte, 0x20..=0x7E) && byte != b';'
}

/// A cookie policy that browsers would refuse.
///
/// Its message says why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookiePolicyError(&'static str);

impl fmt::Display for CookiePolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for CookiePolicyError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_that_browsers_refuse_is_an_error_with_its_reason() {
        let plain = CookiePolicy::for_plain_http;
        let table = [
            (CookiePolicy::host(""), "needs a name"),
            (CookiePolicy::host("a b"), "token"),
            (CookiePolicy::host("a=b"), "token"),
            (CookiePolicy::host("a;b"), "token"),
            (CookiePolicy::host("é"), "token"),
            (CookiePolicy::host("n".repeat(4090)), "4096"),
            (CookiePolicy::host("id").with_domain("example.com"), "no Domain"),
            (CookiePolicy::host("id").with_path("/app"), "Path=/"),
            (plain("__host-id"), "Secure"),
            (plain("__SECURE-id"), "Secure"),
            (CookiePolicy::secure("id").with_path("app"), "begins with"),
            (CookiePolicy::secure("id").with_path("/a;b"), "begins with"),
            (CookiePolicy::secure("id").with_path("/\r\nX-Injected: yes"), "begins with"),
            (CookiePolicy::secure("id").with_path(format!("/{}", "p".repeat(1024))), "1024"),
            (CookiePolicy::secure("id").with_domain(""), "labels"),
            (CookiePolicy::secure("id").with_domain(".example.com"), "labels"),
            (CookiePolicy::secure("id").with_domain("example..com"), "labels"),
            (CookiePolicy::secure("id").with_domain("bücher.example"), "labels"),
            (CookiePolicy::secure("id").with_domain("-a.example"), "labels"),
            (CookiePolicy::secure("id").with_domain("github.io"), "public suffix"),
            (CookiePolicy::secure("id").with_domain("co.uk"), "public suffix"),
            (CookiePolicy::secure("id").with_domain("com"), "single label"),
            (plain("id").with_domain("localhost"), "single label"),
            (plain("id").with_domain("127.0.0.1"), "IP address"),
            (plain("id").with_same_site(SameSite::None), "SameSite=None"),
            (plain("id").partitioned(), "Partitioned"),
            (
                CookiePolicy {
                    prefix: "",
                    ..CookiePolicy::host("__Http-id").readable_by_scripts()
                },
                "HttpOnly",
            ),
            (CookiePolicy::host("Http-id").readable_by_scripts(), "HttpOnly"),
        ];
        for (policy, reason) in table {
            let error = policy.compile("").expect_err(reason);
            assert!(error.to_string().contains(reason), "{policy:?}: {error}");
        }
        assert!(CookiePolicy::default().compile("not a token").is_err());
    }

    #[test]
    fn every_option_shows_in_the_text() {
        let text = |policy: CookiePolicy| {
            let cookie = policy.compile("").unwrap();
            format!("{}{}", cookie.name, cookie.attributes)
        };
        assert_eq!(
            text(
                CookiePolicy::secure("id").with_path("/a").with_domain("example.org").partitioned()
            ),
            "__Secure-id; Path=/a; Domain=example.org; Secure; HttpOnly; Partitioned; SameSite=Lax"
        );
        assert_eq!(text(CookiePolicy::for_plain_http("id")), "id; Path=/; HttpOnly; SameSite=Lax");
        assert_eq!(
            text(CookiePolicy::host("id").with_same_site(SameSite::None).readable_by_scripts()),
            "__Host-id; Path=/; Secure; SameSite=None"
        );
    }

    #[test]
    fn each_kind_of_session_has_its_own_cookie() {
        assert_eq!(CookiePolicy::default().compile("admin").unwrap().name(), "__Host-id-admin");
    }
}
