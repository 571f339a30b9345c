//! The origin of a page, compared with the hosts that a request names.

use std::fmt;

/// The origin of a page, as browsers write it (RFC 6454 section 6.2).
pub(super) struct PageOrigin<'a> {
    scheme: &'a str,
    /// Without the scheme's own port.
    authority: &'a str,
}

impl<'a> PageOrigin<'a> {
    /// None for `null`, and for whatever browsers do not send.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let is_scheme = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
        let is_host = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        let is_valid = scheme.starts_with(|c: char| c.is_ascii_lowercase())
            && scheme.chars().all(is_scheme)
            && authority.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[' || c == '_')
            && authority.chars().all(is_host);
        is_valid.then(|| Self { scheme, authority: without_own_port(scheme, authority) })
    }

    /// True if a request that names this host was sent to this origin, as far as it says.
    ///
    /// The request does not say its scheme.
    pub(super) fn is_at(&self, host: &[u8]) -> bool {
        let host = std::str::from_utf8(host).unwrap_or_default().trim();
        without_own_port(self.scheme, host).eq_ignore_ascii_case(self.authority)
    }
}

impl fmt::Display for PageOrigin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

fn without_own_port<'a>(scheme: &str, authority: &'a str) -> &'a str {
    let port = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => return authority,
    };
    authority.strip_suffix(port).unwrap_or(authority)
}
