//! The cookies that a browser keeps (RFC 6265bis sections 5.7 and 5.8).

use std::cmp::Reverse;
use std::time::Duration;

use cloakroom::Timestamp;

use super::set_cookie::{SameSite, SetCookie};
use super::target::{Target, is_below, is_public_suffix};

/// Octets of name and value together that browsers accept.
const MAX_PAIR_LEN: usize = 4096;
/// How long a cookie without `SameSite` is sent with another site's forms (Chromium).
const LAX_UNSAFE: Duration = Duration::from_secs(2 * 60);

/// The cookies of one browser, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Jar(Vec<Kept>);

/// A cookie that was kept.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) set: SetCookie,
    /// The host that set it, or its `Domain`.
    pub(super) domain: String,
    pub(super) is_host_only: bool,
    pub(super) path: String,
    created: Timestamp,
    expires: Option<Timestamp>,
}

/// Who made the browser send a request, for `SameSite`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Context {
    SameSite,
    /// Another site led to a page of this one with GET or HEAD.
    SafeNavigation,
    /// Another site led to a page of this one with another method.
    UnsafeNavigation,
    /// Something within a page of another site.
    Subresource,
}

impl Jar {
    /// Keeps a cookie, removes one, or ignores the header.
    pub(super) fn store(&mut self, header: &str, from: &Target, context: Context, now: Timestamp) {
        let Some(set) = SetCookie::parse(header) else { return };
        let Some(cookie) = Kept::of(set, from, now) else { return };
        let is_third_party = context == Context::Subresource;
        if (is_third_party && cookie.set.same_site != SameSite::None)
            || (!from.is_trustworthy() && self.has_secure(&cookie))
        {
            return;
        }
        let at = self.0.iter().position(|kept| kept.is_replaced_by(&cookie));
        match at {
            Some(at) if !cookie.is_live(now) => drop(self.0.remove(at)),
            Some(at) if self.0[at].set.value == cookie.set.value => {
                let created = self.0[at].created;
                self.0[at] = Kept { created, ..cookie };
            }
            Some(at) => {
                self.0.remove(at);
                self.0.push(cookie);
            }
            None if cookie.is_live(now) => self.0.push(cookie),
            None => {}
        }
    }

    /// The cookies of a request, in the order in which they are sent: longer paths first, then
    /// older cookies.
    pub(super) fn sent(&self, to: &Target, context: Context, now: Timestamp) -> Vec<&Kept> {
        let is_sent =
            |kept: &&Kept| kept.is_for(to) && kept.is_live(now) && kept.goes(context, now);
        let mut cookies: Vec<_> = self.0.iter().filter(is_sent).collect();
        cookies.sort_by_key(|kept| Reverse(kept.path.len()));
        cookies
    }

    /// Drops the cookies that last until the browser is closed.
    pub(super) fn close(&mut self) {
        self.0.retain(|kept| kept.expires.is_some());
    }

    /// True if a cookie that arrived over plain HTTP would hide or replace a `Secure` one.
    fn has_secure(&self, cookie: &Kept) -> bool {
        self.0.iter().any(|kept| {
            kept.set.secure
                && kept.set.name == cookie.set.name
                && (is_in_domain(&kept.domain, &cookie.domain)
                    || is_in_domain(&cookie.domain, &kept.domain))
                && is_below(&cookie.path, &kept.path)
        })
    }
}

fn is_in_domain(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

impl Kept {
    /// `None` if the browser refuses it.
    fn of(set: SetCookie, from: &Target, now: Timestamp) -> Option<Self> {
        let is_host_only = match &set.domain {
            None => true,
            Some(domain) if is_public_suffix(domain) && from.host == *domain => true,
            Some(domain) if is_public_suffix(domain) || !from.is_in_domain(domain) => return None,
            Some(_) => false,
        };
        let needs_secure = set.partitioned || set.same_site == SameSite::None;
        if set.name.len() + set.value.len() > MAX_PAIR_LEN
            || (set.secure && !from.is_trustworthy())
            || (needs_secure && !set.secure)
            || !keeps_promise_of_prefix(&set)
        {
            return None;
        }
        Some(Self {
            domain: set.domain.clone().filter(|_| !is_host_only).unwrap_or(from.host.clone()),
            is_host_only,
            path: set.path.clone().unwrap_or_else(|| from.default_path().to_owned()),
            created: now,
            expires: set.expires_at(now),
            set,
        })
    }

    /// True if Java's clients read it as a cookie of RFC 2965.
    pub(super) fn has_java_quotes(&self) -> bool {
        self.set.max_age.is_some() && self.set.expires.is_none()
    }

    /// The cookie as it is sent, in the form of RFC 6265 or of RFC 2965.
    pub(super) fn pair(&self, is_rfc_2965: bool) -> String {
        let (Self { path, domain, .. }, SetCookie { name, value, .. }) = (self, &self.set);
        if is_rfc_2965 {
            format!("{name}=\"{value}\";$Path=\"{path}\";$Domain=\"{domain}\"")
        } else if name.is_empty() {
            value.clone()
        } else {
            format!("{name}={value}")
        }
    }

    fn is_live(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|at| !at.has_passed(now))
    }

    /// Cookies of one name are different cookies if one has a `Domain` and the other has not, or
    /// if their paths differ.
    fn is_replaced_by(&self, other: &Self) -> bool {
        self.set.name == other.set.name
            && self.domain == other.domain
            && self.is_host_only == other.is_host_only
            && self.path == other.path
    }

    fn is_for(&self, to: &Target) -> bool {
        let is_host =
            if self.is_host_only { to.host == self.domain } else { to.is_in_domain(&self.domain) };
        is_host && is_below(&to.path, &self.path) && (!self.set.secure || to.is_trustworthy())
    }

    fn goes(&self, context: Context, now: Timestamp) -> bool {
        match (context, self.set.same_site) {
            (Context::SameSite, _)
            | (_, SameSite::None)
            | (Context::SafeNavigation, SameSite::Lax | SameSite::Unspecified) => true,
            (Context::UnsafeNavigation, SameSite::Unspecified) => {
                now.since(self.created) < LAX_UNSAFE
            }
            _ => false,
        }
    }
}

/// The rules of the prefixes, whose case does not matter (RFC 6265bis section 5.7).
fn keeps_promise_of_prefix(set: &SetCookie) -> bool {
    // A cookie without a name is sent as its value alone.
    let text = if set.name.is_empty() { &set.value } else { &set.name };
    let text = text.to_ascii_lowercase();
    let is_host = text.starts_with("__host-");
    let is_http = text.starts_with("__http-") || text.starts_with("__host-http-");
    let is_prefixed = is_host || is_http || text.starts_with("__secure-");
    let has_host_scope = set.domain.is_none() && set.path.as_deref() == Some("/");
    !(is_prefixed && (set.name.is_empty() || !set.secure)
        || is_host && !has_host_scope
        || is_http && !set.http_only)
}
