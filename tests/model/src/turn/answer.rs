//! How a request's question is answered, or not.

use cloakroom::protocol::steps::{Answer, Ask};
use cloakroom::record::Stored;
use cloakroom::store::{Lookup, StoreError, StoreErrorKind};

use super::{Delivery, Turn};
use crate::entry::Entry;
use crate::flaws::Asked;
use crate::model_key::{ModelKey, number_of};
use crate::state::Request;
use crate::store::{failure, session_of};
use crate::work::Work;

impl Turn<'_> {
    /// The answer to a question; `None` if it cannot be answered so.
    pub(super) fn answer(
        &mut self,
        request: &mut Request,
        work: &Work,
        ask: &Ask,
        how: Delivery,
    ) -> Option<Answer> {
        let unknown = || failure(ask, StoreError::outcome_unknown(StoreErrorKind::Unavailable));
        let is_repeated = matches!(ask, Ask::Insert(..) | Ask::Replace(..) | Ask::IndexLogin(_));
        let is_read =
            matches!(ask, Ask::Get(_) | Ask::GetCached(_) | Ask::GetEach(_) | Ask::SessionsOf(..));
        self.check_bookkeeping(request, work, ask);
        Some(match how {
            Delivery::Good => {
                let read = request.read.clone();
                let read = read.as_ref().and_then(Entry::live);
                let asked = Asked { operation: work.name(), last: request.last, read, ask };
                let answer = self.observed(request, work, ask, |turn| {
                    let store = &mut turn.state.store;
                    (turn.model.flaw)(&asked, store).or_else(|| store.carry_out(ask))
                })?;
                self.note_read(request, &answer);
                answer
            }
            // Of a batch, the first or the last read fails.
            Delivery::LostBefore | Delivery::Failed if matches!(ask, Ask::GetEach(_)) => {
                self.partly_answered(ask, how)?
            }
            // Of the others no operation knows the difference to a failure.
            Delivery::LostBefore if is_repeated => unknown(),
            Delivery::LostAfter if !is_read => {
                self.observed(request, work, ask, |turn| turn.state.store.carry_out(ask))?;
                unknown()
            }
            Delivery::Failed => failure(ask, StoreError::not_sent(StoreErrorKind::Unavailable)),
            Delivery::Cached => {
                let Ask::GetCached(id) = ask else { return None };
                let copy = self.state.store.cache.get(&number_of(*id))?;
                if self.state.store.get(*id) == Some(copy) {
                    return None;
                }
                let answer = Answer::Lookup(Ok(Lookup::Cached(copy.live()?.clone())));
                self.note_read(request, &answer);
                answer
            }
            Delivery::LostBefore | Delivery::LostAfter => return None,
        })
    }

    fn partly_answered(&mut self, ask: &Ask, how: Delivery) -> Option<Answer> {
        let Some(Answer::StoredEach(mut found)) = self.state.store.carry_out(ask) else {
            return None;
        };
        let failed = match how {
            Delivery::Failed => found.first_mut(),
            _ => found.last_mut(),
        };
        *failed? = Err(StoreError::not_sent(StoreErrorKind::Unavailable));
        Some(Answer::StoredEach(found))
    }

    /// Lets something happen to the store, under the eyes of the laws.
    fn observed(
        &mut self,
        request: &mut Request,
        work: &Work,
        ask: &Ask,
        happens: impl FnOnce(&mut Self) -> Option<Answer>,
    ) -> Option<Answer> {
        let session = session_of(ask);
        let entry = |turn: &Self| turn.state.store.entries.get(&session?).cloned();
        let before = entry(self);
        let answer = happens(self);
        let after = entry(self);
        if let (true, Some(after)) = (before != after, after) {
            request.written = match ask {
                Ask::Insert(..) => session.map(|session| (session, true)),
                Ask::Replace(..) => session.map(|session| (session, false)),
                _ => None,
            };
            self.note_change(request, work, ask, before.as_ref(), &after);
        }
        answer
    }

    /// What the request, and a near cache, know from an answer.
    fn note_read(&mut self, request: &mut Request, answer: &Answer) {
        let (Answer::Lookup(Ok(
            Lookup::Cached(record) | Lookup::Authoritative(Some(Stored::Live(record))),
        ))
        | Answer::Stored(Ok(Some(Stored::Live(record))))) = answer
        else {
            return;
        };
        let entry = Entry::record(record);
        request.read = Some(entry.clone());
        if self.model.scenario.is_cached && !matches!(answer, Answer::Stored(_)) {
            let session = request.presented.keys.first().map(ModelKey::session);
            self.state.store.cache.extend(session.map(|session| (session, entry)));
        }
    }
}
