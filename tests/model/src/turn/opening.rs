//! From a presented key to a session, with the renewal that this request is asked to do.

use cloakroom::protocol::{KeyStatus, NoSession, RENEWAL_GRACE, Renewal};
use cloakroom::record::Retirement;
use cloakroom::record::{Record, Stored};
use cloakroom::store::Swap;

use super::Turn;
use crate::events::Event;
use crate::laws::Law;
use crate::state::{Browser, Change, Chore, Door, Phase, Request, Task, Visit};
use crate::ticket::{Entry, Ticket, nonce};

impl Turn<'_> {
    pub(super) fn open(
        &mut self,
        request: &Request,
        presented: Option<Ticket>,
        sent: u64,
    ) -> Phase {
        let Some(ticket) = presented else {
            return self.arrive(request, Visit::closed(Door::Vacant));
        };
        let Some(entry) = self.state.store.get(&ticket.session()).cloned() else {
            return self.arrive(request, Visit::closed(Door::Vacant));
        };
        let standing = match entry.stored() {
            Stored::Live(record) => self.decisions.judge(record, ticket.verifier(), self.now()),
            Stored::Ended(tombstone) => {
                self.events.push(Event::EndedFound);
                self.decisions.judge_ended(tombstone, ticket.verifier())
            }
        };
        let prompt =
            self.state.at - sent < RENEWAL_GRACE.as_secs() && request.browser == Browser::Owner;
        if prompt && standing != KeyStatus::Valid {
            self.breaks(Law::PromptRequestsOpen);
        }
        let phase = self.enter(request, &entry, &ticket, standing);
        if request.task == Task::Update
            && phase == Phase::Beginning
            && self.was_just_replaced(&ticket)
        {
            self.breaks(Law::SupersededBeginsNothing);
        }
        phase
    }

    /// Goes on from what a presented key was found to be.
    fn enter(
        &mut self,
        request: &Request,
        entry: &Entry,
        ticket: &Ticket,
        standing: KeyStatus,
    ) -> Phase {
        let door = match standing {
            KeyStatus::Reused => {
                self.events.push(Event::TheftFound);
                return Phase::Reporting(ticket.session());
            }
            KeyStatus::Superseded => Door::Superseded,
            KeyStatus::Invalid(no_session) => {
                self.events.extend(match no_session {
                    NoSession::Expired => Some(Event::ExpiredFound),
                    NoSession::WrongSecret => Some(Event::WrongSecretFound),
                    NoSession::Retired => Some(Event::SupersededCounted),
                    _ => None,
                });
                Door::Vacant
            }
            KeyStatus::Valid => Door::Live,
        };
        let Some(record) = entry.live().filter(|_| door == Door::Live) else {
            return self.arrive(request, Visit::closed(door));
        };
        let now = self.now();
        let mut visit = Visit {
            door,
            change: Change::Keep,
            tries: 0,
            held: Some((entry.clone(), ticket.clone())),
        };
        if self.state.ghost.dead.contains(&ticket.session()) {
            self.breaks(Law::DeadlinesHold);
        }
        let chore = match self.decisions.renewal(record, ticket.verifier(), now) {
            Renewal::Start => Some(Chore::Begin),
            Renewal::Confirm => Some(Chore::Sight),
            Renewal::Retire => Some(Chore::Retire),
            Renewal::Resend => {
                self.hand_over(&mut visit);
                None
            }
            Renewal::Nothing => {
                let answer = self.decisions.send_back(ticket.key(), record, now);
                visit.change = self.change(&answer, ticket, record);
                None
            }
        };
        let chore = chore.or_else(|| self.decisions.touch_due(record, now).map(|_| Chore::Touch));
        match chore {
            Some(chore) => Phase::Tending(visit, chore),
            None => self.arrive(request, visit),
        }
    }

    /// Gives the holder of the old key the next one.
    fn hand_over(&mut self, visit: &mut Visit) {
        let Some((entry, ticket)) = visit.held.clone() else {
            return;
        };
        let Some(record) = entry.live() else { return };
        let Some(next) = self.decisions.next_key(record, ticket.key()) else {
            return;
        };
        let next = ticket.followed_by(next);
        self.note_handed(&ticket, &next);
        self.events.push(Event::NextKeyHandedOver);
        visit.change = self.send_key(&next, &entry);
        visit.held = Some((entry, next));
    }

    pub(super) fn tend(&mut self, request: &Request, mut visit: Visit, chore: Chore) -> Phase {
        let Some((entry, ticket)) = visit.held.clone() else {
            return self.arrive(request, visit);
        };
        let Some(record) = entry.live() else {
            return self.arrive(request, visit);
        };
        let now = self.now();
        let (next, key) = match chore {
            Chore::Touch => {
                self.touch(record, &ticket);
                return self.arrive(request, visit);
            }
            Chore::Begin => {
                let (next, key) =
                    self.decisions.start_renewal(record, ticket.key(), nonce(request.number), now);
                (next, Some(ticket.followed_by(key)))
            }
            Chore::Sight => (self.decisions.confirm_successor(record, now), None),
            Chore::Retire => (self.decisions.retire(record, now), None),
        };
        let kept = match self.keep_house(request, &entry, &ticket, next) {
            (Swap::Done, kept) => kept,
            (Swap::Stale(current), _) => {
                return self.reopen(request, visit, &ticket, current, chore);
            }
            (Swap::Gone, _) => return self.arrive(request, Visit::closed(Door::Vacant)),
        };
        match chore {
            Chore::Retire => {
                self.events.push(Event::OldKeyRetired);
                self.note_replaced(&ticket, Retirement::Timer);
            }
            Chore::Sight => self.events.push(Event::NextKeySighted),
            Chore::Begin | Chore::Touch => self.events.push(Event::RenewalBegun),
        }
        if let Some(key) = &key {
            self.note_renewed(&ticket, key);
            visit.change = self.send_key(key, &kept);
        }
        visit.held = Some((kept, key.unwrap_or(ticket)));
        self.arrive(request, visit)
    }

    /// Looks again at a record that another write changed before ours, and does no more than hand over.
    fn reopen(
        &mut self,
        request: &Request,
        mut visit: Visit,
        ticket: &Ticket,
        current: Record,
        chore: Chore,
    ) -> Phase {
        if chore == Chore::Begin {
            self.events.push(Event::RenewalRaceLost);
        }
        let standing = self.decisions.judge_after_loss(&current, ticket.verifier(), self.now());
        if standing != KeyStatus::Valid {
            let entry = Entry::of(&Stored::Live(current));
            return self.enter(request, &entry, ticket, standing);
        }
        let renewal = self.decisions.renewal(&current, ticket.verifier(), self.now());
        visit.held = Some((Entry::of(&Stored::Live(current)), ticket.clone()));
        if renewal == Renewal::Resend {
            self.hand_over(&mut visit);
        }
        self.arrive(request, visit)
    }

    /// The handler's turn; what needs no store is answered at once.
    pub(super) fn arrive(&mut self, request: &Request, visit: Visit) -> Phase {
        match (request.task, visit.door) {
            (Task::Read, _) => Phase::Answered(visit.change),
            (_, Door::Live) => Phase::Ready(visit),
            (Task::Login(_), Door::Superseded) => {
                self.events.push(Event::LoginBeganAfresh);
                Phase::Beginning
            }
            (Task::Login(_), Door::Vacant) => Phase::Beginning,
            (Task::Update, door) if self.decisions.may_begin(door) => Phase::Beginning,
            (_, Door::Superseded) => {
                self.events.push(Event::SupersededRefused);
                Phase::Answered(Change::Keep)
            }
            (_, Door::Vacant) => Phase::Answered(Change::Keep),
        }
    }
}
