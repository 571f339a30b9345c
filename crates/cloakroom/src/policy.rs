//! What an application decides about its sessions.
//!
//! [`Lifetime`] says how long a session lives, [`SessionLimit`] how many a principal can have,
//! [`Login`] how a user signed in, and [`AuthRequirement`] what a sensitive step asks of that
//! sign-in. [`DeviceBinding`] binds sessions to the device that signed in. [`ReusePolicy`] and
//! [`UnreadablePolicy`] say what to do about copied keys and about values that cannot be decoded.

mod assurance;
mod auth_requirement;
mod client;
mod device_binding;
mod lifetime;
mod limit;
mod login;
mod principal;
mod reuse;
mod same_site;
mod unreadable;

pub use assurance::Assurance;
pub use auth_requirement::{AuthRequirement, AuthShortfall};
pub use client::ClientInfo;
pub use device_binding::DeviceBinding;
pub(crate) use lifetime::LONGEST;
pub use lifetime::Lifetime;
pub use limit::SessionLimit;
pub use login::Login;
pub use principal::{Principal, PrincipalError};
pub(crate) use reuse::Reaction;
pub use reuse::ReusePolicy;
pub use same_site::SameSite;
pub use unreadable::UnreadablePolicy;
