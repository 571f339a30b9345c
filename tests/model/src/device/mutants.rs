//! Wrong decisions about devices, one at a time.

use std::time::Duration;

use cloakroom::Timestamp;
use cloakroom::key::{DeviceKey, Verifier};
use cloakroom::protocol::{
    self, Authorization, Challenge, ChallengeStatus, Challenger, KeyStatus, NoSession, Protocol,
    Renewal, Rules,
};
use cloakroom::record::{BoundDevice, Record};

use super::scenarios::{COPIES, REFRESHES, REGISTRATION, REPLAYS, SIGN_IN_AGAIN, Scenario};
use crate::context::Decisions;

/// A wrong decision, and the scenario that must catch it.
pub(super) struct Mutant {
    pub(super) name: &'static str,
    pub(super) scenario: &'static Scenario,
    pub(super) rules: &'static Decisions,
}

macro_rules! decisions {
    ($($kind:ident $name:literal in $scenario:ident { $($method:item)* })*) => {
        $(struct $kind; impl Rules for $kind { $($method)* })*

        pub(super) const ALL: &[Mutant] =
            &[$(Mutant { name: $name, scenario: &$scenario, rules: &$kind }),*];
    };
}

const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

decisions! {
    EndedSecretsOpen "a bound secret that is over opens the session" in COPIES {
        fn judge(&self, record: &Record, presented: &Verifier, after: Duration, now: Timestamp)
            -> KeyStatus {
            match protocol::judge_with(record, presented, after, now) {
                KeyStatus::Invalid(NoSession::ProofNeeded) => KeyStatus::Valid,
                status => status,
            }
        }
    }
    RenewsForLonger "`renew` renews for longer than was left" in COPIES {
        fn renew_bound(&self, record: &Record, _: &Verifier, fresh: Verifier, now: Timestamp)
            -> Option<Record> {
            let life = Duration::from_secs(600);
            protocol::accept_proof(record, ChallengeStatus::Current, fresh, life, now)
        }
    }
    RenewUnbinds "`renew` drops the binding" in COPIES {
        fn renew_bound(&self, _: &Record, _: &Verifier, _: Verifier, _: Timestamp)
            -> Option<Record> {
            None
        }
    }
    TimersRenew "a bound session's key is renewed on the timer" in COPIES {
        fn renewal(&self, record: &Record, presented: &Verifier, now: Timestamp) -> Renewal {
            match protocol::renewal(record, presented, now) {
                Renewal::Nothing if record.device().is_some() => Renewal::Retire,
                renewal => renewal,
            }
        }
        fn retire(&self, record: &Record, now: Timestamp) -> Record {
            protocol::release_device(record, now)
        }
    }
    StaysUnconfirmed "a binding that is used is not confirmed" in REGISTRATION {
        fn confirm_device(&self, record: &Record, now: Timestamp) -> Record {
            Protocol.used(record, now)
        }
    }
    ConfirmedAtOnce "a registration retires the usual keys at once" in REGISTRATION {
        fn register_device(&self, record: &Record, key: &DeviceKey, secret: Verifier,
            life: Duration, now: Timestamp) -> Option<Record> {
            let bound = protocol::register_device(record, key, secret, life, now)?;
            Some(protocol::confirm_device(&bound, now))
        }
    }
    AnyoneRegisters "anyone who knows the challenge registers" in REGISTRATION {
        fn is_authorized(&self, _: &Record, _: Challenger<'_>, _: &Authorization, _: Timestamp)
            -> bool {
            true
        }
    }
    RegistersForLonger "a first bound secret is good for a week" in REGISTRATION {
        fn register_device(&self, record: &Record, key: &DeviceKey, secret: Verifier,
            _: Duration, now: Timestamp) -> Option<Record> {
            protocol::register_device(record, key, secret, WEEK, now)
        }
    }
    RegistrationIsUse "a registration counts as a use" in REGISTRATION {
        fn register_device(&self, record: &Record, key: &DeviceKey, secret: Verifier,
            life: Duration, now: Timestamp) -> Option<Record> {
            let bound = protocol::register_device(record, key, secret, life, now)?;
            Some(protocol::extend(&bound, WEEK, now))
        }
    }
    AnyChallengeCounts "an old challenge is good" in REPLAYS {
        fn judge_challenge(&self, device: &BoundDevice, challenger: Challenger<'_>,
            challenge: &Challenge, now: Timestamp) -> ChallengeStatus {
            match protocol::judge_challenge(device, challenger, challenge, now) {
                ChallengeStatus::Stale => ChallengeStatus::Current,
                status => status,
            }
        }
    }
    RepeatedProofsCount "a proof that is sent again counts as a new one" in REPLAYS {
        fn accept_proof(&self, record: &Record, _: ChallengeStatus, secret: Verifier,
            life: Duration, now: Timestamp) -> Option<Record> {
            protocol::accept_proof(record, ChallengeStatus::Current, secret, life, now)
        }
    }
    ProofsArePermanent "a proof leads to a secret without end" in REFRESHES {
        fn accept_proof(&self, record: &Record, status: ChallengeStatus, secret: Verifier,
            _: Duration, now: Timestamp) -> Option<Record> {
            protocol::accept_proof(record, status, secret, WEEK, now)
        }
    }
    RepeatsAreStale "a proof whose answer was lost is good no more, and no other is asked for" in REFRESHES {
        fn accept_proof(&self, record: &Record, status: ChallengeStatus, secret: Verifier,
            life: Duration, now: Timestamp) -> Option<Record> {
            let is_first = record.device()?.proofs == 0;
            is_first.then(|| protocol::accept_proof(record, status, secret, life, now))?
        }
    }
    RefreshIsUse "a refresh counts as a use" in REFRESHES {
        fn accept_proof(&self, record: &Record, status: ChallengeStatus, secret: Verifier,
            life: Duration, now: Timestamp) -> Option<Record> {
            let accepted = protocol::accept_proof(record, status, secret, life, now)?;
            Some(protocol::extend(&accepted, WEEK, now))
        }
    }
    OvertakenEnds "a refresh that a sign-in overtakes ends the new binding" in SIGN_IN_AGAIN {
        fn is_being_bound(&self, _: &Record, _: Timestamp) -> bool {
            false
        }
    }
    AnyRegistrationCounts "a registration counts whatever was offered" in REGISTRATION {
        fn is_authorized(&self, _: &Record, _: Challenger<'_>, _: &Authorization, _: Timestamp)
            -> bool {
            true
        }
        fn can_register(&self, _: &Record, _: Challenger<'_>, _: &DeviceKey, _: &Challenge,
            _: Timestamp) -> bool {
            true
        }
    }
}
