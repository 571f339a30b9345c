//! Random steps.

use std::time::Duration;

use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;

#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// A new session with this value.
    Generate(u64),
    /// A request.
    Request(Present, Action),
    /// Revokes a session; 0 is the newest.
    Revoke(usize),
    /// Revokes all sessions of one of two principals.
    RevokeAll(bool),
    Advance(Duration),
    Sweep,
}

/// What a request presents.
#[derive(Clone, Copy, Debug)]
pub(super) enum Present {
    /// A key of a session, both counted back from the newest.
    Key {
        session: usize,
        age: usize,
    },
    /// The id of a session with a wrong secret.
    Forged(usize),
    Nothing,
}

/// What a request does with its session.
#[derive(Clone, Copy, Debug)]
pub(super) enum Action {
    Read,
    /// Adds to the value with `update`; 0 changes nothing.
    Add(u64),
    Set(u64),
    Extend(Duration),
    /// Signs in as one of two principals.
    Login(bool),
    Renew,
    Logout,
    End,
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..3_u64).prop_map(Step::Generate),
        12 => (present(), action()).prop_map(|(present, action)| Step::Request(present, action)),
        1 => (0..3_usize).prop_map(Step::Revoke),
        1 => any::<bool>().prop_map(Step::RevokeAll),
        4 => span().prop_map(Step::Advance),
        1 => Just(Step::Sweep),
    ]
}

fn present() -> impl Strategy<Value = Present> {
    prop_oneof![
        10 => (0..3_usize).prop_map(|session| Present::Key { session, age: 0 }),
        4 => (0..3_usize, 1..10_usize).prop_map(|(session, age)| Present::Key { session, age }),
        1 => (0..3_usize).prop_map(Present::Forged),
        1 => Just(Present::Nothing),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => Just(Action::Read),
        4 => (0..3_u64).prop_map(Action::Add),
        2 => (0..3_u64).prop_map(Action::Set),
        1 => span().prop_map(Action::Extend),
        3 => any::<bool>().prop_map(Action::Login),
        3 => Just(Action::Renew),
        1 => Just(Action::Logout),
        1 => Just(Action::End),
    ]
}

/// Spans around every limit: a superseded key's minute, a tenth of the idle timeout, the timeouts.
fn span() -> impl Strategy<Value = Duration> {
    let limits = [1, 60, 3 * 60, 10 * 60, 30 * 60, 6 * 60 * 60].map(Duration::from_secs);
    let tick = Duration::from_millis(1);
    select(
        limits
            .into_iter()
            .flat_map(|limit| [limit.saturating_sub(tick), limit])
            .collect::<Vec<_>>(),
    )
}
