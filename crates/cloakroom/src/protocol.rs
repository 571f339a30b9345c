//! The protocol: what a presented key is, and what follows. Pure functions of record, key and time.
//!
//! Nothing here reads a clock, draws a random number or talks to a store. `cargo xtask model` runs these very
//! functions through every order of requests, losses and races; [`Sessions`](crate::Sessions) gives them effects.
//! They are public for checkers like that one and carry no promise of stability.
//!
//! A key is renewed in two ways. **Without grace** (`login`, `renew`): a fresh secret, and from that write on
//! the old one opens nothing. **On a timer**: the next secret is derived from the old one and a nonce in the record,
//! so that everybody who still presents the old one is given the *same* next one, however many responses are lost
//! or late; the old one retires when the next has been seen again a while after its first sighting.

mod index;
pub use index::judge_index_login;
mod auth;
mod cookie;
mod lifecycle;
mod renewal;
mod settle;
mod status;

pub use auth::auth_shortfall;
pub use cookie::{CookieChange, cookie_life};
pub use lifecycle::{
    SignIn, begin, end, extend, give_lifetime, is_over, plan_sign_in, replace_secret, sign_in,
    touch_due, used,
};
pub use renewal::{
    Renewal, confirm_successor, extend_cookie, force_renewal, next_key, opens_without_write,
    renewal, retire, start_renewal,
};
pub use settle::{Settled, settle};

pub use status::{
    KeyStatus, NoSession, Recognised, judge, judge_ended, judge_family, judge_with, recognise,
};

use std::time::Duration;

/// How long a derived secret must have been in use before the one it was derived from retires.
pub const RENEWAL_GRACE: Duration = Duration::from_secs(60);

/// How long a replaced secret is answered with "a newer one exists" before it counts as no key at all.
pub const SUPERSEDED_FOR: Duration = Duration::from_secs(60);

/// How long after its retirement the use of a renewed secret means that two clients hold copies of one key.
pub const REUSE_AFTER: Duration = Duration::from_secs(5 * 60);

/// How long an ended session's tombstone is kept.
pub const TOMBSTONE_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// A touch is due when this fraction of the idle timeout has gone by since the last one.
pub const TOUCH_FRACTION: u32 = 10;
