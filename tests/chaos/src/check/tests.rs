//! Histories with a planted violation, each of which the checker must notice, and without one.

use super::{Bounds, Law, Span, check};
use crate::history::{Action, Answer, KeyName, Operation, Outcome, Refusal};
use crate::tally::Tally;

const BOUNDS: Bounds<'_> = Bounds { max_staleness: 3_000_000, limit: 3, takeovers: &[] };

/// Operations on session `s`, which begin a second apart and take half of one.
#[derive(Default)]
struct History(Vec<Operation>);

fn key(hash: u64) -> KeyName {
    KeyName { session: "s".to_owned(), hash }
}

fn done(new: u64, numbers: &[u64]) -> Outcome {
    let mut tally = Tally::default();
    for number in numbers {
        tally.add(*number);
    }
    let session = Some("s".to_owned());
    Outcome::Done(Answer { session, key: Some(key(new)), seen: Some(tally), listed: Vec::new() })
}

fn listed(ids: &[&str]) -> Outcome {
    let listed = ids.iter().map(|id| (*id).to_owned()).collect();
    Outcome::Done(Answer { listed, ..Answer::default() })
}

impl History {
    /// An operation that presents the key with this hash, or none.
    fn then(mut self, number: u64, action: Action, presented: u64, outcome: Outcome) -> Self {
        let start = (self.0.len() as u64 + 1) * 1_000_000;
        self.0.push(Operation {
            number,
            node: 1,
            is_cached: false,
            action,
            principal: "alice".to_owned(),
            key: Some(presented).filter(|hash| *hash > 0).map(key),
            start,
            end: Some(start + 500_000),
            outcome,
        });
        self
    }

    /// Changes the last operation.
    fn with(mut self, change: impl FnOnce(&mut Operation)) -> Self {
        change(self.0.last_mut().expect("an operation"));
        self
    }

    /// A session that `alice` signs in on, with key 1, and two increments.
    fn begun() -> Self {
        Self::default()
            .then(10, Action::Login, 0, done(1, &[]))
            .then(11, Action::Increment, 1, done(1, &[11]))
            .then(12, Action::Increment, 1, done(1, &[11, 12]))
    }

    fn read(self, numbers: &[u64]) -> Self {
        self.then(20, Action::Read, 1, done(1, numbers))
    }

    fn laws(&self) -> Vec<Law> {
        self.laws_with(&[])
    }

    fn laws_with(&self, takeovers: &[Span]) -> Vec<Law> {
        let bounds = Bounds { takeovers, ..BOUNDS };
        let mut laws: Vec<_> = check(&self.0, bounds).into_iter().map(|one| one.law).collect();
        laws.sort();
        laws.dedup();
        laws
    }
}

fn in_a_cache(operation: &mut Operation) {
    (operation.node, operation.is_cached) = (2, true);
}

fn at_the_end(operation: &mut Operation) {
    operation.node = 0;
}

#[test]
fn a_history_that_breaks_nothing_is_accepted() {
    let history = History::begun()
        .read(&[11, 12])
        .then(13, Action::Increment, 1, Outcome::Unknown)
        .read(&[11, 12, 13])
        .then(14, Action::Increment, 1, Outcome::Unknown)
        .then(15, Action::Increment, 1, Outcome::Refused(Refusal::Unavailable))
        .read(&[11, 12, 13])
        .then(16, Action::Renew, 1, done(2, &[11, 12, 13]))
        .then(17, Action::Read, 1, Outcome::Refused(Refusal::NotItsKey("superseded".to_owned())))
        .then(18, Action::Logout, 2, done(2, &[11, 12, 13]))
        .then(19, Action::Read, 2, Outcome::Refused(Refusal::Ended("signed out".to_owned())));
    assert_eq!(check(&history.0, BOUNDS), []);
}

#[test]
fn an_acknowledged_increment_that_is_gone_is_lost() {
    assert_eq!(History::begun().read(&[11]).with(at_the_end).laws(), [Law::Lost]);
    // Written over by another.
    let history = History::begun().then(13, Action::Increment, 1, done(1, &[11, 13]));
    assert_eq!(history.laws(), [Law::Lost]);
}

