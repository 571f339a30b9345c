//! Every decision of a request. The defaults are the library's functions and the store contract; a
//! mutant overrides exactly one.

use cloakroom::key::{Nonce, Verifier};
use cloakroom::protocol::{self, CookieChange, KeyStatus, Renewal, Settled, SignIn};
use cloakroom::record::{EndReason, Ending, Record, Revision, Stored, Tombstone};
use cloakroom::store::Swap;
use cloakroom::{Key, Principal, Timestamp};
use std::time::Duration;

use crate::model_key::KIND;
use crate::state::OpenResult;

#[expect(unused_variables, reason = "defaults ignore what only mutants use")]
pub(crate) trait Decisions: Send + Sync {
    // The status of a key.

    fn judge(&self, record: &Record, presented: &Verifier, now: Timestamp) -> KeyStatus {
        protocol::judge(record, presented, now)
    }

    /// Before a write: time may have passed since the session was opened.
    fn is_over(&self, record: &Record, now: Timestamp) -> bool {
        protocol::is_over(record, now)
    }

    /// After a lost compare-and-swap, on the current record.
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

    // Recording uses.

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
    fn may_begin(&self, result: OpenResult) -> bool {
        result == OpenResult::Absent
    }

    // Sign-in and rights.

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

    // The response.

    fn send(&self, key: Key, record: &Record, now: Timestamp) -> CookieChange {
        CookieChange::send(key, record, now)
    }

    /// What the response does to the cookie if the presented key is valid and nothing was renewed.
    fn send_back(&self, presented: &Key, record: &Record, now: Timestamp) -> CookieChange {
        CookieChange::Keep
    }

    // The store contract.

    fn swap(&self, found: Option<&Stored>, expected: Revision) -> Swap {
        match found {
            Some(Stored::Live(record)) if record.revision() == expected => Swap::Done,
            Some(Stored::Live(record)) => Swap::Stale(record.clone()),
            _ => Swap::Gone,
        }
    }

    /// The record after a touch, if it changes anything; `held` is the one that was read.
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

/// The library's own decisions.
pub(crate) struct Real;

impl Decisions for Real {}
