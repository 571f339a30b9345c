//! When browsers send a cookie along with requests that other sites started.

/// When a browser sends the cookie with a request that another site started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the attribute's three values")]
pub enum SameSite {
    /// Never.
    ///
    /// A second cookie without content, `NAME-here`, then tells that a browser which arrives by a
    /// link from another site has a session; see [`NoSession::Withheld`](crate::NoSession).
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
