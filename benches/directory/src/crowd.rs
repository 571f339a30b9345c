//! A store with many sessions of many principals.

use std::sync::Arc;

use cloakroom::{Io, Limit, Map, Principal, Sessions, Store};

use crate::{Failure, say};

/// Sessions of each principal but one.
pub(crate) const EACH: usize = 10;

pub(crate) struct Crowd {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) sessions: Sessions<Map>,
    /// The same, with a limit that everybody has reached.
    pub(crate) limited: Sessions<Map>,
    pub(crate) principals: Vec<Principal>,
    /// Has a tenth of all sessions.
    pub(crate) hoarder: Principal,
}

impl Crowd {
    pub(crate) fn gather(store: Arc<dyn Store>, sessions: usize) -> Result<Self, Failure> {
        say(&format!("{sessions} sessions sign in"));
        let manager: Sessions<Map> = Sessions::new(Arc::clone(&store))?;
        let limit = Limit::displacing_oldest(u8::try_from(EACH)?);
        let limited = Sessions::builder(Arc::clone(&store)).limit(limit).build()?;
        let principal = |number: usize| Principal::new(format!("user-{number}"));
        let principals = (0..sessions * 9 / 10 / EACH).map(principal).collect::<Result<Vec<_>, _>>()?;
        let hoarder = Principal::new("hoarder")?;
        // From several threads, so that a store that writes in batches is filled in some time.
        std::thread::scope(|scope| {
            let parts = principals.chunks(principals.len().div_ceil(16));
            let workers: Vec<_> = parts
                .map(|part| {
                    let manager = &manager;
                    scope.spawn(move || part.iter().try_for_each(|who| sign_in(manager, who, EACH)))
                })
                .collect();
            let hoarding = scope.spawn(|| sign_in(&manager, &hoarder, sessions / 10));
            workers.into_iter().chain([hoarding]).try_for_each(|worker| {
                worker.join().map_err(|_| Failure::from("a thread that signs in broke off"))?
            })
        })?;
        Ok(Self { store, sessions: manager, limited, principals, hoarder })
    }
}

/// Signs somebody in on so many new sessions.
pub(crate) fn sign_in(sessions: &Sessions<Map>, who: &Principal, times: usize) -> Result<(), Failure> {
    let (sessions, who) = (sessions.clone(), who.clone());
    Io::future(async move {
        for _ in 0..times {
            let mut session = sessions.visit().session(&http::HeaderMap::new()).await?;
            session.login(&who).await?;
        }
        Ok(())
    })
    .wait()
}
