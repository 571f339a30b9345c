//! The cookie's policy, and the combinations that browsers refuse.

use super::error::{CookiePolicyError, refuse_if};
use super::scope::CookieScope;
use super::{Cookie, MARKERS};
use crate::key::Key;
pub use crate::policy::SameSite;

/// Octets of name and value together that browsers accept (RFC 6265bis section 5.6).
pub(crate) const MAX_PAIR_LEN: usize = 4096;

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
    pub(super) scope: CookieScope,
    former: Vec<CookieScope>,
    same_site: SameSite,
    pub(super) secure: bool,
    http_only: bool,
    high_priority: bool,
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
            scope: CookieScope::host(),
            former: Vec::new(),
            same_site: SameSite::Lax,
            secure: true,
            http_only: true,
            high_priority: false,
        }
    }

    /// The cookie `__Host-Http-NAME`: like [`host`](CookiePolicy::host), and no script can set it.
    ///
    /// HttpOnly only keeps scripts from reading a cookie, so a script that was injected into a page
    /// can remove a `__Host-` cookie by a flood of others, and then set one of its own: a session
    /// of the attacker's. Under this prefix browsers refuse a cookie that does not come from a
    /// response header (the draft "Cookies: HTTP State Management Mechanism", layered cookies).
    /// Chromium 156 and Firefox 153 enforce it. Other browsers treat the name as `__Host-`.
    pub fn host_http(name: impl Into<String>) -> Self {
        Self { prefix: "__Host-Http-", ..Self::host(name) }
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
        self.scope = self.scope.with_path(path);
        self
    }

    /// Sends the cookie to this domain and all its subdomains.
    ///
    /// Browsers refuse a public suffix (`com`, `co.uk`, `github.io`), and treat a single label such
    /// as `localhost` as one, so both are an error when the sessions are built. For development on
    /// several hosts use two labels, such as `shop.localhost`.
    ///
    /// # Security
    /// Each of those hosts receives the key.
    pub fn with_domain(mut self, domain: impl Into<String>) -> Self {
        self.scope.set_domain(domain.into());
        self
    }

    /// When the cookie is sent with requests that other sites started.
    pub fn with_same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }

    /// Keeps a separate cookie for each embedding site (CHIPS).
    ///
    /// A partitioned cookie also has a limit of its own: see
    /// [`with_high_priority`](CookiePolicy::with_high_priority).
    pub fn partitioned(mut self) -> Self {
        self.scope = self.scope.partitioned();
        self
    }

    /// Adds `Priority=High`: Chromium then removes other cookies first.
    ///
    /// Browsers keep some 180 cookies per registrable domain. A subdomain that sets more removes
    /// those that were used least recently, also `__Host-` cookies of other hosts, and so signs
    /// visitors out. Measured with 400 cookies from a sibling host: Chromium 156 removes a cookie
    /// without this attribute and keeps one with it, unless the flood has it too. Firefox 153
    /// ignores the attribute. A [partitioned](CookiePolicy::partitioned) cookie survived as well in
    /// Chromium.
    pub fn with_high_priority(mut self) -> Self {
        self.high_priority = true;
        self
    }

    /// Names a scope in which an earlier configuration set a cookie of this name, so that browsers
    /// lose it.
    ///
    /// After a change of [`with_domain`](CookiePolicy::with_domain),
    /// [`with_path`](CookiePolicy::with_path) or [`partitioned`](CookiePolicy::partitioned) a
    /// browser keeps the old cookie and sends both, the old one often first, until the old one
    /// expires. Removing the new one does not remove the old one. With this, a response to a
    /// request that carries the name more than once removes the cookie in the former scope, if it
    /// sets no other cookie of the name. With several former scopes, each response removes the
    /// cookie in one of them.
    ///
    /// Such a response carries `Cache-Control: no-store`. Keep the former scopes for as long as
    /// their cookies last: [`Lifetime`](crate::Lifetime)'s absolute timeout.
    ///
    /// ```
    /// # use cloakroom::{CookiePolicy, MemoryStore, SessionMap, Sessions, Transport};
    /// # use cloakroom::http::CookieScope;
    /// // It was `with_domain("example.com")` until last week.
    /// let policy = CookiePolicy::secure("id")
    ///     .with_domain("shop.example.com")
    ///     .formerly(CookieScope::domain("example.com"));
    /// let sessions = Sessions::<SessionMap>::builder(MemoryStore::new());
    /// assert!(sessions.transport(Transport::cookie(policy)).build().is_ok());
    /// ```
    ///
    /// Name only scopes that this application has used: in a scope with a Domain, the cookie could
    /// belong to another application on a sibling host.
    pub fn formerly(mut self, scope: CookieScope) -> Self {
        self.former.push(scope);
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

    /// When the cookie is sent with requests that other sites started.
    pub(crate) const fn same_site(&self) -> SameSite {
        self.same_site
    }

    /// The cookie that goes with a Strict one: browsers send it along with links from other sites,
    /// and it says only that this browser has a session.
    pub(crate) fn compile_marker(&self, kind: &str) -> Result<Option<Cookie>, CookiePolicyError> {
        if self.same_site != SameSite::Strict {
            return Ok(None);
        }
        let kind = if kind.is_empty() { "here".into() } else { format!("{kind}-here") };
        self.clone().with_same_site(SameSite::Lax).compile_named(&kind).map(Some)
    }

    /// Checks the policy, for the cookie of the kind called `kind`.
    pub(crate) fn compile(&self, kind: &str) -> Result<Cookie, CookiePolicyError> {
        refuse_if(
            kind.rsplit('-').next().is_some_and(|last| MARKERS.contains(&last)),
            "a kind is not called `bound`, `here` or `left`, nor does its name end so after a \
             hyphen: its cookie would have the name of another kind's marker",
        )?;
        self.compile_named(kind)
    }

    pub(super) fn compile_named(&self, kind: &str) -> Result<Cookie, CookiePolicyError> {
        let mut name = format!("{}{}", self.prefix, self.name);
        if !kind.is_empty() {
            name.push('-');
            name.push_str(kind);
        }
        self.check_name(&name)?;
        refuse_if(
            self.same_site == SameSite::None && !self.secure,
            "SameSite=None requires Secure (RFC 6265bis section 5.7)",
        )?;
        self.check_scope(&self.scope)?;
        self.check_prefix(&name)?;
        self.check_former(&name)?;
        let former = self.former.iter().map(|scope| self.attributes(scope)).collect();
        Ok(Cookie::new(name, self.attributes(&self.scope), former))
    }

    /// Everything after the value except `Max-Age` and `Expires`.
    fn attributes(&self, scope: &CookieScope) -> String {
        let mut attributes = scope.text();
        for (present, text) in [
            (self.secure, "; Secure"),
            (self.http_only, "; HttpOnly"),
            (scope.is_partitioned(), "; Partitioned"),
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
        if self.high_priority {
            attributes.push_str("; Priority=High");
        }
        attributes
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
        )
    }

    fn check_scope(&self, scope: &CookieScope) -> Result<(), CookiePolicyError> {
        refuse_if(scope.is_partitioned() && !self.secure, "Partitioned requires Secure (CHIPS)")?;
        scope.check()
    }

    fn check_prefix(&self, name: &str) -> Result<(), CookiePolicyError> {
        refuse_if(
            ["__secure-", "__host-", "__http-"].iter().any(|prefix| has_prefix(name, prefix))
                && !self.secure,
            "the name's prefix requires Secure (RFC 6265bis section 4.1.3)",
        )?;
        refuse_if(
            has_prefix(name, "__host-") && self.scope.has_domain(),
            "a `__Host-` cookie has no Domain (RFC 6265bis section 4.1.3.2)",
        )?;
        refuse_if(
            has_prefix(name, "__host-") && !self.scope.is_whole_host(),
            "a `__Host-` cookie has Path=/ (RFC 6265bis section 4.1.3.2)",
        )?;
        refuse_if(
            (has_prefix(name, "__http-") || has_prefix(name, "__host-http-")) && !self.http_only,
            "the name's prefix requires HttpOnly (layered cookies, section 4.1.3)",
        )
    }

    fn check_former(&self, name: &str) -> Result<(), CookiePolicyError> {
        for (index, scope) in self.former.iter().enumerate() {
            self.check_scope(scope)?;
            refuse_if(
                has_prefix(name, "__host-") && (scope.has_domain() || !scope.is_whole_host()),
                "a `__Host-` cookie never had a Domain or another path: the only other scope it \
                 can have is partitioned, or not (RFC 6265bis section 4.1.3.2)",
            )?;
            refuse_if(
                scope.is_same(&self.scope),
                "a former scope is the cookie's current scope: the cookie itself would be removed",
            )?;
            refuse_if(
                self.former.iter().take(index).any(|other| other.is_same(scope)),
                "a former scope is named twice",
            )?;
        }
        Ok(())
    }
}

