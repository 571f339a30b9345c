//! Stores that break their contract.

use cloakroom::protocol::steps::{Answer, Ask};
use cloakroom::record::{Record, Stored};
use cloakroom::store::{Ended, Inserted, Swap};

use crate::entry::Entry;
use crate::store::Store;

super::flaws! {
    "a write replaces any revision" in race |asked, store| match asked.ask {
        Ask::Replace(id, _, record) => {
            let current = store.get(*id)?.live()?.revision();
            Some(swapped(store.swap(*id, current, |_| Stored::Live(record.clone()))))
        }
        _ => None,
    };
    "a write replaces a tombstone" in ending |asked, store| match asked.ask {
        Ask::Replace(id, _, record) if is_ended(store.get(*id)) => {
            put(store, asked.ask, record);
            Some(swapped(Swap::Done))
        }
        _ => None,
    };
    "a touch replaces a tombstone" in ending |asked, store| match asked.ask {
        Ask::Touch(id, ..) if is_ended(store.get(*id)) => {
            put(store, asked.ask, asked.read?);
            Some(Answer::Touched(Ok(true)))
        }
        _ => None,
    };
    "a touch on any revision moves a deadline back" in deadlines |asked, store| match asked.ask {
        Ask::Touch(id, expected, deadline) => {
            let current = store.get(*id)?.live()?.clone();
            if current.revision() == *expected {
                return None;
            }
            let deadline = *deadline;
            let after = |record: &Record| Stored::Live(record.clone().with_idle_deadline(deadline));
            Some(Answer::Touched(Ok(matches!(
                store.swap(*id, current.revision(), after),
                Swap::Done
            ))))
        }
        _ => None,
    };
    "a conditional end ends any revision" in two_sessions |asked, store| match asked.ask {
        Ask::EndIf(id, _, ending) => {
            let current = store.get(*id)?.live()?.revision();
            Some(swapped(store.swap(*id, current, |record| Stored::Ended(record.ended(*ending)))))
        }
        _ => None,
    };
    "an end does nothing" in limit |asked, _store| match asked.ask {
        Ask::End(..) => Some(Answer::Ended(Ok(Ended::Now))),
        _ => None,
    };
    "a first write replaces the entry that has the id" in taken |asked, store| match asked.ask {
        Ask::Insert(_, record) => {
            put(store, asked.ask, record);
            Some(Answer::Inserted(Ok(Inserted::Done)))
        }
        _ => None,
    };
    "the index forgets a revocation" in revocation |asked, store| match asked.ask {
        Ask::IndexLogin(login) => {
            let before = store.revoked_before.remove_entry(&login.principal);
            let answer = store.carry_out(asked.ask);
            store.revoked_before.extend(before);
            answer
        }
        _ => None,
    };
    "the index ignores the limit" in limit |asked, store| match asked.ask {
        Ask::IndexLogin(login) => {
            let mut login = login.clone();
            login.limit = None;
            store.carry_out(&Ask::IndexLogin(login))
        }
        _ => None,
    };
}

const fn swapped(swap: Swap) -> Answer {
    Answer::Swapped(Ok(swap))
}

fn is_ended(entry: Option<&Entry>) -> bool {
    entry.is_some_and(|entry| matches!(entry.stored(), Stored::Ended(_)))
}

fn put(store: &mut Store, ask: &Ask, record: &Record) {
    if let Some(session) = crate::store::session_of(ask) {
        store.entries.insert(session, Entry::record(record));
    }
}
