//! Situations worth having been in: a check that never got there proves nothing.

use std::sync::atomic::{AtomicU64, Ordering};

/// Something that a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    RenewalBegun,
    RenewalRaceLost,
    NextKeyHandedOver,
    NextKeySighted,
    OldKeyRetired,
    Touched,
    WriteRaceLost,
    WriteMetTombstone,
    SlowHandler,
    RefusedAfterRace,
    SupersededRefused,
    SupersededCounted,
    ExpiredFound,
    TheftFound,
    WrongSecretFound,
    EndedFound,
    LostAnswerWasDone,
    LostAnswerWasNot,
    LostAnswerUnknown,
    LostWriteMadeAgain,
    SessionBegun,
    LoginBeganAfresh,
    PrincipalSwitched,
    SignedIn,
    Elevated,
    SessionEnded,
    CookieRestored,
}

impl Event {
    pub(crate) const ALL: [Self; 27] = [
        Self::RenewalBegun,
        Self::RenewalRaceLost,
        Self::NextKeyHandedOver,
        Self::NextKeySighted,
        Self::OldKeyRetired,
        Self::Touched,
        Self::WriteRaceLost,
        Self::WriteMetTombstone,
        Self::SlowHandler,
        Self::RefusedAfterRace,
        Self::SupersededRefused,
        Self::SupersededCounted,
        Self::ExpiredFound,
        Self::TheftFound,
        Self::WrongSecretFound,
        Self::EndedFound,
        Self::LostAnswerWasDone,
        Self::LostAnswerWasNot,
        Self::LostAnswerUnknown,
        Self::LostWriteMadeAgain,
        Self::SessionBegun,
        Self::LoginBeganAfresh,
        Self::PrincipalSwitched,
        Self::SignedIn,
        Self::Elevated,
        Self::SessionEnded,
        Self::CookieRestored,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::RenewalBegun => "a timed renewal begins",
            Self::RenewalRaceLost => "two requests begin a renewal at once",
            Self::NextKeyHandedOver => "the next key is handed over again",
            Self::NextKeySighted => "the next key is seen for the first time",
            Self::OldKeyRetired => "the old key retires",
            Self::Touched => "an idle deadline is moved by a touch",
            Self::WriteRaceLost => "a write loses its race",
            Self::WriteMetTombstone => "a write finds the session gone",
            Self::SlowHandler => "a slow handler finds a deadline passed before it writes",
            Self::RefusedAfterRace => "the loser of a race finds its key dead",
            Self::SupersededRefused => "a superseded key is refused",
            Self::SupersededCounted => "a superseded key counts as none at last",
            Self::ExpiredFound => "a session is found expired",
            Self::TheftFound => "a stolen key is recognised",
            Self::WrongSecretFound => "a wrong secret is presented",
            Self::EndedFound => "an ended session is asked for",
            Self::LostAnswerWasDone => "a write whose answer was lost turns out done",
            Self::LostAnswerWasNot => "a write whose answer was lost turns out not done",
            Self::LostAnswerUnknown => "nobody can tell what became of a write",
            Self::LostWriteMadeAgain => "a write that was lost is made again",
            Self::SessionBegun => "a session begins",
            Self::LoginBeganAfresh => "a login that lost begins a fresh session",
            Self::PrincipalSwitched => "somebody else signs in",
            Self::SignedIn => "a sign-in keeps the session",
            Self::Elevated => "rights are elevated",
            Self::SessionEnded => "a session is ended",
            Self::CookieRestored => "a crashed browser comes back with an older cookie",
        }
    }
}

/// How many steps of a run did what.
#[derive(Debug, Default)]
pub(crate) struct Tally([AtomicU64; Event::ALL.len()]);

impl Tally {
    pub(crate) fn add(&self, events: Vec<Event>) {
        for event in events {
            self.0[event as usize].fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn count(&self, event: Event) -> u64 {
        self.0[event as usize].load(Ordering::Relaxed)
    }
}
