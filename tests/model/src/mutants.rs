//! Mutants: wrong decisions, one at a time. A check that misses one proves nothing.

use std::time::Duration;

use cloakroom::key::{Nonce, Secret, Verifier};
use cloakroom::protocol::{
    self, CookieChange, KeyStatus, NoSession, Renewal, SecretStatus, Settled, SignIn, recognise,
};
use cloakroom::record::{Record, Revision, Stored};
use cloakroom::store::Swap;
use cloakroom::{Key, Principal, Timestamp};

use crate::decisions::Decisions;
use crate::model_key::KIND;
use crate::scenarios::{self, Scenario};
use crate::state::OpenResult;

/// A wrong decision, and the scenario that must catch it.
pub(crate) struct Mutant {
    pub(crate) name: &'static str,
    pub(crate) decisions: &'static dyn Decisions,
    pub(crate) scenario: fn() -> Scenario,
}

/// Declares the mutants: a name, the scenario, and the one method that differs.
macro_rules! mutants {
    ($($kind:ident $name:literal in $scenario:ident { $method:item })*) => {
        $(struct $kind; impl Decisions for $kind { $method })*

        /// All mutants.
        pub(crate) const ALL: &[Mutant] = &[
            $(Mutant { name: $name, decisions: &$kind, scenario: scenarios::$scenario }),*
        ];
    };
}

