//! What a handler does with the session that was opened.

use cloakroom::protocol::{self, KeyStatus, Recognised, Settled, SignIn};
use cloakroom::record::{EndReason, Record, Revision, Stored};
use cloakroom::store::Swap;
use cloakroom::value::Payload;

use super::{Turn, Wire};
use crate::events::Event;
use crate::laws::Law;
use crate::scenarios::EXTENSION;
use crate::state::{Change, Fate, Phase, Request, Task, Visit};
use crate::ticket::{Entry, Ticket, nonce, writes};

/// A write that a handler wants.
struct Intent {
    record: Record,
    value: Vec<u8>,
}

impl Turn<'_> {
    pub(super) fn act(&mut self, request: &Request, mut visit: Visit, wire: Wire) -> Phase {
        let Some((mut entry, ticket)) = visit.held.clone() else {
            return self.refuse(request, visit);
        };
        if request.task == Task::Logout {
            if self.read_again(&ticket).is_none()
                && !self.state.ghost.dead.contains(&ticket.session())
            {
                return self.refuse(request, visit);
            }
            self.end(ticket.session(), EndReason::SignedOut);
            return Phase::Answered(Change::Remove { decided: self.state.at });
        }
        // The copy in hand may say that the session lives, never that it does not.
        if visit.tries == 0
            && entry.live().is_none_or(|record| self.decisions.is_over(record, self.now()))
        {
            self.events.push(Event::SlowHandler);
            match self.read_again(&ticket) {
                Some(current) => entry = current,
                None => return self.refuse(request, visit),
            }
            visit.held = Some((entry.clone(), ticket.clone()));
        }
        let Some(record) = entry.live() else {
            return self.refuse(request, visit);
        };
        let Some(intent) = self.intend(request, record, &ticket) else {
            self.events.push(Event::PrincipalSwitched);
            self.end(ticket.session(), EndReason::SignedInAsAnother);
            return Phase::Beginning;
        };
        let token = u64::from(request.number) << 8 | (u64::from(visit.tries) + 1);
        let expected = record.revision();
        let ours = Revision::new(expected.count() + 1, token);
        let kept = Entry::written(intent.record, ours, &intent.value);
        self.write(request, visit, expected, kept, wire)
    }

    /// Sends a handler's write, for the first time or once more.
    pub(super) fn write(
        &mut self,
        request: &Request,
        visit: Visit,
        expected: Revision,
        kept: Entry,
        wire: Wire,
    ) -> Phase {
        let again = matches!(request.phase, Phase::Unsure { .. });
        let (Some((_, ticket)), Some(ours)) =
            (visit.held.clone(), kept.live().map(Record::revision))
        else {
            return self.refuse(request, visit);
        };
        if wire == Wire::Cut {
            return Phase::Unsure { visit, expected, kept };
        }
        let swap = self.replace(&ticket, expected, &kept);
        if matches!(swap, Swap::Done) {
            self.note_keys(request, &ticket, &kept);
        }
        match swap {
            _ if wire == Wire::Deaf => Phase::Unsure { visit, expected, kept },
            Swap::Done => {
                self.events.extend(again.then_some(Event::LostWriteMadeAgain));
                self.acknowledge(request, visit, &kept)
            }
            Swap::Stale(current) if again => {
                match self.decisions.settle(expected, ours, current.revision()) {
                    Settled::Done => {
                        self.events.push(Event::LostAnswerWasDone);
                        self.acknowledge(request, visit, &kept)
                    }
                    Settled::Lost => {
                        self.events.push(Event::LostAnswerWasNot);
                        self.retry(request, visit, &current)
                    }
                    Settled::Unknown => {
                        self.events.push(Event::LostAnswerUnknown);
                        Phase::Answered(visit.change)
                    }
                }
            }
            Swap::Stale(current) => {
                self.events.push(Event::WriteRaceLost);
                self.retry(request, visit, &current)
            }
            Swap::Gone => {
                self.events.push(Event::WriteMetTombstone);
                self.refuse(request, visit)
            }
        }
    }

    /// The record as it stands now, if the key still opens it.
    fn read_again(&self, ticket: &Ticket) -> Option<Entry> {
        let entry = self.state.store.get(&ticket.session())?;
        let standing = self.decisions.judge(entry.live()?, ticket.verifier(), self.now());
        (standing == KeyStatus::Valid).then(|| entry.clone())
    }

    /// The write that a task makes of a record; none if another principal's session has to be left first.
    fn intend(&self, request: &Request, record: &Record, ticket: &Ticket) -> Option<Intent> {
        let now = self.now();
        let fresh = || *Ticket::fresh(ticket.session(), request.number).verifier();
        let record = match request.task {
            Task::Login(who) => {
                let who = who.principal();
                if self.decisions.plan_sign_in(record, &who) == SignIn::Switch {
                    return None;
                }
                self.decisions.sign_in(record, &who, fresh(), now)
            }
            Task::Elevate => self.decisions.replace_secret(record, fresh(), now),
            Task::Extend => {
                self.extend_cookie(request, self.decisions.extend(record, EXTENSION, now), ticket)
            }
            Task::Update | Task::Read | Task::Logout => self.decisions.used(record, now),
        };
        let mut value = writes(&record);
        if request.task == Task::Update {
            let place = value.partition_point(|&write| write < request.number);
            value.insert(place, request.number);
        }
        Some(Intent { record, value })
    }

    /// The extended record, and with it whatever makes its cookie last as long.
    fn extend_cookie(&self, request: &Request, record: Record, ticket: &Ticket) -> Record {
        match self.decisions.extend_cookie(&record, ticket.key(), nonce(request.number), self.now())
        {
            Some((lasting, _)) => lasting,
            None => record,
        }
    }

    /// The key that a handler's write, now kept, gives the visitor.
    pub(super) fn key_after(
        &self,
        request: &Request,
        ticket: &Ticket,
        kept: &Entry,
    ) -> Option<Ticket> {
        let record = kept.live()?;
        match request.task {
            Task::Login(_) | Task::Elevate => Some(Ticket::fresh(ticket.session(), request.number)),
            Task::Extend => match protocol::recognise(record.credentials(), ticket.verifier()) {
                Recognised::Successor => Some(ticket.clone()),
                _ => {
                    self.decisions.next_key(record, ticket.key()).map(|key| ticket.followed_by(key))
                }
            },
            _ => None,
        }
    }

    /// Tries again on the record that stands there now, if the key still opens it.
    fn retry(&mut self, request: &Request, mut visit: Visit, current: &Record) -> Phase {
        let Some((_, ticket)) = visit.held.take() else {
            return Phase::Answered(visit.change);
        };
        if self.decisions.judge_after_loss(current, ticket.verifier(), self.now())
            != KeyStatus::Valid
        {
            self.events.push(Event::RefusedAfterRace);
            return self.refuse(request, visit);
        }
        visit.held = Some((Entry::of(&Stored::Live(current.clone())), ticket));
        visit.tries += 1;
        Phase::Ready(visit)
    }

    /// The key no longer opens anything: a login begins afresh, all else fails.
    fn refuse(&mut self, request: &Request, visit: Visit) -> Phase {
        if let Task::Login(_) = request.task {
            self.events.push(Event::LoginBeganAfresh);
            return Phase::Beginning;
        }
        Phase::Answered(visit.change)
    }

    /// A handler's write is known to have been made.
    fn acknowledge(&mut self, request: &Request, visit: Visit, kept: &Entry) -> Phase {
        let Some((_, ticket)) = &visit.held else {
            return Phase::Answered(visit.change);
        };
        self.events.extend(match request.task {
            Task::Login(_) => Some(Event::SignedIn),
            Task::Elevate => Some(Event::Elevated),
            Task::Extend
                if self.key_after(request, ticket, kept).is_some_and(|key| key != *ticket) =>
            {
                Some(Event::RenewalBegun)
            }
            _ => None,
        });
        if request.task == Task::Update {
            self.state.ghost.acknowledged.insert((ticket.session(), request.number));
        }
        let key = self.key_after(request, ticket, kept);
        if let (Task::Extend, Some(record)) = (request.task, kept.live())
            && record.credentials().cookie_until < record.absolute_deadline()
        {
            self.breaks(Law::CookieOutlivesRecord);
        }
        match key {
            Some(key) => Phase::Answered(self.send_key(&key, kept)),
            None => Phase::Answered(visit.change),
        }
    }

    pub(super) fn begin(&mut self, request: &Request) -> Phase {
        let ticket = Ticket::fresh(request.number, request.number);
        let session = ticket.session();
        let (principal, value) = match request.task {
            Task::Login(who) => (Some(who.principal()), vec![]),
            _ => (None, vec![request.number]),
        };
        let revision = Revision::new(1, u64::from(request.number) << 8);
        let record = protocol::begin(
            *ticket.verifier(),
            self.lifetime,
            principal,
            Payload::from_bytes(value.clone()),
            revision,
            self.now(),
        );
        self.events.push(Event::SessionBegun);
        self.state.ghost.acknowledged.extend(value.iter().map(|&write| (session, write)));
        self.state.ghost.secrets.insert(ticket.clone(), Fate::Works);
        let answer = self.decisions.send(ticket.key().clone(), &record, self.now());
        let change = self.change(&answer, &ticket, &record);
        self.state.store.insert(session, Entry::written(record, revision, &value));
        Phase::Answered(change)
    }
}