/// Browsers compare prefixes case-insensitively, and also find one that is part of a name.
fn has_prefix(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

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
            (CookiePolicy::host_http("id").readable_by_scripts(), "HttpOnly"),
            (CookiePolicy::host_http("id").with_domain("example.com"), "no Domain"),
        ];
        for (policy, reason) in table {
            let error = policy.compile("").expect_err(reason);
            assert!(error.to_string().contains(reason), "{policy:?}: {error}");
        }
        assert!(CookiePolicy::default().compile("not a token").is_err());
        assert!(CookiePolicy::default().compile("left").is_err());
    }

    #[test]
    fn a_former_scope_that_no_cookie_can_have_had_is_an_error_with_its_reason() {
        let (host, domain) = (CookieScope::host, CookieScope::domain);
        let wide = || CookiePolicy::secure("id").with_domain("example.com");
        let table = [
            (wide().formerly(domain("EXAMPLE.com")), "current scope"),
            (wide().formerly(domain("example.com").with_path("/")), "current scope"),
            (CookiePolicy::default().formerly(host()), "current scope"),
            (wide().formerly(host()).formerly(host()), "named twice"),
            (wide().formerly(domain("co.uk")), "public suffix"),
            (wide().formerly(domain("a..b")), "labels"),
            (wide().formerly(host().with_path("app")), "begins with"),
            (CookiePolicy::host("id").formerly(domain("example.com")), "`__Host-`"),
            (CookiePolicy::host("id").formerly(host().with_path("/app")), "`__Host-`"),
            (CookiePolicy::for_plain_http("id").formerly(host().partitioned()), "Secure"),
        ];
        for (policy, reason) in table {
            let error = policy.compile("").expect_err(reason);
            assert!(error.to_string().contains(reason), "{policy:?}: {error}");
        }
        for policy in [
            wide().formerly(host()).formerly(host().with_path("/app")),
            wide().formerly(domain("example.com").with_path("/app")),
            wide()
                .formerly(domain("shop.example.com"))
                .formerly(domain("example.com").partitioned()),
            CookiePolicy::host("id").formerly(host().partitioned()),
            CookiePolicy::host("id").partitioned().formerly(host()),
        ] {
            assert!(policy.compile("").is_ok(), "{policy:?}");
        }
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
        assert_eq!(
            text(CookiePolicy::host_http("id").with_high_priority()),
            "__Host-Http-id; Path=/; Secure; HttpOnly; SameSite=Lax; Priority=High"
        );
    }

    #[test]
    fn each_kind_of_session_has_its_own_cookie() {
        assert_eq!(CookiePolicy::default().compile("admin").unwrap().name, "__Host-id-admin");
    }
}
