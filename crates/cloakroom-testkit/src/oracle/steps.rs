//! What may be done, at random.

use std::time::Duration;

use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;

#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// A new session with this value.
    Generate(u64),
    /// A request.
    Visit(Present, Deed),
    /// Ends a session from outside; 0 is the youngest.
    Revoke(usize),
    /// Ends all sessions of one of two people.
    RevokeAll(bool),
    Advance(Duration),
    Sweep,
}

/// What a request presents.
#[derive(Clone, Copy, Debug)]
pub(super) enum Present {
    /// A key of a session, both counted back from the youngest.
    Key {
        session: usize,
        age: usize,
    },
    /// A session's id with a secret that never was.
    Forged(usize),
    Nothing,
}

/// What the request does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Deed {
    Look,
    /// `update` by as much; 0 changes nothing.
    Add(u64),
    Set(u64),
    Extend(Duration),
    /// As one of two people.
    Login(bool),
    Elevate,
    Logout,
    End,
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..3_u64).prop_map(Step::Generate),
        12 => (present(), deed()).prop_map(|(present, deed)| Step::Visit(present, deed)),
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

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => Just(Deed::Look),
        4 => (0..3_u64).prop_map(Deed::Add),
        2 => (0..3_u64).prop_map(Deed::Set),
        1 => span().prop_map(Deed::Extend),
        3 => any::<bool>().prop_map(Deed::Login),
        3 => Just(Deed::Elevate),
        1 => Just(Deed::Logout),
        1 => Just(Deed::End),
    ]
}

/// Around every limit there is: a minute of supersession, tenths of the idle timeout, the timeouts themselves.
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