#[test]
fn an_increment_that_counts_twice_is_doubled() {
    assert_eq!(History::begun().read(&[11, 12, 12]).laws(), [Law::Doubled]);
    let history =
        History::begun().then(13, Action::Increment, 1, Outcome::Unknown).read(&[11, 12, 13, 13]);
    assert_eq!(history.laws(), [Law::Doubled]);
}

#[test]
fn an_increment_that_was_refused_or_asked_of_another_session_must_not_happen() {
    let history = History::begun()
        .then(13, Action::Increment, 1, Outcome::Refused(Refusal::Unavailable))
        .read(&[11, 12, 13]);
    assert_eq!(history.laws(), [Law::Unasked]);
    assert_eq!(History::begun().read(&[11, 12, 99]).laws(), [Law::Unasked]);
}

#[test]
fn a_read_that_shows_less_than_was_acknowledged_is_stale() {
    assert_eq!(History::begun().read(&[11]).laws(), [Law::Stale]);
}

#[test]
fn a_cache_may_lag_behind_other_processes_for_its_max_staleness() {
    assert_eq!(History::begun().read(&[11]).with(in_a_cache).laws(), []);
    let late = |operation: &mut Operation| {
        in_a_cache(operation);
        (operation.start, operation.end) = (7_000_000, Some(7_100_000));
    };
    assert_eq!(History::begun().read(&[11]).with(late).laws(), [Law::Stale]);
    // What its own process wrote holds at once, and a write goes to the store.
    let own = |operation: &mut Operation| (operation.node, operation.is_cached) = (1, true);
    assert_eq!(History::begun().read(&[11]).with(own).laws(), [Law::Stale]);
    let history = History::begun().then(13, Action::Renew, 1, done(2, &[11])).with(in_a_cache);
    assert_eq!(history.laws(), [Law::Lost]);
}

#[test]
fn a_session_that_lives_after_an_acknowledged_sign_out_is_revived() {
    let ended = || History::begun().then(13, Action::Logout, 1, done(1, &[11, 12]));
    assert_eq!(ended().read(&[11, 12]).laws(), [Law::Revived]);
    assert_eq!(ended().read(&[11, 12]).with(in_a_cache).laws(), []);
    let history = ended().then(14, Action::Increment, 1, done(1, &[11, 12, 14]));
    assert_eq!(history.laws(), [Law::Revived]);
    let history = History::begun().then(13, Action::Logout, 1, Outcome::Unknown);
    assert_eq!(history.read(&[11, 12]).laws(), []);
}

#[test]
fn a_sign_in_that_lives_after_an_acknowledged_revocation_is_revived() {
    let revoked = |outcome| History::begun().then(13, Action::RevokeAll, 0, outcome);
    assert_eq!(revoked(listed(&[])).read(&[11, 12]).laws(), [Law::Revived]);
    assert_eq!(revoked(Outcome::Unknown).read(&[11, 12]).laws(), []);
    // The sign-in was in progress.
    let mut history = revoked(listed(&[])).read(&[11, 12]);
    history.0[0].end = Some(4_200_000);
    history.0[0].action = Action::Login;
    assert_eq!(history.laws(), []);
}

#[test]
fn a_key_opens_until_it_is_replaced_and_not_after_that() {
    let renewed = History::begun().then(13, Action::Renew, 1, done(2, &[11, 12]));
    assert_eq!(renewed.read(&[11, 12]).laws(), [Law::Revived]);
    let refused = |why: &str| Outcome::Refused(Refusal::NotItsKey(why.to_owned()));
    let history = History::begun().then(13, Action::Read, 1, refused("superseded"));
    assert_eq!(history.laws(), [Law::Lost]);
    let renewed = || History::begun().then(13, Action::Renew, 1, Outcome::Unknown);
    assert_eq!(renewed().then(14, Action::Read, 1, refused("superseded")).laws(), []);
    // A session remembers the last keys.
    let wrong = || refused(Refusal::WRONG_SECRET);
    assert_eq!(renewed().then(14, Action::Read, 1, wrong()).laws(), [Law::Lost]);
    let history = (1..10).fold(History::begun(), |history, key| {
        history.then(20 + key, Action::Renew, key, done(key + 1, &[11, 12]))
    });
    assert_eq!(history.then(40, Action::Read, 1, wrong()).laws(), []);
}

