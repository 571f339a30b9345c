//! What a presented key is, what follows from it, and in which order the store is asked.
//!
//! The functions of this module are the decisions; [`Rules`] is all of them. The [`steps`] are the
//! sequences: each operation on a session as a state machine that asks the store one question at a
//! time. Neither reads a clock, draws a random number or talks to a store. The library's runner
//! does that for [`Sessions`](crate::Sessions), and `cargo xtask model` runs the same steps through
//! every order of requests, lost answers and races. All this is public for checkers like that one
//! and is not covered by semantic versioning, except for [`judge_index_login`], which is for
//! authors of stores.
//!
//! # Device binding
//! A session can be bound to a key pair of its browser (`device.rs` says how). Its secrets are then
//! good for minutes, and another one is given only for a proof that the browser has the key.
//!
//! # Renewal
//! A secret is replaced in one of two ways:
//! - **At sign-in** (`login`, `renew`) by a fresh secret. From that write on the old secret opens
//!   nothing. A sign-in that is sent twice within [`SIGN_IN_REPEATABLE_FOR`] is given one key.
//! - **On a timer** by a secret derived from the old one and a nonce in the record. Every client
//!   that still presents the old secret is sent the *same* new one, however many responses are lost
//!   or late. The old secret retires when the new one is presented again at least
//!   [`RENEWAL_GRACE`] after its first use.

mod auth;
mod cookie;
mod device;
mod failure;
mod index;
mod lifecycle;
mod origin;
mod presented;
mod renewal;
mod rules;
mod settle;
mod status;
#[expect(clippy::unnecessary_wraps, reason = "helpers return what a step returns")]
pub mod steps;

use std::time::Duration;

pub use auth::auth_shortfall;
pub use cookie::CookieChange;
pub(crate) use device::MAX_BOUND_LIFE;
pub use device::{
    Authorization, CHALLENGE_SLOT, Challenge, ChallengeFor, ChallengeStatus, Challenger,
    OFFER_OPEN_FOR, PROOF_REPEATABLE_FOR, Registration, accept_proof, bound_until, can_register,
    confirm_device, confirm_device_by_use, is_authorized, is_being_bound, is_open_without_proof,
    judge_challenge, offer_binding, refresh_challenge, register_device, registration,
    release_device, renew_bound,
};
pub use failure::Failure;
pub(crate) use index::live_record_of;
pub use index::{Seat, judge_index_login, make_room};
pub use lifecycle::{
    SignIn, begin, end, extend, give_lifetime, is_over, plan_sign_in, replace_secret, sign_in,
    touch_due, used, without_expiry,
};
pub use origin::{RequestOrigin, is_login_forged, is_withheld};
pub use presented::{MAX_PRESENTED, MAX_SKIPPED, PresentedKeys, SkippedRefresh};
pub use renewal::{
    Renewal, SignInBy, SignInKey, confirm_successor, extend_cookie, force_renewal,
    needs_longer_cookie, next_key, renewal, repeated_sign_in, retire, sign_in_key, start_renewal,
};
pub use rules::{Protocol, Rules};
pub use settle::{Settled, settle};
pub use status::{
    KeyStatus, NoSession, SecretStatus, former_family, judge, judge_ended, judge_family, judge_id,
    judge_with, recognise,
};

use crate::policy::ReusePolicy;

/// How long a derived secret must have been in use before the old one retires.
pub const RENEWAL_GRACE: Duration = Duration::from_secs(60);

/// How long a sign-in that is sent again is given the same key.
pub const SIGN_IN_REPEATABLE_FOR: Duration = Duration::from_secs(60);

/// How far apart the clocks of two nodes can be without anyone noticing.
pub const CLOCK_SLACK: Duration = Duration::from_secs(10);

/// How long a secret that retired counts as superseded: the client probably has a newer one
/// already.
pub const SUPERSEDED_FOR: Duration = ReusePolicy::MIN_AFTER;

/// How long after its retirement on a timer a secret in use counts as a copy, by default.
pub const REUSE_AFTER: Duration = ReusePolicy::DEFAULT_AFTER;

/// How long the tombstone of an ended session is kept.
pub const TOMBSTONE_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// A touch is due once the last one is this fraction of the idle timeout ago: a tenth.
pub const TOUCH_FRACTION: u32 = 10;
