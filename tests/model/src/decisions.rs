//! Every decision that a request takes. The defaults are the library's own functions and the store's contract;
//! a mutant overrides exactly one.

use cloakroom::key::{Nonce, Verifier};
use cloakroom::protocol::{self, CookieChange, KeyStatus, Renewal, Settled, SignIn};
use cloakroom::record::{EndReason, Ending, Record, Revision, Stored, Tombstone};
use cloakroom::store::Swap;
use cloakroom::{Key, Principal, Timestamp};
use std::time::Duration;

use crate::state::Door;
use crate::ticket::KIND;

#[expect(unused_variables, reason = "defaults ignore what only mutants look at")]
pub(crate) trait Decisions: Send + Sync {
    // What a key is.

    fn judge(&self, record: &Record, presented: &Verifier, now: Timestamp) -> KeyStatus {
        protocol::judge(record, presented, now)
    }

    /// Before a write: the handler may have taken its time since the session was opened.
    fn is_over(&self, record: &Record, now: Timestamp) -> bool {
        protocol::is_over(record, now)
    }

    /// After a lost compare-and-swap, on the record that stands there now.
    fn judge_after_loss(&self, record: &Record, presented: &Verifier, now: Timestamp) -> KeyStatus {
        self.judge(record, presented, now)
    }

    fn judge_ended(&self, tombstone: &Tombstone, presented: &Verifier) -> KeyStatus {
        protocol::judge_ended(tombstone, presented)
    }

    // Timed renewal.

    fn renewal(&self, record: &Record, presented: &Verifier, now: Timestamp) -> Renewal {
        protocol::renewal(record, presented, now)
    }

    fn start_renewal(
        &self,
        record: &Record,
        presented: &Key,
        nonce: Nonce,
        now: Timestamp,
    ) -> (Record, Key) {
        protocol::start_renewal(record, presented, *KIND, nonce, now)
    }

    fn extend_cookie(
        &self,
        record: &Record,
        presented: &Key,
        nonce: Nonce,
        now: Timestamp,
    ) -> Option<(Record, Key)> {
        protocol::extend_cookie(record, presented, *KIND, nonce, now)
    }

    fn next_key(&self, record: &Record, presented: &Key) -> Option<Key> {
        protocol::next_key(record, presented)
    }

    fn confirm_successor(&self, record: &Record, now: Timestamp) -> Record {
        protocol::confirm_successor(record, now)
    }

    fn retire(&self, record: &Record, now: Timestamp) -> Record {
        protocol::retire(record, now)
    }

    // Use.

    fn touch_due(&self, record: &Record, now: Timestamp) -> Option<Timestamp> {
        protocol::touch_due(record, now)
    }

    fn used(&self, record: &Record, now: Timestamp) -> Record {
        protocol::used(record, now)
    }

    fn extend(&self, record: &Record, span: Duration, now: Timestamp) -> Record {
        protocol::extend(record, span, now)
    }

    fn settle(&self, expected: Revision, ours: Revision, found: Revision) -> Settled {
        protocol::settle(expected, ours, found)
    }

    /// Whether a first write may begin a session here.
    fn may_begin(&self, door: Door) -> bool {
        door == Door::Vacant
    }

    // Rights.

    fn plan_sign_in(&self, record: &Record, who: &Principal) -> SignIn {
        protocol::plan_sign_in(record, who)
    }

    fn sign_in(&self, record: &Record, who: &Principal, fresh: Verifier, now: Timestamp) -> Record {
        protocol::sign_in(record, who, fresh, now)
    }

    fn replace_secret(&self, record: &Record, fresh: Verifier, now: Timestamp) -> Record {
        protocol::replace_secret(record, fresh, now)
    }

    fn end(&self, reason: EndReason, now: Timestamp) -> Ending {
        protocol::end(reason, now)
    }

    // The answer.

    fn send(&self, key: Key, record: &Record, now: Timestamp) -> CookieChange {
        CookieChange::send(key, record, now)
    }

    /// What a request says of the cookie if the key it presented is live and nothing was renewed.
    fn send_back(&self, presented: &Key, record: &Record, now: Timestamp) -> CookieChange {
        CookieChange::Keep
    }

    // The store's contract.

    fn swap(&self, found: Option<&Stored>, expected: Revision) -> Swap {
        match found {
            Some(Stored::Live(record)) if record.revision() == expected => Swap::Done,
            Some(Stored::Live(record)) => Swap::Stale(record.clone()),
            _ => Swap::Gone,
        }
    }

    /// The record that a touch leaves, if it does anything; `held` is the one that was read.
    fn touched(
        &self,
        found: Option<&Stored>,
        held: &Record,
        deadline: Timestamp,
    ) -> Option<Record> {
        match found {
            Some(Stored::Live(record)) if record.revision() == held.revision() => {
                Some(record.clone().with_idle_deadline(deadline.max(record.idle_deadline())))
            }
            _ => None,
        }
    }

    fn buried(&self, found: &Stored, ending: Ending) -> Option<Stored> {
        match found {
            Stored::Live(record) => Some(Stored::Ended(record.ended(ending))),
            Stored::Ended(_) => None,
        }
    }
}

/// The library as it is.
pub(crate) struct Real;

impl Decisions for Real {}
