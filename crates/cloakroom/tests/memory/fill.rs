//! Filling a store.

use cloakroom_testkit::block_on;

/// More sessions than any bound of these tests has room for.
pub(crate) const MANY: usize = 20_000;
/// So many more sessions are added to a store that is full.
const MORE: usize = 20;

/// Adds sessions until the number that the store holds has stopped to grow, and some more.
pub(crate) fn fill(mut add: impl AsyncFnMut(usize), held: impl Fn() -> usize) {
    let (mut most, mut since) = (0, 0);
    for number in 0..MANY {
        block_on(add(number));
        let now = held();
        since = if now > most { 0 } else { since + 1 };
        most = most.max(now);
        if since == MORE {
            return;
        }
    }
}

/// What a kind of session took, against the bound.
pub(crate) struct Taken {
    pub(crate) name: String,
    pub(crate) sessions: usize,
    pub(crate) bytes: usize,
}

/// Prints what was taken.
///
/// # Panics
/// If one took more than 1.5 times the bound.
#[expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "it is a table of a test")]
pub(crate) fn report(what: &str, bound: usize, taken: &[Taken]) {
    println!("{what}, bound of {} MiB", bound >> 20);
    let ratio = |taken: &Taken| taken.bytes as f64 / bound as f64;
    for taken in taken {
        println!("{:>6.2} {:>6} x {}", ratio(taken), taken.sessions, taken.name);
    }
    let over: Vec<_> =
        taken.iter().filter(|taken| ratio(taken) > 1.5).map(|taken| &*taken.name).collect();
    assert!(over.is_empty(), "{what}: more than 1.5 times the bound: {over:?}");
}
