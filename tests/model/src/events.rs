//! Situations that a search must reach: a check that never gets there proves nothing.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    RenewalBegun,
    RenewalRaceLost,
    NextKeyResent,
    NextKeyConfirmed,
    OldKeyRetired,
    Touched,
    WriteRaceLost,
    WriteMetTombstone,
    SlowHandler,
    RefusedAfterRace,
    SupersededRefused,
    SupersededCounted,
    ExpiredFound,
    ReuseFound,
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
    Renewed,
    SessionEnded,
    CookieRestored,
}

impl Event {
    pub(crate) const ALL: [Self; 27] = [
        Self::RenewalBegun,
        Self::RenewalRaceLost,
        Self::NextKeyResent,
        Self::NextKeyConfirmed,
        Self::OldKeyRetired,
        Self::Touched,
        Self::WriteRaceLost,
        Self::WriteMetTombstone,
        Self::SlowHandler,
        Self::RefusedAfterRace,
        Self::SupersededRefused,
        Self::SupersededCounted,
        Self::ExpiredFound,
        Self::ReuseFound,
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
        Self::Renewed,
        Self::SessionEnded,
        Self::CookieRestored,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::RenewalBegun => "a timed renewal starts",
            Self::RenewalRaceLost => "two requests start a renewal concurrently",
            Self::NextKeyResent => "the next key is sent again",
            Self::NextKeyConfirmed => "the next key is used for the first time",
            Self::OldKeyRetired => "the old key retires",
            Self::Touched => "a touch moves the idle deadline",
            Self::WriteRaceLost => "a write loses its race",
            Self::WriteMetTombstone => "a write finds the session gone",
            Self::SlowHandler => "a slow handler finds a deadline passed before it writes",
            Self::RefusedAfterRace => "after a lost race the key no longer opens",
            Self::SupersededRefused => "a superseded key is refused",
            Self::SupersededCounted => "a superseded key becomes a retired one",
            Self::ExpiredFound => "a session is found expired",
            Self::ReuseFound => "key reuse is recognized",
            Self::WrongSecretFound => "a wrong secret is presented",
            Self::EndedFound => "a key of an ended session is presented",
            Self::LostAnswerWasDone => "a write whose answer was lost turns out to be applied",
            Self::LostAnswerWasNot => "a write whose answer was lost turns out not to be applied",
            Self::LostAnswerUnknown => "the outcome of a write stays unknown",
            Self::LostWriteMadeAgain => "a lost write is repeated",
            Self::SessionBegun => "a session begins",
            Self::LoginBeganAfresh => "a sign-in that lost a race begins a new session",
            Self::PrincipalSwitched => "another principal signs in",
            Self::SignedIn => "a sign-in keeps the session",
            Self::Renewed => "the key is renewed as rights change",
            Self::SessionEnded => "a session is ended",
            Self::CookieRestored => "a crashed browser restores an older cookie",
        }
    }
}

/// How many steps did what.
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
