//! What a session carries, and the kinds of session in one application.
//!
//! [`SessionValue`] is implemented for any serde type of yours; [`SessionMap`] and [`Flash`] are
//! two ready-made ones. A [`Codec`] turns values into bytes, and [`Payload`] is what a store sees
//! of them. [`SessionKind`] tells several kinds of session apart.

mod codec;
pub(crate) mod flash;
mod map;
mod payload;

use serde::Serialize;
use serde::de::DeserializeOwned;

#[doc(hidden)]
pub use codec::Survey;
pub use codec::{Codec, CodecError, JsonCodec, OldPayload};
pub(crate) use codec::{Coding, FENCE, Upgrade, to_json};
pub use flash::Flash;
pub use map::SessionMap;
pub use payload::Payload;
pub(crate) use payload::TypedValue;

/// A value that a session can carry: any serde type that is also `Clone`, `Default` and
/// `PartialEq`.
///
/// It is implemented for every such type. `Default` is the value of a request without a session,
/// `Clone` gives each attempt of an update its own copy, and `PartialEq` tells whether there is
/// anything to write. Use [`SessionMap`] if you do not want a type of your own.
///
/// ```
/// #[derive(Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
/// struct Cart {
///     items: Vec<String>,
/// }
/// # fn assert_value<V: cloakroom::SessionValue>() {}
/// # assert_value::<Cart>();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of a session",
    label = "not a session value",
    note = "add `#[derive(Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]`; the type must also be `Send + Sync + 'static`"
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

/// A marker type for one of several kinds of session in an application, each with its own cookie.
///
/// ```
/// struct Admin;
///
/// impl cloakroom::SessionKind for Admin {
///     const NAME: &'static str = "admin"; // cookie `__Host-id-admin`
/// }
/// ```
///
/// On one store, [`Sessions::list`](crate::Sessions::list) and a
/// [`SessionLimit`](crate::SessionLimit) go by kind, and [`Sessions::revoke_all`] ends sessions of
/// every kind.
///
/// [`Sessions::revoke_all`]: crate::Sessions::revoke_all
///
/// # Security
/// The name is hashed into every verifier: a key of one kind does not open a session of another,
/// even in the same store.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a kind of session",
    note = "`Session<V, K>` takes the value first and the kind second",
    note = "a kind is a marker type: `impl cloakroom::SessionKind for {Self} {{ const NAME: &'static str = \"..\"; }}`"
)]
pub trait SessionKind: Send + Sync + 'static {
    /// The kind's name: a token (RFC 9110 section 5.6.2), or empty for [`DefaultKind`].
    const NAME: &'static str;
}

/// The kind of session in an application that has only one kind.
#[derive(Clone, Copy, Debug)]
pub struct DefaultKind;

impl SessionKind for DefaultKind {
    const NAME: &'static str = "";
}
