//! What the laws remember of each step.

use cloakroom::protocol::SUPERSEDED_FOR;
use cloakroom::record::Record;
use cloakroom::record::Retirement;

use super::Turn;
use crate::laws::Law;
use crate::state::{Fate, Request, Task};
use crate::ticket::{Entry, Ticket};

impl Turn<'_> {
    /// The keys that a handler's write has put in force.
    pub(super) fn note_keys(&mut self, request: &Request, ticket: &Ticket, kept: &Entry) {
        let Some(key) = self.key_after(request, ticket, kept) else {
            return;
        };
        match request.task {
            // A derived key that is sent once more is no new key.
            Task::Extend if key == *ticket => {}
            Task::Extend => self.note_renewed(ticket, &key),
            _ => self.note_replaced(&key, Retirement::SignIn),
        }
    }

    pub(super) fn note_renewed(&mut self, old: &Ticket, next: &Ticket) {
        self.note_handed(old, next);
        self.state.ghost.secrets.insert(next.clone(), Fate::Works);
    }

    pub(super) fn breaks(&mut self, law: Law) {
        self.state.ghost.broken.insert(law);
    }

    pub(super) fn check_works(&mut self, ticket: &Ticket) {
        let works = self.state.ghost.secrets.get(ticket) == Some(&Fate::Works)
            && !self.state.ghost.dead.contains(&ticket.session());
        if !works {
            self.breaks(Law::OnlyWorkingKeysWrite);
        }
    }

    pub(super) fn check_untouched(&mut self, session: u8, before: Option<&Vec<u8>>) {
        if before.is_some() && self.value(session).as_ref() != before {
            self.breaks(Law::UpkeepKeepsTheValue);
        }
    }

    pub(super) fn was_just_replaced(&self, ticket: &Ticket) -> bool {
        !self.state.ghost.dead.contains(&ticket.session())
            && matches!(self.state.ghost.secrets.get(ticket), Some(&Fate::Replaced { at, .. })
                if self.state.at - at < SUPERSEDED_FOR.as_secs())
    }

    pub(super) fn note_handed(&mut self, old: &Ticket, next: &Ticket) {
        let known = self.state.ghost.handed.entry(old.clone()).or_insert_with(|| next.clone());
        if known != next {
            self.breaks(Law::OneSuccessor);
        }
    }

    /// From now on `ticket` alone opens its session.
    pub(super) fn note_replaced(&mut self, ticket: &Ticket, how: Retirement) {
        let at = self.state.at;
        for (other, fate) in &mut self.state.ghost.secrets {
            if other.session() == ticket.session() && *fate == Fate::Works {
                *fate = Fate::Replaced { at, how };
            }
        }
        self.state.ghost.secrets.insert(ticket.clone(), Fate::Works);
    }

    /// What every step may have brought about: deaths, and whose session it is.
    pub(crate) fn take_note(&mut self) {
        let now = self.now();
        for (&session, entry) in &self.state.store {
            let ghost = &mut self.state.ghost;
            if entry.live().is_none_or(|record| record.expires_at().has_passed(now)) {
                ghost.dead.insert(session);
            }
            if let Some(who) = entry.live().and_then(Record::principal) {
                let owner = ghost.owners.entry(session).or_insert_with(|| who.to_string());
                if owner != who.as_str() {
                    ghost.broken.insert(Law::OnePrincipal);
                }
            }
        }
    }
}