#[test]
fn a_sign_in_that_was_refused_must_not_replace_the_key() {
    let refused = |refusal| Outcome::Refused(refusal);
    let history = History::begun()
        .then(13, Action::Login, 1, refused(Refusal::Unavailable))
        .then(14, Action::Read, 1, refused(Refusal::NotItsKey("superseded".to_owned())))
        .then(15, Action::Read, 1, refused(Refusal::NotItsKey("superseded".to_owned())));
    let found = check(&history.0, BOUNDS);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].law, Law::Unasked);
}

#[test]
fn a_session_that_is_over_for_no_reason_is_lost() {
    for refusal in [Refusal::Absent, Refusal::Ended("signed out".to_owned())] {
        let history = History::begun().then(13, Action::Read, 1, Outcome::Refused(refusal));
        assert_eq!(history.laws(), [Law::Lost]);
    }
}

#[test]
fn more_sessions_than_the_limit_at_the_end_are_told() {
    let ids = ["s", "t", "u", "v"];
    let list = |count: usize| {
        History::begun().then(0, Action::List, 0, listed(&ids[..count])).with(at_the_end)
    };
    assert_eq!(list(3).laws(), []);
    assert_eq!(list(4).laws(), [Law::OverLimit]);
}

#[test]
fn a_live_session_that_no_list_names_is_told() {
    let list = |ids: &[&str]| {
        let history = History::begun().then(0, Action::List, 0, listed(ids)).with(at_the_end);
        history.read(&[11, 12]).with(at_the_end)
    };
    assert_eq!(list(&["s"]).laws(), []);
    assert_eq!(list(&["t"]).laws(), [Law::Unlisted]);
}

#[test]
fn an_increment_that_a_read_showed_and_that_is_gone_is_unconfirmed_if_its_outcome_is_unknown() {
    let shown =
        |outcome| History::begun().then(13, Action::Increment, 1, outcome).read(&[11, 12, 13]);
    let unknown = || shown(Outcome::Unknown);
    assert_eq!(unknown().read(&[11, 12]).laws(), [Law::Unconfirmed]);
    let another = done(1, &[11, 12, 14]);
    assert_eq!(unknown().then(14, Action::Increment, 1, another).laws(), [Law::Unconfirmed]);
    // What was acknowledged, or what an acknowledged change was made on, is lost.
    assert_eq!(shown(done(1, &[11, 12, 13])).read(&[11, 12]).laws(), [Law::Stale]);
    let built_on = unknown().then(14, Action::Increment, 1, done(1, &[11, 12, 13, 14]));
    assert_eq!(built_on.then(15, Action::Increment, 1, done(1, &[11, 15])).laws(), [Law::Lost]);
}

#[test]
fn a_read_may_lag_two_seconds_while_a_server_is_replaced_and_a_write_may_not() {
    let span = |from, to| [Span { from, to }];
    // Another process was answered half a second before the read, which begins at four seconds.
    let late = History::begun().read(&[11]).with(|operation| operation.node = 2);
    assert_eq!(late.laws_with(&span(3_000_000, 5_000_000)), []);
    assert_eq!(late.laws_with(&span(4_500_000, 5_000_000)), [Law::Stale]);
    let write = History::begun().then(13, Action::Increment, 1, done(1, &[11, 13]));
    assert_eq!(write.laws_with(&span(3_000_000, 5_000_000)), [Law::Lost]);
}

