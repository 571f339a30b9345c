//! What a session may carry, and the kinds of session in one application.

mod codec;
mod flash;
mod map;
mod payload;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use codec::{Codec, CodecError, JsonCodec, OldPayload};
pub(crate) use codec::{Coding, FENCE, Upgrade};
pub use flash::Flash;
pub use map::SessionMap;
pub use payload::Payload;
pub(crate) use payload::TypedValue;

/// A value that a session can carry: any serde type that is also `Clone`, `Default` and `PartialEq`.
///
/// `Default` is what a visitor without a session sees, `Clone` gives every attempt of an update a fresh copy,
/// and `PartialEq` tells when nothing changed, so that nothing is written. Implemented for every such type;
/// use [`SessionMap`](crate::SessionMap) for keys and values without a type.
///
/// ```
/// #[derive(Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
/// struct Cart {
///     items: Vec<String>,
/// }
/// # fn carried<V: cloakroom::SessionValue>() {}
/// # carried::<Cart>();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be carried by a session",
    label = "not a session value",
    note = "a session's value needs `#[derive(Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]`, and must be `Send + Sync + 'static`"
)]
pub trait SessionValue:
    Clone + Default + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
}

#[diagnostic::do_not_recommend]
impl<V> SessionValue for V where
    V: Clone + Default + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
}

/// Marks one of several kinds of session in an application, each with its own cookie.
///
/// ```
/// struct Admin;
///
/// impl cloakroom::SessionKind for Admin {
///     const NAME: &'static str = "admin"; // cookie `__Host-id-admin`
/// }
/// ```
///
/// # Security
/// The name is hashed into every key's verifier: a key of one kind opens no session of another, even in one store.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no kind of session",
    note = "`Session<V, K>` takes the value first; a kind is a marker of yours: `impl cloakroom::SessionKind for {Self} {{ const NAME: &'static str = \"..\"; }}`"
)]
pub trait SessionKind: Send + Sync + 'static {
    /// The kind's name, a token of RFC 9110; empty for the one kind that needs no name.
    const NAME: &'static str;
}

/// The kind of session of an application that has only one.
#[derive(Clone, Copy, Debug)]
pub struct DefaultKind;

impl SessionKind for DefaultKind {
    const NAME: &'static str = "";
}
