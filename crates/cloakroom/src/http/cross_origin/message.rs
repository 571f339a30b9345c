//! What is said of a refused request.

use std::fmt;

use super::Reason;

/// What was refused and why, and how to let it pass.
pub(super) struct Message<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) origin: Option<&'a [u8]>,
    pub(super) reason: Reason<'a>,
}

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let request = [self.method, " ", self.path].concat();
        let (request, origin) = (Quoted(request.as_bytes()), self.origin.map(Quoted));
        match &self.reason {
            Reason::Site(site) => {
                write!(f, "another origin started {request} (Sec-Fetch-Site {}", Quoted(site))?;
                if let Some(origin) = origin {
                    write!(f, ", Origin {origin}")?;
                }
                f.write_str("): if it may, ")?;
            }
            Reason::Origin(hosts) => {
                let origin = origin.unwrap_or(Quoted(b""));
                write!(
                    f,
                    "{request} has the Origin {origin}, which is not a host that it was \
                    sent to ("
                )?;
                for (at, host) in hosts.iter().take(MAX_HOSTS).enumerate() {
                    write!(f, "{}{}", if at == 0 { "" } else { ", " }, Quoted(host))?;
                }
                let none = if hosts.is_empty() { "it names none" } else { "" };
                write!(f, "{none}): let the proxy pass on Host or X-Forwarded-Host, or ")?;
            }
        }
        f.write_str("say `trusted_origin` for the origin or `exempt_path` for the path")
    }
}

const MAX_HOSTS: usize = 4;

/// A part of a hostile request, on one line and not too long.
struct Quoted<'a>(&'a [u8]);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MAX_LEN: usize = 100;
        let shown = self.0.get(..MAX_LEN).unwrap_or(self.0);
        let rest = if shown.len() < self.0.len() { ".." } else { "" };
        write!(f, "`{}{rest}`", shown.escape_ascii())
    }
}