mutants! {
    LoginKeepsSecret "a sign-in leaves the old secret valid" in sign_in {
        fn sign_in(&self, record: &Record, who: &Principal, _: Verifier, now: Timestamp) -> Record {
            protocol::sign_in(record, who, record.credentials().current, now)
        }
    }
    RenewKeepsSecret "a renewal of the key leaves the old secret valid" in sign_in {
        fn replace_secret(&self, record: &Record, _: Verifier, now: Timestamp) -> Record {
            protocol::used(record, now)
        }
    }
    RenewSparesSuccessor "a renewal of the key continues the timed renewal" in sign_in_during_renewal {
        fn replace_secret(&self, record: &Record, fresh: Verifier, now: Timestamp) -> Record {
            match record.credentials().successor() {
                Some(successor) => protocol::replace_secret(record, successor.verifier, now),
                None => protocol::replace_secret(record, fresh, now),
            }
        }
    }
    OtherKeepsSession "a sign-in of another principal keeps the session" in sign_in {
        fn plan_sign_in(&self, _: &Record, _: &Principal) -> SignIn {
            SignIn::Keep
        }
    }
    LossNotJudged "the key is not judged again after a lost race" in sign_in {
        fn judge_after_loss(&self, _: &Record, _: &Verifier, _: Timestamp) -> KeyStatus {
            KeyStatus::Valid
        }
    }
    SlowHandlerWrites "a slow handler writes without checking the clock" in deadlines {
        fn is_over(&self, _: &Record, _: Timestamp) -> bool {
            false
        }
    }
    LastWriterWins "a write replaces any revision" in race {
        fn swap(&self, found: Option<&Stored>, _: Revision) -> Swap {
            match found {
                Some(Stored::Live(_)) => Swap::Done,
                _ => Swap::Gone,
            }
        }
    }
    WriteOverTombstone "a write replaces a tombstone" in ending {
        fn swap(&self, found: Option<&Stored>, expected: Revision) -> Swap {
            match found {
                Some(Stored::Live(record)) if record.revision() != expected => {
                    Swap::Stale(record.clone())
                }
                Some(_) => Swap::Done,
                None => Swap::Gone,
            }
        }
    }
    TouchOverTombstone "a touch replaces a tombstone" in ending {
        fn touched(
            &self,
            found: Option<&Stored>,
            held: &Record,
            deadline: Timestamp,
        ) -> Option<Record> {
            found.map(|_| held.clone().with_idle_deadline(deadline))
        }
    }
    TouchRewritesValue "a touch writes back the value it read" in ending {
        fn touched(
            &self,
            found: Option<&Stored>,
            held: &Record,
            deadline: Timestamp,
        ) -> Option<Record> {
            match found {
                Some(Stored::Live(_)) => Some(held.clone().with_idle_deadline(deadline)),
                _ => None,
            }
        }
    }
    OwnTokenUnknown "a write does not recognize its own token" in race {
        fn settle(&self, expected: Revision, ours: Revision, found: Revision) -> Settled {
            match protocol::settle(expected, ours, found) {
                Settled::Done => Settled::Lost,
                settled => settled,
            }
        }
    }
    UnknownMeansNotWritten "a write of unknown outcome is repeated" in race {
        fn settle(&self, expected: Revision, ours: Revision, found: Revision) -> Settled {
            match protocol::settle(expected, ours, found) {
                Settled::Unknown => Settled::Lost,
                settled => settled,
            }
        }
    }
    UnknownMeansWritten "a write of unknown outcome is acknowledged" in race {
        fn settle(&self, expected: Revision, ours: Revision, found: Revision) -> Settled {
            match protocol::settle(expected, ours, found) {
                Settled::Unknown => Settled::Done,
                settled => settled,
            }
        }
    }
    OldKeySentAgain "a response repeats the key that was presented" in renewal {
        fn send_back(&self, presented: &Key, record: &Record, now: Timestamp) -> CookieChange {
            CookieChange::send(presented.clone(), record, now)
        }
    }
    RandomSuccessor "a renewal draws the next secret instead of deriving it" in race {
        fn start_renewal(
            &self,
            record: &Record,
            presented: &Key,
            nonce: Nonce,
            now: Timestamp,
        ) -> (Record, Key) {
            let drawn = presented.with_secret(Secret::from_bytes([0x55; 16]));
            protocol::start_renewal(record, &drawn, *KIND, nonce, now)
        }
    }
    RetiredAtOnce "a renewal retires the old secret at once" in renewal {
        fn start_renewal(
            &self,
            record: &Record,
            presented: &Key,
            nonce: Nonce,
            now: Timestamp,
        ) -> (Record, Key) {
            let (record, key) = protocol::start_renewal(record, presented, *KIND, nonce, now);
            (protocol::retire(&record, now), key)
        }
    }
    RenewedTwice "a renewal begins while another is under way" in race {
        fn renewal(&self, record: &Record, presented: &Verifier, now: Timestamp) -> Renewal {
            match protocol::renewal(record, presented, now) {
                Renewal::Resend => Renewal::Start,
                renewal => renewal,
            }
        }
    }
    RetiredAtFirstUse "the old secret retires at the first use of the next" in renewal {
        fn renewal(&self, record: &Record, presented: &Verifier, now: Timestamp) -> Renewal {
            match protocol::renewal(record, presented, now) {
                Renewal::Confirm => Renewal::Retire,
                renewal => renewal,
            }
        }
    }
    RetiredEarly "the old secret retires before the grace period ends" in crash {
        fn renewal(&self, record: &Record, presented: &Verifier, now: Timestamp) -> Renewal {
            let next = record.credentials().successor();
            let seen = next.is_some_and(|successor| successor.seen.is_some());
            let successor = recognise(record.credentials(), presented) == SecretStatus::Successor;
            if seen && successor {
                Renewal::Retire
            } else {
                protocol::renewal(record, presented, now)
            }
        }
    }
    RetiredUnseen "the old secret retires by the clock, whether or not the next was used" in renewal {
        fn renewal(&self, record: &Record, presented: &Verifier, now: Timestamp) -> Renewal {
            match protocol::renewal(record, presented, now) {
                Renewal::Resend
                    if now.since(record.credentials().renew_at) >= protocol::RENEWAL_GRACE =>
                {
                    Renewal::Retire
                }
                renewal => renewal,
            }
        }
    }
    OldKeyResent "the holder of the old key is sent the old key" in race {
        fn next_key(&self, _: &Record, presented: &Key) -> Option<Key> {
            Some(presented.clone())
        }
    }
    RetiredForgotten "a retired secret is forgotten" in reuse {
        fn judge(&self, record: &Record, presented: &Verifier, now: Timestamp) -> KeyStatus {
            match recognise(record.credentials(), presented) {
                SecretStatus::Retired(_) => KeyStatus::Invalid(NoSession::WrongSecret),
                _ => protocol::judge(record, presented, now),
            }
        }
    }
    ReuseIgnored "key reuse is not reported" in reuse {
        fn judge(&self, record: &Record, presented: &Verifier, now: Timestamp) -> KeyStatus {
            match protocol::judge(record, presented, now) {
                KeyStatus::Reused => KeyStatus::Invalid(NoSession::Retired),
                standing => standing,
            }
        }
    }
    SupersededBegins "a superseded key begins a session at the first write" in sign_in {
        fn may_begin(&self, _: OpenResult) -> bool {
            true
        }
    }
    SupersededForever "a superseded key stays superseded" in sign_in {
        fn judge(&self, record: &Record, presented: &Verifier, now: Timestamp) -> KeyStatus {
            match protocol::judge(record, presented, now) {
                KeyStatus::Invalid(NoSession::Retired) => KeyStatus::Superseded,
                standing => standing,
            }
        }
    }
    IdleIgnored "the idle deadline is ignored" in deadlines {
        fn judge(&self, record: &Record, presented: &Verifier, now: Timestamp) -> KeyStatus {
            protocol::judge(&record.clone().with_idle_deadline(Timestamp::NEVER), presented, now)
        }
    }
    CookieLivesIdle "a cookie lasts for the idle timeout" in deadlines {
        fn send(&self, key: Key, record: &Record, now: Timestamp) -> CookieChange {
            let life = record.idle_deadline().since(now).min(Duration::from_secs(2 * 60));
            CookieChange::Send { key, life: Some(life) }
        }
    }
    WrongSecretOpens "a wrong secret opens the session" in guess {
        fn judge(&self, record: &Record, presented: &Verifier, now: Timestamp) -> KeyStatus {
            match protocol::judge(record, presented, now) {
                KeyStatus::Invalid(NoSession::WrongSecret) => KeyStatus::Valid,
                standing => standing,
            }
        }
    }
}
