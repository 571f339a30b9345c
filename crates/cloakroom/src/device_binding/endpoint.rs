//! The two endpoints.

/// One of the two places that browsers which bind sessions send requests to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the protocol has these two")]
pub enum DeviceEndpoint {
    /// Where a device is registered, after a sign-in.
    Register,
    /// Where the cookie of a bound session is refreshed.
    Refresh,
}
