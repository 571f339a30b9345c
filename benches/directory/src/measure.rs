//! What is timed.

use std::time::Instant;

use cloakroom::{Io, Page, Principal};

use crate::Failure;
use crate::crowd::{self, Crowd, EACH};

/// Each operation is timed so many times, of another principal each time.
const TIMES: usize = 60;
/// What goes through everything is timed less often.
const ROUNDS: usize = 3;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    ListAll,
    ListPage,
    ScanPage,
    LoginAtTheLimit,
    RevokeOne,
    RevokeAll,
    RevokeBefore,
    GoThroughAll,
}

impl Operation {
    pub(crate) const ALL: [Self; 8] = [
        Self::ListAll,
        Self::ListPage,
        Self::ScanPage,
        Self::LoginAtTheLimit,
        Self::RevokeOne,
        Self::RevokeAll,
        Self::RevokeBefore,
        Self::GoThroughAll,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ListAll => "list a principal's 10 sessions",
            Self::ListPage => "list 50 of a principal who has a tenth of all",
            Self::ScanPage => "scan a page of 500, as the tool and the census do",
            Self::LoginAtTheLimit => "sign in at a limit of 10, which displaces the oldest",
            Self::RevokeOne => "revoke one session",
            Self::RevokeAll => "revoke a principal's 10 sessions",
            Self::RevokeBefore => "revoke a principal's sessions of before now",
            Self::GoThroughAll => "go through all sessions (not bounded, in milliseconds)",
        }
    }

    /// Microseconds.
    pub(crate) fn median(self, crowd: &Crowd) -> Result<f64, Failure> {
        let times = if self == Self::GoThroughAll { ROUNDS } else { TIMES };
        let mut taken = Vec::with_capacity(times);
        for time in 0..times {
            // Principals that others have revoked are left alone: each operation has a part of them for itself.
            let part = crowd.principals.len() / Self::ALL.len() * self as usize;
            let who = &crowd.principals[part + time % (crowd.principals.len() / Self::ALL.len())];
            prepare(crowd, who)?;
            let began = now();
            self.run(crowd, who)?;
            taken.push(began.elapsed().as_secs_f64() * 1e6);
        }
        taken.sort_by(f64::total_cmp);
        let median = taken[taken.len() / 2];
        Ok(if self == Self::GoThroughAll { median / 1e3 } else { median })
    }

    fn run(self, crowd: &Crowd, who: &Principal) -> Result<(), Failure> {
        let (sessions, limited) = (crowd.sessions.clone(), crowd.limited.clone());
        let (store, who, hoarder) = (crowd.store.clone(), who.clone(), crowd.hoarder.clone());
        Io::future(async move {
            match self {
                Self::ListAll => assert_eq!(sessions.list(&who, Page::first(100)).await?.len(), EACH),
                Self::ListPage => assert_eq!(sessions.list(&hoarder, Page::first(50)).await?.len(), 50),
                Self::ScanPage => assert_eq!(store.scan(None, 500).await?.entries.len(), 500),
                Self::LoginAtTheLimit => {
                    let mut session = limited.visit().session(&http::HeaderMap::new()).await?;
                    session.login(&who).await?;
                }
                Self::RevokeOne => {
                    let one = store.ids_of(&who, Page::first(1)).await?[0];
                    sessions.revoke(one).await?;
                }
                Self::RevokeAll => assert_eq!(sessions.revoke_all(&who).await?, EACH),
                Self::RevokeBefore => drop(sessions.revoke_issued_before(&who, sessions.now()).await?),
                Self::GoThroughAll => {
                    let mut from = store.scan(None, 500).await?.next;
                    while from.is_some() {
                        from = store.scan(from.as_ref(), 500).await?.next;
                    }
                }
            }
            Ok(())
        })
        .wait()
    }
}

/// Gives back what an earlier turn revoked: there are fewer principals than turns in a small crowd.
fn prepare(crowd: &Crowd, who: &Principal) -> Result<(), Failure> {
    let there = crowd.store.ids_of(who, Page::first(EACH)).wait()?.len();
    crowd::sign_in(&crowd.sessions, who, EACH - there)
}

#[expect(clippy::disallowed_methods, reason = "a benchmark's business is the real clock")]
fn now() -> Instant {
    Instant::now()
}
