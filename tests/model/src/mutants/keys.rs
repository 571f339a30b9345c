//! Wrong decisions about keys.

use std::time::Duration;

use cloakroom::key::{KindTag, Nonce, Secret, Verifier};
use cloakroom::protocol::{
    self, CookieChange, KeyStatus, NoSession, RENEWAL_GRACE, Renewal, SecretStatus, recognise,
};
use cloakroom::record::{EndReason, Record, Tombstone};
use cloakroom::{Key, Timestamp};

super::decisions! {
    WrongSecretOpens "a wrong secret opens the session" in guess {
        fn judge(
            &self,
            record: &Record,
            key: &Verifier,
            after: Duration,
            now: Timestamp,
        ) -> KeyStatus {
            match protocol::judge_with(record, key, after, now) {
                KeyStatus::Invalid(NoSession::WrongSecret) => KeyStatus::Valid,
                status => status,
            }
        }
    }
    DeadlinesIgnored "the deadlines are not checked when a session is opened" in deadlines {
        fn judge(
            &self,
            record: &Record,
            key: &Verifier,
            after: Duration,
            now: Timestamp,
        ) -> KeyStatus {
            match protocol::judge_with(record, key, after, now) {
                KeyStatus::Invalid(NoSession::Expired) => KeyStatus::Valid,
                status => status,
            }
        }
    }
    IdleIgnored "the idle deadline is ignored" in deadlines {
        fn judge(
            &self,
            record: &Record,
            key: &Verifier,
            after: Duration,
            now: Timestamp,
        ) -> KeyStatus {
            let record = record.clone().with_idle_deadline(Timestamp::NEVER);
            protocol::judge_with(&record, key, after, now)
        }
    }
    RetiredForgotten "a retired secret is forgotten" in reuse {
        fn judge(
            &self,
            record: &Record,
            key: &Verifier,
            after: Duration,
            now: Timestamp,
        ) -> KeyStatus {
            match recognise(record.credentials(), key) {
                SecretStatus::Retired(_) => KeyStatus::Invalid(NoSession::WrongSecret),
                _ => protocol::judge_with(record, key, after, now),
            }
        }
    }
    ReuseIgnored "key reuse is not recognized" in reuse {
        fn judge(
            &self,
            record: &Record,
            key: &Verifier,
            after: Duration,
            now: Timestamp,
        ) -> KeyStatus {
            match protocol::judge_with(record, key, after, now) {
                KeyStatus::Reused => KeyStatus::Invalid(NoSession::Retired),
                status => status,
            }
        }
    }
    SupersededForever "a superseded key stays superseded" in sign_in {
        fn judge(
            &self,
            record: &Record,
            key: &Verifier,
            after: Duration,
            now: Timestamp,
        ) -> KeyStatus {
            match protocol::judge_with(record, key, after, now) {
                KeyStatus::Invalid(NoSession::Retired) => KeyStatus::Superseded,
                status => status,
            }
        }
    }
    SetBackSuperseded "a key stays superseded until a clock has caught up" in clock_sign_in {
        fn judge(
            &self,
            record: &Record,
            key: &Verifier,
            after: Duration,
            now: Timestamp,
        ) -> KeyStatus {
            match recognise(record.credentials(), key) {
                SecretStatus::Retired(retired) if retired.at > now => KeyStatus::Superseded,
                _ => protocol::judge_with(record, key, after, now),
            }
        }
    }
    ReusedAtOnce "a key that was just replaced counts as reused" in retired_first {
        fn judge(
            &self,
            record: &Record,
            key: &Verifier,
            _: Duration,
            now: Timestamp,
        ) -> KeyStatus {
            protocol::judge_with(record, key, Duration::from_secs(60), now)
        }
    }
    LossNotJudged "the key is not judged again after a lost race" in sign_in {
        fn judge_again(&self, _: &Record, _: &Verifier, _: Duration, _: Timestamp) -> KeyStatus {
            KeyStatus::Valid
        }
    }
    ReasonForAnyone "a wrong secret learns why the session was ended" in guess {
        fn judge_ended(&self, tombstone: &Tombstone, _: &Verifier) -> KeyStatus {
            KeyStatus::Invalid(NoSession::Ended(tombstone.ending().reason()))
        }
    }
    ReasonForNoOne "no one learns why the session was ended" in ending {
        fn judge_ended(&self, _: &Tombstone, _: &Verifier) -> KeyStatus {
            KeyStatus::Invalid(NoSession::Unknown)
        }
    }
    WrongReason "the holder of a key learns a wrong reason" in ending {
        fn judge_ended(&self, tombstone: &Tombstone, key: &Verifier) -> KeyStatus {
            match protocol::judge_ended(tombstone, key) {
                KeyStatus::Invalid(NoSession::Ended(_)) => {
                    KeyStatus::Invalid(NoSession::Ended(EndReason::Ended))
                }
                status => status,
            }
        }
    }
    NeverRenewed "a key is never renewed" in renewal {
        fn renewal(&self, _: &Record, _: &Verifier, _: Timestamp) -> Renewal {
            Renewal::Nothing
        }
    }
    RenewalPostponed "a renewal waits for a clock that was set back" in clock {
        fn renewal(&self, record: &Record, key: &Verifier, now: Timestamp) -> Renewal {
            match protocol::renewal(record, key, now) {
                Renewal::Start if !record.credentials().renew_at.has_passed(now) => {
                    Renewal::Nothing
                }
                renewal => renewal,
            }
        }
    }
    RetirementPostponed "an old secret waits for a clock that was set back" in clock {
        fn renewal(&self, record: &Record, key: &Verifier, now: Timestamp) -> Renewal {
            let next = record.credentials().successor();
            match protocol::renewal(record, key, now) {
                Renewal::Confirm if next.is_some_and(|next| next.seen.is_some()) => {
                    Renewal::Nothing
                }
                renewal => renewal,
            }
        }
    }
    NotJudgedForRenewal "a renewal starts for any key that was judged once" in race {
        fn renewal(&self, record: &Record, key: &Verifier, now: Timestamp) -> Renewal {
            match protocol::renewal(record, key, now) {
                Renewal::Nothing if record.credentials().renew_at.has_passed(now) => Renewal::Start,
                renewal => renewal,
            }
        }
    }
    RenewedTwice "a renewal begins while another is under way" in race {
        fn renewal(&self, record: &Record, key: &Verifier, now: Timestamp) -> Renewal {
            match protocol::renewal(record, key, now) {
                Renewal::Resend => Renewal::Start,
                renewal => renewal,
            }
        }
    }
    NotResent "the next key is sent once only" in race {
        fn renewal(&self, record: &Record, key: &Verifier, now: Timestamp) -> Renewal {
            match protocol::renewal(record, key, now) {
                Renewal::Resend => Renewal::Retire,
                renewal => renewal,
            }
        }
    }
    RetiredAtFirstUse "the old secret retires at the first use of the next" in renewal {
        fn renewal(&self, record: &Record, key: &Verifier, now: Timestamp) -> Renewal {
            match protocol::renewal(record, key, now) {
                Renewal::Confirm => Renewal::Retire,
                renewal => renewal,
            }
        }
    }
    RetiredEarly "the old secret retires before the grace period ends" in crash {
        fn renewal(&self, record: &Record, key: &Verifier, now: Timestamp) -> Renewal {
            let next = record.credentials().successor();
            let seen = next.is_some_and(|successor| successor.seen.is_some());
            if seen && recognise(record.credentials(), key) == SecretStatus::Successor {
                Renewal::Retire
            } else {
                protocol::renewal(record, key, now)
            }
        }
    }
    RetiredUnseen "the old secret retires by the clock, used or not" in renewal {
        fn renewal(&self, record: &Record, key: &Verifier, now: Timestamp) -> Renewal {
            match protocol::renewal(record, key, now) {
                Renewal::Resend if now.since(record.credentials().renew_at) >= RENEWAL_GRACE => {
                    Renewal::Retire
                }
                renewal => renewal,
            }
        }
    }
    NeverRetired "the old secret never retires" in crash {
        fn renewal(&self, record: &Record, key: &Verifier, now: Timestamp) -> Renewal {
            match protocol::renewal(record, key, now) {
                Renewal::Retire => Renewal::Nothing,
                renewal => renewal,
            }
        }
    }
    RandomSuccessor "a renewal draws the next secret instead of deriving it" in race {
        fn start_renewal(
            &self,
            record: &Record,
            presented: &Key,
            kind: KindTag,
            nonce: Nonce,
            now: Timestamp,
        ) -> (Record, Key) {
            let drawn = presented.with_secret(Secret::from_bytes([0x55; 16]));
            protocol::start_renewal(record, &drawn, kind, nonce, now)
        }
    }
    RetiredAtOnce "a renewal retires the old secret at once" in renewal {
        fn start_renewal(
            &self,
            record: &Record,
            presented: &Key,
            kind: KindTag,
            nonce: Nonce,
            now: Timestamp,
        ) -> (Record, Key) {
            let (record, key) = protocol::start_renewal(record, presented, kind, nonce, now);
            (protocol::retire(&record, now), key)
        }
    }
    UseNotRecorded "the first use of the next secret is not recorded" in crash {
        fn confirm_successor(&self, record: &Record, now: Timestamp) -> Record {
            protocol::used(record, now)
        }
    }
    RetiredByName "the old secret is not replaced when it retires" in crash {
        fn retire(&self, record: &Record, now: Timestamp) -> Record {
            protocol::used(record, now)
        }
    }
    RetiredAsBySignIn "a secret that a timer retires counts as replaced by a sign-in" in reuse {
        fn retire(&self, record: &Record, now: Timestamp) -> Record {
            match record.credentials().successor() {
                Some(successor) => protocol::replace_secret(record, successor.verifier, now),
                None => record.clone(),
            }
        }
    }
    OldKeyResent "the holder of the old key is sent the old key" in race {
        fn next_key(&self, _: &Record, presented: &Key) -> Option<Key> {
            Some(presented.clone())
        }
    }
    OtherKeyResent "the holder of the old key is sent another key than the first time" in race {
        fn next_key(&self, record: &Record, presented: &Key) -> Option<Key> {
            let next = protocol::next_key(record, presented)?;
            Some(next.with_secret(next.secret().next(&Nonce::from_bytes([1; 16]))))
        }
    }
    NothingResent "the holder of the old key is sent nothing" in renewal {
        fn next_key(&self, _: &Record, _: &Key) -> Option<Key> {
            None
        }
    }
    CookieNotExtended "an extension leaves the cookie as it is" in extension {
        fn extend_cookie(
            &self,
            _: &Record,
            _: &Key,
            _: KindTag,
            _: Nonce,
            _: Timestamp,
        ) -> Option<(Record, Key)> {
            None
        }
    }
    ExtensionRenewsAgain "an extension renews a key that is being renewed" in extension {
        fn extend_cookie(
            &self,
            record: &Record,
            presented: &Key,
            kind: KindTag,
            nonce: Nonce,
            now: Timestamp,
        ) -> Option<(Record, Key)> {
            Some(protocol::start_renewal(record, presented, kind, nonce, now))
        }
    }
    ExtensionAlwaysRenews "every extension renews the key" in extend_always {
        fn needs_longer_cookie(&self, _: &Record) -> bool {
            true
        }
    }
    CookieLivesIdle "a cookie lasts for the idle timeout" in extension {
        fn send(&self, key: Key, record: &Record, now: Timestamp) -> CookieChange {
            let life = record.idle_deadline().since(now).min(Duration::from_secs(2 * 60));
            CookieChange::Send { key, life: Some(life) }
        }
    }
    OldKeySentAgain "a response repeats the key that was presented" in renewal {
        fn keep(&self, presented: &Key, record: &Record) -> CookieChange {
            CookieChange::send(presented.clone(), record, record.created())
        }
    }
    DeadKeysRemoved "a response to a valid key removes the cookie" in renewal {
        fn keep(&self, _: &Key, _: &Record) -> CookieChange {
            CookieChange::Remove
        }
    }
}
