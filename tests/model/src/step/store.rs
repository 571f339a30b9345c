//! Store operations, observed by the laws.

use cloakroom::protocol::CookieChange;
use cloakroom::record::{EndReason, Record, Revision, Stored};
use cloakroom::store::Swap;

use super::Step;
use crate::events::Event;
use crate::laws::Law;
use crate::model_key::{Entry, ModelKey, writes};
use crate::state::{Change, Request};

impl Step<'_> {
    /// One attempt at a bookkeeping write, which must not change the value.
    pub(super) fn keep_house(
        &mut self,
        request: &Request,
        entry: &Entry,
        model_key: &ModelKey,
        record: Record,
    ) -> (Swap, Entry) {
        let Some(expected) = entry.live().map(Record::revision) else {
            return (Swap::Gone, entry.clone());
        };
        let ours = Revision::new(expected.count() + 1, u64::from(request.number) << 8);
        let value = writes(&record);
        let kept = Entry::written(record, ours, &value);
        let before = self.value(model_key.session());
        let swap = self.replace(model_key, expected, &kept);
        if matches!(swap, Swap::Done) {
            self.check_untouched(model_key.session(), before.as_ref());
        }
        (swap, kept)
    }

    pub(super) fn replace(
        &mut self,
        model_key: &ModelKey,
        expected: Revision,
        kept: &Entry,
    ) -> Swap {
        let session = model_key.session();
        let swap = self.decisions.swap(self.state.store.get(&session).map(Entry::stored), expected);
        if matches!(swap, Swap::Done) {
            self.check_works(model_key);
            self.state.store.insert(session, kept.clone());
        }
        swap
    }

    pub(super) fn touch(&mut self, held: &Record, model_key: &ModelKey) {
        let session = model_key.session();
        let Some(deadline) = self.decisions.touch_due(held, self.now()) else {
            return;
        };
        let found = self.state.store.get(&session).map(Entry::stored);
        let Some(touched) = self.decisions.touched(found, held, deadline) else {
            return;
        };
        let before = self.value(session);
        self.check_works(model_key);
        self.events.push(Event::Touched);
        self.state.store.insert(session, Entry::of(&Stored::Live(touched)));
        self.check_untouched(session, before.as_ref());
    }

    pub(crate) fn end(&mut self, session: u8, reason: EndReason) {
        let ending = self.decisions.end(reason, self.now());
        let Some(found) = self.state.store.get(&session) else {
            return;
        };
        if let Some(buried) = self.decisions.buried(found.stored(), ending) {
            self.state.store.insert(session, Entry::of(&buried));
            self.events.push(Event::SessionEnded);
        }
    }

    pub(super) fn value(&self, session: u8) -> Option<Vec<u8>> {
        self.state.store.get(&session)?.live().map(writes)
    }

    pub(super) fn change(
        &mut self,
        answer: &CookieChange,
        model_key: &ModelKey,
        record: &Record,
    ) -> Change {
        let decided = self.state.at;
        match answer {
            CookieChange::Keep => Change::Keep,
            CookieChange::Remove => Change::Remove { decided },
            CookieChange::Send { life, .. } => {
                if life.is_some_and(|life| self.now().after(life) < record.absolute_deadline()) {
                    self.breaks(Law::CookieOutlivesRecord);
                }
                Change::Send { model_key: model_key.clone(), decided }
            }
        }
    }

    /// The cookie that carries `key`, which opens `entry`.
    pub(super) fn send_key(&mut self, key: &ModelKey, entry: &Entry) -> Change {
        let Some(record) = entry.live() else {
            return Change::Keep;
        };
        let answer = self.decisions.send(key.key().clone(), record, self.now());
        self.change(&answer, key, record)
    }
}
