//! Questions that an operation leaves out, or whose answer it makes up.

use cloakroom::protocol::steps::{Answer, Ask};
use cloakroom::record::{Record, Revision, Stored};
use cloakroom::store::{Ended, Indexed, Inserted, StoreError, StoreErrorKind, Swap};

use crate::flaws::Asked;
use crate::model_key::number_of;

super::flaws! {
    // Opening.
    "a cache's denial is believed" in cached |asked, store| match asked.ask {
        Ask::Get(id) if after(asked, "open", "get_cached: a copy") => {
            let copy = store.cache.get(&number_of(*id))?.stored().clone();
            Some(Answer::Stored(Ok(Some(copy))))
        }
        _ => None,
    };
    "a session that is gone is not read again before a renewal" in ending |asked, _store| {
        match asked.ask {
            Ask::GetEach(ids) if after(asked, "open", "replace: gone") => {
                Some(Answer::StoredEach(ids.iter().map(|_| Ok(None)).collect()))
            }
            _ => None,
        }
    };
    "a renewal is not written" in renewal |asked, _store| match asked.ask {
        Ask::Replace(..) if asked.operation == "open" => Some(Answer::Swapped(Ok(Swap::Done))),
        _ => None,
    };
    "a touch is not written" in deadlines |asked, _store| match asked.ask {
        Ask::Touch(..) => Some(Answer::Touched(Ok(true))),
        _ => None,
    };
    "a reused key is reported, and the session not ended" in reuse |asked, _store| {
        match asked.ask {
            Ask::EndIf(..) if asked.operation == "open" => Some(Answer::Swapped(Ok(Swap::Done))),
            _ => None,
        }
    };

    "reuse ends a session that has changed" in late_reuse |asked, store| match asked.ask {
        Ask::EndIf(id, _, ending) if asked.operation == "open" => {
            let current = store.get(*id)?.live()?.revision();
            let after = |record: &Record| Stored::Ended(record.ended(*ending));
            Some(Answer::Swapped(Ok(store.swap(*id, current, after))))
        }
        _ => None,
    };

    // Changes.
    "a session that seems over is not asked for again" in deadlines |asked, _store| {
        match asked.ask {
            Ask::Get(_) if asked.operation == "write" && asked.last.is_none() => not_found(),
            _ => None,
        }
    };
    "a change that was made is said not to have been" in ending |asked, store| match asked.ask {
        Ask::Replace(..) if asked.operation == "write" => {
            store.carry_out(asked.ask)?;
            Some(Answer::Swapped(Err(StoreError::not_sent(StoreErrorKind::Unavailable))))
        }
        _ => None,
    };
    "a session that is gone is not read again before a write" in ending |asked, _store| {
        match asked.ask {
            Ask::Get(_) if after(asked, "write", "replace: gone") => not_found(),
            _ => None,
        }
    };
    "a write of unknown outcome is not repeated" in race |asked, _store| match asked.ask {
        Ask::Replace(..) if after(asked, "write", "replace: unknown") => {
            Some(Answer::Swapped(Ok(Swap::Done)))
        }
        _ => None,
    };
    "a lost race counts as won" in race |asked, store| match asked.ask {
        Ask::Replace(id, seen, _) if asked.operation == "write" => {
            let current = store.get(*id)?.live()?.revision();
            (current != seen.revision()).then_some(Answer::Swapped(Ok(Swap::Done)))
        }
        _ => None,
    };
    "the index is not told of a longer life" in extension |asked, _store| match asked.ask {
        Ask::IndexLogin(_) if asked.operation == "write" => indexed(),
        _ => None,
    };

    // First writes.
    "a first write of unknown outcome is not repeated" in handles |asked, _store| {
        match asked.ask {
            Ask::Insert(..) if after(asked, "write", "insert: unknown") => {
                Some(Answer::Inserted(Ok(Inserted::Done)))
            }
            _ => None,
        }
    };
    "a first write is repeated under a fresh token" in taken |asked, store| match asked.ask {
        Ask::Get(id) if after(asked, "write", "insert: taken") => {
            let entry = store.get(*id)?;
            let count = entry.live()?.revision().count();
            let stored = entry.with_revision(Revision::new(count, 0)).stored().clone();
            Some(Answer::Stored(Ok(Some(stored))))
        }
        _ => None,
    };
    "a taken id counts as the session's own" in taken |asked, _store| match asked.ask {
        Ask::Insert(..) => Some(Answer::Inserted(Ok(Inserted::Done))),
        _ => None,
    };

    // Sign-ins.
    "another principal's session is not ended at a sign-in" in sign_in |asked, _store| {
        match asked.ask {
            Ask::EndIf(..) if asked.operation == "login" => Some(Answer::Swapped(Ok(Swap::Done))),
            _ => None,
        }
    };
    "a sign-in is not in the index before its record" in sign_in |asked, _store| {
        match asked.ask {
            Ask::IndexLogin(_) if asked.operation == "login" && asked.last.is_none() => indexed(),
            _ => None,
        }
    };
    "a new session is not in the index before its record" in sign_in |asked, store| {
        match asked.ask {
            Ask::IndexLogin(login) if asked.operation == "login" && asked.last.is_none() => {
                if store.get(login.id).is_none() { indexed() } else { None }
            }
            _ => None,
        }
    };
    "a sign-in on a session is not confirmed in the index" in revocation |asked, _store| {
        match asked.ask {
            Ask::IndexLogin(_) if after(asked, "login", "replace: done") => indexed(),
            _ => None,
        }
    };
    "a sign-in on a new session is not confirmed in the index" in limit |asked, _store| {
        match asked.ask {
            Ask::IndexLogin(_) if after(asked, "login", "insert: done") => indexed(),
            _ => None,
        }
    };
    "an entry of unknown outcome is not written again" in revocation |asked, _store| {
        match asked.ask {
            Ask::IndexLogin(_) if after(asked, "login", "index_login: unknown") => indexed(),
            _ => None,
        }
    };
    "a revocation is not announced before sessions are ended" in revocation |asked, _store| {
        match asked.ask {
            Ask::RevokeBefore(..) => Some(Answer::Revoked(Ok(()))),
            _ => None,
        }
    };
    "a revocation ends no session" in revocation |asked, _store| match asked.ask {
        Ask::End(..) if asked.operation == "end all" => Some(Answer::Ended(Ok(Ended::Now))),
        _ => None,
    };
    "a revocation looks at no session" in revocation |asked, _store| match asked.ask {
        Ask::SessionsOf(..) => Some(Answer::Listed(Ok(Vec::new()))),
        _ => None,
    };
    "a sign-in that is refused after its record was written stays" in revocation |asked, _store| {
        match asked.ask {
            Ask::EndIf(..) if after(asked, "login", "index_login: revoked") => {
                Some(Answer::Swapped(Ok(Swap::Done)))
            }
            _ => None,
        }
    };
    "a sign-in that is refused does not give the session back" in revocation |asked, _store| {
        match asked.ask {
            Ask::Replace(..) if after(asked, "login", "index_login: revoked") => {
                Some(Answer::Swapped(Ok(Swap::Done)))
            }
            _ => None,
        }
    };
    "a sign-in that is refused undoes a newer one" in revocation |asked, store| match asked.ask {
        Ask::Replace(id, _, record) if after(asked, "login", "index_login: revoked") => {
            let current = store.get(*id)?.live()?.revision();
            let before = |_: &Record| Stored::Live(record.clone());
            Some(Answer::Swapped(Ok(store.swap(*id, current, before))))
        }
        _ => None,
    };
    "a full index is not looked into: all sessions count as over" in limit |asked, _store| {
        match asked.ask {
            Ask::Get(_) if after(asked, "login", "index_login: full") => not_found(),
            _ => None,
        }
    };
    "a session over the limit is not ended" in limit |asked, _store| match asked.ask {
        Ask::End(..) if after(asked, "login", "get: live") => Some(Answer::Ended(Ok(Ended::Now))),
        _ => None,
    };

    "another principal's session is ended although it has changed" in old_key_login |asked, store| {
        match asked.ask {
            Ask::EndIf(id, _, ending) if asked.operation == "login" => {
                let current = store.get(*id)?.live()?.revision();
                let after = |record: &Record| Stored::Ended(record.ended(*ending));
                Some(Answer::Swapped(Ok(store.swap(*id, current, after))))
            }
            _ => None,
        }
    };
    "a sign-in with a former key takes up a revoked session" in former_key_revoked |asked, _store| {
        match asked.ask {
            Ask::IndexLogin(_) if asked.operation == "login" && asked.last.is_none() => indexed(),
            _ => None,
        }
    };

    // Ends.
    "a sign-out ends nothing" in ending |asked, _store| match asked.ask {
        Ask::EndIf(..) if asked.operation == "end" => Some(Answer::Swapped(Ok(Swap::Done))),
        _ => None,
    };
    "a sign-out that lost a race counts as done" in ending |asked, store| match asked.ask {
        Ask::EndIf(id, expected, _) => {
            let current = store.get(*id)?.live()?.revision();
            (current != *expected).then_some(Answer::Swapped(Ok(Swap::Gone)))
        }
        _ => None,
    };

    "a sign-out leaves a session of which the store did not answer" in two_sessions_lost |asked, _store| {
        match asked.ask {
            Ask::Get(_) if asked.operation == "end" => not_found(),
            _ => None,
        }
    };

    // Imports.
    "an imported session is not looked for again" in import |asked, _store| match asked.ask {
        Ask::Get(_) if after(asked, "import", "load: done") => not_found(),
        _ => None,
    };
    "an interrupted import is not confirmed" in import |asked, _store| match asked.ask {
        Ask::IndexLogin(_) if after(asked, "import", "get: live") => indexed(),
        _ => None,
    };
    "an import is not confirmed in the index" in import |asked, _store| match asked.ask {
        Ask::IndexLogin(_) if is_written(asked) => indexed(),
        _ => None,
    };

    "a requirement does not ask for revocations" in require |asked, _store| match asked.ask {
        Ask::IndexLogin(_) if asked.operation == "reload" => indexed(),
        _ => None,
    };

    // Sessions outside a request.
    "a session that could not be touched is not read again" in watch |asked, store| {
        match asked.ask {
            Ask::Touch(id, ..) if asked.operation == "reload" => {
                store.get(*id)?.live().is_none().then_some(Answer::Touched(Ok(true)))
            }
            _ => None,
        }
    };
    "a cache's denial is believed outside a request" in cached |asked, store| match asked.ask {
        Ask::Get(id) if after(asked, "reload", "get_cached: a copy") => {
            let copy = store.cache.get(&number_of(*id))?.stored().clone();
            Some(Answer::Stored(Ok(Some(copy))))
        }
        _ => None,
    };
}

/// Whether the operation was answered so before.
fn after(asked: &Asked<'_>, operation: &str, last: &str) -> bool {
    asked.operation == operation && asked.last == Some(last)
}

/// Whether the record was written before.
fn is_written(asked: &Asked<'_>) -> bool {
    matches!(asked.last, Some("replace: done" | "insert: done"))
}

#[expect(clippy::unnecessary_wraps, reason = "what a flaw returns")]
const fn not_found() -> Option<Answer> {
    Some(Answer::Stored(Ok(None::<Stored>)))
}

#[expect(clippy::unnecessary_wraps, reason = "what a flaw returns")]
const fn indexed() -> Option<Answer> {
    Some(Answer::Indexed(Ok(Indexed::Done)))
}
