//! What an application decides about its sessions: how long they live, how many a principal has, how a
//! sign-in is described and what may follow from it.

mod assurance;
mod auth_requirement;
mod client;
mod lifetime;
mod limit;
mod login;
mod principal;
mod reuse;
mod unreadable;

pub use assurance::Assurance;
pub use auth_requirement::{AuthRequirement, AuthShortfall};
pub use client::ClientInfo;
pub(crate) use lifetime::LONGEST;
pub use lifetime::Lifetime;
pub use limit::SessionLimit;
pub use login::Login;
pub use principal::{Principal, PrincipalError};
pub(crate) use reuse::Reaction;
pub use reuse::ReusePolicy;
pub use unreadable::UnreadablePolicy;
