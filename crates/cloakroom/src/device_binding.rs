//! Device-bound sessions: proofs that a request comes from the device that signed in.
//!
//! A browser that supports [Device Bound Session Credentials][DBSC] makes a key pair for a session,
//! keeps the private key where it cannot be copied, and signs a challenge of the server with it. A
//! cookie that was copied is then worth minutes: it is renewed only for such a proof.
//!
//! [`Proof`] reads and verifies what the browser sends, and [`DeviceKey`] is the public key that it
//! registers.
//!
//! # Security
//! - The algorithm is that of the registered key, never what a token says.
//! - A token with a second text (padding, other whitespace, a member twice) is refused.
//! - The signatures are verified by `ring`, which does both algorithms, is what rustls verifies
//!   certificates with by default, and rejects points that are not on the curve.
//!
//! [DBSC]: https://w3c.github.io/webappsec-dbsc/

mod endpoint;
mod error;
mod json;
mod jwk;
mod proof;
mod signature;
mod token;

pub use endpoint::DeviceEndpoint;
pub use error::{ProofError, ProofErrorKind};
pub use proof::Proof;

pub(crate) use token::SignedToken;

pub use crate::key::{Algorithm, DeviceKey};
pub use crate::policy::DeviceBinding;
pub use crate::record::BoundDevice;
