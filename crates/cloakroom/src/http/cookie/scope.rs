//! The scope of a cookie: its Domain, its Path, and its partition.

use super::error::{CookiePolicyError, refuse_if};
use crate::http::domain::check_cookie_domain;

/// Octets of an attribute's value that browsers accept (RFC 6265bis section 5.6).
const MAX_ATTRIBUTE_LEN: usize = 1024;

/// The scope of a cookie: its Domain, its Path, and whether it is partitioned.
///
/// Browsers keep one cookie of a name *per scope*, and send all that match a request (RFC 6265bis
/// section 5.7). [`CookiePolicy::formerly`](crate::CookiePolicy::formerly) removes those of an
/// earlier configuration.
///
/// ```
/// # use cloakroom::http::CookieScope;
/// let before = CookieScope::domain("example.com").with_path("/app");
/// # let _ = before;
/// ```
#[derive(Clone, Debug)]
pub struct CookieScope {
    domain: Option<String>,
    path: String,
    partitioned: bool,
}

impl CookieScope {
    /// One host, without a Domain, and all its paths.
    pub fn host() -> Self {
        Self { domain: None, path: "/".into(), partitioned: false }
    }

    /// A domain with all its subdomains, and all their paths.
    pub fn domain(domain: impl Into<String>) -> Self {
        Self { domain: Some(domain.into()), ..Self::host() }
    }

    /// Only this path and the paths below it.
    pub fn with_path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// A cookie of its own for each embedding site (CHIPS).
    pub fn partitioned(mut self) -> Self {
        self.partitioned = true;
        self
    }

    pub(super) fn set_domain(&mut self, domain: String) {
        self.domain = Some(domain);
    }

    pub(super) fn has_domain(&self) -> bool {
        self.domain.is_some()
    }

    pub(super) fn is_partitioned(&self) -> bool {
        self.partitioned
    }

    /// True for the only path that a `__Host-` cookie can have.
    pub(super) fn is_whole_host(&self) -> bool {
        self.path == "/"
    }

    /// True if `path` is the scope's path or lies below it (RFC 6265bis section 5.1.4).
    pub(super) fn covers(&self, path: &str) -> bool {
        path.strip_prefix(&self.path).is_some_and(|rest| {
            rest.is_empty() || rest.starts_with('/') || self.path.ends_with('/')
        })
    }

    /// True if a cookie in this scope replaces one of its name in `other`.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let domain = |scope: &Self| scope.domain.as_deref().map(str::to_ascii_lowercase);
        domain(self) == domain(other)
            && self.path == other.path
            && self.partitioned == other.partitioned
    }

    pub(super) fn check(&self) -> Result<(), CookiePolicyError> {
        refuse_if(
            !self.path.starts_with('/') || !self.path.bytes().all(is_attribute),
            "a path begins with `/` and has no `;`, control or non-ASCII characters \
             (RFC 6265bis section 4.1.1)",
        )?;
        refuse_if(
            self.path.len() > MAX_ATTRIBUTE_LEN,
            "browsers ignore an attribute of more than 1024 octets (RFC 6265bis section 5.6)",
        )?;
        match &self.domain {
            Some(domain) => check_cookie_domain(domain).map_err(CookiePolicyError::new),
            None => Ok(()),
        }
    }

    /// `; Path=/; Domain=example.com`.
    pub(super) fn text(&self) -> String {
        let mut text = format!("; Path={}", self.path);
        if let Some(domain) = &self.domain {
            text.push_str("; Domain=");
            text.push_str(domain);
        }
        text
    }
}

fn is_attribute(byte: u8) -> bool {
    matches!(byte, 0x20..=0x7E) && byte != b';'
}
