//! What device binding asks of a cookie.

use super::{Cookie, CookiePolicy, CookiePolicyError, SameSite};

impl CookiePolicy {
    /// Whether browsers bind a session to a device under this policy.
    ///
    /// # Errors
    /// Why they do not, or could not refresh it.
    pub(crate) fn check_bindable(&self) -> Result<(), &'static str> {
        if !self.secure {
            return Err("device binding needs a Secure cookie: browsers bind over TLS only");
        }
        if self.scope.is_partitioned() {
            return Err(
                "device binding needs a cookie without Partitioned: browsers bind no other",
            );
        }
        if self.scope.has_domain() {
            return Err("device binding needs a cookie without Domain: the pages of other hosts \
                could not refresh it");
        }
        Ok(())
    }

    /// Whether browsers send the cookie to this path.
    pub(crate) fn covers(&self, path: &str) -> bool {
        self.scope.covers(path)
    }

    /// The cookie that names the bound session which the browser is in. Browsers send it along with
    /// every refresh, also with one that a link from another site leads to.
    pub(crate) fn compile_bound_marker(&self, kind: &str) -> Result<Cookie, CookiePolicyError> {
        let kind = if kind.is_empty() { "bound".into() } else { format!("{kind}-bound") };
        self.clone().with_same_site(SameSite::None).compile_named(&kind)
    }
}
