//! The store, with the laws looking on.

use cloakroom::protocol::CookieChange;
use cloakroom::record::{EndReason, Record, Revision, Stored};
use cloakroom::store::Swap;

use super::Turn;
use crate::events::Event;
use crate::laws::Law;
use crate::state::{Change, Request};
use crate::ticket::{Entry, Ticket, writes};

impl Turn<'_> {
    /// One attempt at a bookkeeping write, which must leave the value alone.
    pub(super) fn keep_house(
        &mut self,
        request: &Request,
        entry: &Entry,
        ticket: &Ticket,
        record: Record,
    ) -> (Swap, Entry) {
        let Some(expected) = entry.live().map(Record::revision) else {
            return (Swap::Gone, entry.clone());
        };
        let ours = Revision::new(expected.count() + 1, u64::from(request.number) << 8);
        let value = writes(&record);
        let kept = Entry::written(record, ours, &value);
        let before = self.value(ticket.session());
        let swap = self.replace(ticket, expected, &kept);
        if matches!(swap, Swap::Done) {
            self.check_untouched(ticket.session(), before.as_ref());
        }
        (swap, kept)
    }

    pub(super) fn replace(&mut self, ticket: &Ticket, expected: Revision, kept: &Entry) -> Swap {
        let session = ticket.session();
        let swap = self.decisions.swap(self.state.store.get(&session).map(Entry::stored), expected);
        if matches!(swap, Swap::Done) {
            self.check_works(ticket);
            self.state.store.insert(session, kept.clone());
        }
        swap
    }

    pub(super) fn touch(&mut self, held: &Record, ticket: &Ticket) {
        let session = ticket.session();
        let Some(deadline) = self.decisions.touch_due(held, self.now()) else {
            return;
        };
        let found = self.state.store.get(&session).map(Entry::stored);
        let Some(touched) = self.decisions.touched(found, held, deadline) else {
            return;
        };
        let before = self.value(session);
        self.check_works(ticket);
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
        ticket: &Ticket,
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
                Change::Send { ticket: ticket.clone(), decided }
            }
        }
    }

    /// The cookie that carries `key`, which opens `entry`.
    pub(super) fn send_key(&mut self, key: &Ticket, entry: &Entry) -> Change {
        let Some(record) = entry.live() else {
            return Change::Keep;
        };
        let answer = self.decisions.send(key.key().clone(), record, self.now());
        self.change(&answer, key, record)
    }
}