#[test]
fn a_read_at_a_replaced_server_may_not_know_a_new_session_or_key() {
    let span = |from, to| [Span { from, to }];
    let elsewhere = |operation: &mut Operation| operation.node = 2;
    let absent = || Outcome::Refused(Refusal::Absent);
    let wrong = || Outcome::Refused(Refusal::NotItsKey(Refusal::WRONG_SECRET.to_owned()));
    for refused in [absent, wrong] {
        let new = || History::default().then(10, Action::Login, 0, done(1, &[]));
        let read = || new().then(11, Action::Read, 1, refused()).with(elsewhere);
        assert_eq!(read().laws(), [Law::Lost]);
        assert_eq!(read().laws_with(&span(1_000_000, 3_000_000)), []);
        // The server was replaced after the read, or the process had written the key itself.
        assert_eq!(read().laws_with(&span(2_500_000, 3_000_000)), [Law::Lost]);
        let own = new().then(11, Action::Read, 1, refused());
        assert_eq!(own.laws_with(&span(1_000_000, 3_000_000)), [Law::Lost]);
        // A write goes to the new server, and a cache is no excuse.
        let write = new().then(11, Action::Increment, 1, refused()).with(elsewhere);
        assert_eq!(write.laws_with(&span(1_000_000, 3_000_000)), [Law::Lost]);
        let cached = new().then(11, Action::Read, 1, refused()).with(in_a_cache);
        assert_eq!(cached.laws(), [Law::Lost]);
    }
}

#[test]
fn a_read_that_may_lag_does_not_prove_that_an_increment_is_gone() {
    let shown =
        || History::begun().then(13, Action::Increment, 1, Outcome::Unknown).read(&[11, 12, 13]);
    let elsewhere = |operation: &mut Operation| operation.node = 2;
    let late = || shown().then(14, Action::Read, 1, done(1, &[11, 12])).with(elsewhere);
    assert_eq!(late().laws(), [Law::Unconfirmed]);
    let takeover = [Span { from: 5_500_000, to: 6_500_000 }];
    assert_eq!(late().laws_with(&takeover), []);
    // Once it is confirmed, a change that was made without it has lost it.
    let rewritten = late().then(15, Action::Increment, 1, done(1, &[11, 12, 15]));
    let seen_again = rewritten.then(21, Action::Read, 1, done(1, &[11, 12, 13])).with(at_the_end);
    assert!(seen_again.laws_with(&takeover).contains(&Law::Lost));
}

#[test]
fn a_revocation_that_another_process_came_before_holds_within_the_bound_of_a_cache() {
    let begun = |node| {
        let other = Outcome::Done(Answer { session: Some("t".to_owned()), ..Answer::default() });
        History::begun().then(13, Action::Login, 0, other).with(|login| login.node = node)
    };
    let revoked = |node| {
        let history = begun(node).then(14, Action::RevokeAll, 0, listed(&[])).with(in_a_cache);
        history.read(&[11, 12]).with(in_a_cache)
    };
    // The limit of the other sign-in may have ended it, and the cache has yet to hear of that.
    assert_eq!(revoked(3).laws(), []);
    assert_eq!(revoked(2).laws(), [Law::Revived]);
    let late = |read: &mut Operation| (read.start, read.end) = (9_000_000, Some(9_100_000));
    assert_eq!(revoked(3).with(late).laws(), [Law::Revived]);
}

/// Its client made the change again on the new master, after another one.
#[test]
fn an_increment_that_a_read_showed_elsewhere_before_it_was_acknowledged_is_unconfirmed() {
    let at_other_place = |seen_at: u64| {
        let late = |one: &mut Operation| one.end = Some(6_500_000);
        let history = History::begun().then(13, Action::Increment, 1, done(1, &[11, 12, 14, 13]));
        let history = history.with(late).read(&[11, 12, 13]);
        let seen = |read: &mut Operation| (read.start, read.end) = (seen_at, Some(seen_at + 100));
        history.with(seen).then(14, Action::Increment, 1, done(1, &[11, 12, 14]))
    };
    assert_eq!(at_other_place(5_000_000).laws(), [Law::Unconfirmed]);
    // Once it is acknowledged, it stays where it was seen.
    assert!(at_other_place(6_900_000).laws().contains(&Law::Lost));
}
