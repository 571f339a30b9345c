//! How a key travels.

/// How a key travels between client and server, chosen when it is minted.
///
/// It is a part of what the store keeps of the key, so a key that turns up in the other place opens
/// nothing: a stolen bearer token is of no use in a cookie jar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "keys are accepted from nowhere else")]
pub enum Carrier {
    /// In a cookie.
    #[default]
    Cookie,
    /// In `Authorization: Bearer KEY` (RFC 6750).
    Bearer,
}
