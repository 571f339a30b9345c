//! Wrong decisions about the life of a session.

use std::time::Duration;

use cloakroom::key::Verifier;
use cloakroom::protocol::{self, Seat, Settled};
use cloakroom::record::{EndReason, Ending, Record, Revision};
use cloakroom::{Lifetime, PublicId, SessionLimit, Timestamp};

super::decisions! {
    SlowHandlerWrites "a slow handler writes without checking the clock" in deadlines {
        fn is_over(&self, _: &Record, _: Timestamp) -> bool {
            false
        }
    }
    AlwaysOver "a session counts as over before it is written" in race {
        fn is_over(&self, _: &Record, _: Timestamp) -> bool {
            true
        }
    }
    NeverTouched "a use is never recorded" in deadlines {
        fn touch_due(&self, _: &Record, _: Timestamp) -> Option<Timestamp> {
            None
        }
    }
    AlwaysTouched "every use is recorded" in ending {
        fn touch_due(&self, record: &Record, now: Timestamp) -> Option<Timestamp> {
            Some(now.after(record.lifetime().idle_timeout()?))
        }
    }
    WritesAreNoUse "a write does not count as a use" in deadlines {
        fn used(&self, record: &Record, _: Timestamp) -> Record {
            record.clone()
        }
    }
    ExtensionIgnored "an extension only counts as a use" in deadlines {
        fn extend(&self, record: &Record, _: Duration, now: Timestamp) -> Record {
            protocol::used(record, now)
        }
    }
    LifetimeIgnored "a new lifetime only moves the deadlines" in extension {
        fn give_lifetime(&self, record: &Record, lifetime: Lifetime, now: Timestamp) -> Record {
            protocol::extend(record, lifetime.absolute_timeout(), now)
        }
    }
    TrustsWhatIsToCome "a change decides by a write that may never happen" in sign_in {
        fn decides_by(&self, _: bool) -> bool {
            true
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
    UnknownMeansNotWritten "a write of unknown outcome is made again" in race {
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
    LostMeansWritten "a write that lost its race is acknowledged" in race {
        fn settle(&self, expected: Revision, ours: Revision, found: Revision) -> Settled {
            match protocol::settle(expected, ours, found) {
                Settled::Lost => Settled::Done,
                settled => settled,
            }
        }
    }
    RenewKeepsSecret "a renewal of the key leaves the old secret valid" in sign_in {
        fn replace_secret(&self, record: &Record, _: Verifier, now: Timestamp) -> Record {
            protocol::used(record, now)
        }
    }
    RenewSparesSuccessor "a renewal of the key continues the timed renewal" in sign_in_renewal {
        fn replace_secret(&self, record: &Record, fresh: Verifier, now: Timestamp) -> Record {
            let next = record.credentials().successor().map(|successor| successor.verifier);
            protocol::replace_secret(record, next.unwrap_or(fresh), now)
        }
    }
    NoRoomMade "a limit ends no session" in limit_new {
        fn make_room(
            &self,
            _: SessionLimit,
            sessions: &[Seat],
        ) -> Option<Vec<PublicId>> {
            // As if all had ended: their entries go, and the sign-in can go on.
            let over = sessions.iter().filter(|seat| seat.signed_in.is_none());
            Some(over.map(|seat| seat.id).collect())
        }
    }
    NewestEnds "a limit ends the newest sign-in" in limit_order {
        fn make_room(
            &self,
            _: SessionLimit,
            sessions: &[Seat],
        ) -> Option<Vec<PublicId>> {
            let live = sessions.iter().filter_map(|seat| Some((seat.signed_in?, seat.id)));
            Some(live.max().into_iter().map(|(_, id)| id).collect())
        }
    }
    AllEnd "a limit ends every session" in limit_order {
        fn make_room(
            &self,
            _: SessionLimit,
            sessions: &[Seat],
        ) -> Option<Vec<PublicId>> {
            Some(sessions.iter().map(|seat| seat.id).collect())
        }
    }
    RejectsNothing "a limit that rejects new sessions ends the oldest" in reject {
        fn make_room(
            &self,
            limit: SessionLimit,
            sessions: &[Seat],
        ) -> Option<Vec<PublicId>> {
            protocol::make_room(SessionLimit::end_oldest(limit.max()), sessions)
        }
    }
    ShortTombstone "a tombstone is kept for a minute" in ending {
        fn end(&self, reason: EndReason, now: Timestamp) -> Ending {
            Ending::new(reason, now, now.after(Duration::from_secs(60)))
        }
    }
}
