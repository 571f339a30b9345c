//! What a request does, step by step, the way the manager does it; and what the laws note of each step.

use cloakroom::protocol::{
    CookieChange, GRACE, Replacement, SUPERSEDED_FOR, Settled, SignIn, Standing, Upkeep, Vacancy,
};
use cloakroom::{EndReason, Lifetime, Payload, Record, Revision, Stored, Swap, Timestamp};

use crate::decisions::Decisions;
use crate::events::Event;
use crate::laws::Law;
use crate::model::moment;
use crate::scenarios::EXTENSION;
use crate::state::{Browser, Change, Chore, Door, Fate, Phase, Request, State, Task, Visit};
use crate::ticket::{Entry, Ticket, nonce, writes};

/// A state on its way to the next.
pub(crate) struct Turn<'a> {
    decisions: &'a dyn Decisions,
    lifetime: Lifetime,
    pub(crate) state: State,
    pub(crate) events: Vec<Event>,
}

/// The wire between a node and the store, for one write.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    Good,
    /// The write reaches the store; its answer is lost.
    Deaf,
    /// The write never reaches the store, which the node can't know.
    Cut,
}

/// A write that a handler wants.
struct Intent {
    record: Record,
    value: Vec<u8>,
}

impl<'a> Turn<'a> {
    pub(crate) fn new(decisions: &'a dyn Decisions, lifetime: Lifetime, state: State) -> Self {
        Self {
            decisions,
            lifetime,
            state,
            events: Vec::new(),
        }
    }

    fn now(&self) -> Timestamp {
        moment(self.state.at)
    }

    // Requests and responses.

    pub(crate) fn send(&mut self, number: u8, browser: Browser, task: Task) {
        self.state.requests.push(Request {
            number,
            browser,
            task,
            phase: Phase::Sent {
                presented: self.state.jar(browser).cloned(),
                at: self.state.at,
            },
        });
    }

    /// Takes a request out.
    pub(crate) fn take(&mut self, number: u8) -> Option<Request> {
        let index = self
            .state
            .requests
            .iter()
            .position(|request| request.number == number)?;
        Some(self.state.requests.remove(index))
    }

    pub(crate) fn deliver(&mut self, number: u8) {
        let Some(request) = self.take(number) else { return };
        let after = match request.answers() {
            None | Some(Change::Keep) => return,
            Some(Change::Remove { .. }) => None,
            Some(Change::Send { ticket, .. }) => Some(ticket.clone()),
        };
        let before = self.state.jar(request.browser).cloned();
        if before == after {
            return;
        }
        if before
            .as_ref()
            .is_some_and(|jar| after.as_ref().is_some_and(|key| self.replaces(key, jar)))
        {
            self.events.push(Event::NewerCookieReplaced);
        }
        self.state.set_jar(request.browser, after);
        if request.browser == Browser::Owner {
            self.state.restorable = before;
        }
    }

    /// Whether `jar` is the key that was handed to holders of `key`.
    fn replaces(&self, key: &Ticket, jar: &Ticket) -> bool {
        self.state.ghost.handed.get(key) == Some(jar)
    }

    /// A crash also loses what is on the wire to and from the browser.
    pub(crate) fn crash(&mut self) {
        self.state.spent.crashes += 1;
        let before = self.state.restorable.take();
        self.state.set_jar(Browser::Owner, before);
        self.state.requests.retain(|request| {
            request.browser != Browser::Owner
                || !matches!(request.phase, Phase::Sent { .. } | Phase::Answered(_))
        });
        self.events.push(Event::CookieRestored);
    }

    /// The next step of a request.
    pub(crate) fn step(&mut self, number: u8, wire: Wire) {
        let Some(index) = self
            .state
            .requests
            .iter()
            .position(|request| request.number == number)
        else {
            return;
        };
        let request = self.state.requests[index].clone();
        let phase = match request.phase.clone() {
            Phase::Sent { presented, at } => self.open(&request, presented, at),
            Phase::Tending(visit, chore) => self.tend(&request, visit, chore),
            Phase::Reporting(session) => {
                self.end(session, EndReason::Stolen);
                self.arrive(&request, Visit::closed(Door::Vacant))
            }
            Phase::Ready(visit) => self.act(&request, visit, wire),
            Phase::Unsure {
                visit,
                expected,
                kept,
            } => self.write(&request, visit, expected, kept, Wire::Good),
            Phase::Beginning => self.begin(&request),
            answered @ Phase::Answered(_) => answered,
        };
        if phase == Phase::Answered(Change::Keep) {
            self.state.requests.remove(index);
        } else {
            self.state.requests[index].phase = phase;
        }
    }

    // Opening.

    fn open(&mut self, request: &Request, presented: Option<Ticket>, sent: u64) -> Phase {
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
        let prompt = self.state.at - sent < GRACE.as_secs() && request.browser == Browser::Owner;
        if prompt && standing != Standing::Live {
            self.breaks(Law::PromptRequestsOpen);
        }
        let phase = self.enter(request, entry, &ticket, standing);
        if request.task == Task::Update && phase == Phase::Beginning && self.was_just_replaced(&ticket) {
            self.breaks(Law::SupersededBeginsNothing);
        }
        phase
    }

    /// Goes on from what a presented key was found to be.
    fn enter(&mut self, request: &Request, entry: Entry, ticket: &Ticket, standing: Standing) -> Phase {
        let door = match standing {
            Standing::Stolen => {
                self.events.push(Event::TheftFound);
                return Phase::Reporting(ticket.session());
            }
            Standing::Superseded => Door::Superseded,
            Standing::Vacant(vacancy) => {
                self.events.extend(match vacancy {
                    Vacancy::Expired => Some(Event::ExpiredFound),
                    Vacancy::WrongSecret => Some(Event::WrongSecretFound),
                    Vacancy::Replaced => Some(Event::SupersededCounted),
                    _ => None,
                });
                Door::Vacant
            }
            Standing::Live => Door::Live,
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
        let chore = match self.decisions.upkeep(record, ticket.verifier(), now) {
            Upkeep::Begin => Some(Chore::Begin),
            Upkeep::Sight => Some(Chore::Sight),
            Upkeep::Retire => Some(Chore::Retire),
            Upkeep::HandOver => {
                self.hand_over(&mut visit);
                None
            }
            Upkeep::Nothing => {
                let answer = self.decisions.send_back(ticket.key(), record, now);
                visit.change = self.change(answer, ticket, record);
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

    fn tend(&mut self, request: &Request, mut visit: Visit, chore: Chore) -> Phase {
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
                    self.decisions
                        .begin_renewal(record, ticket.key(), nonce(request.number), now);
                (next, Some(ticket.followed_by(key)))
            }
            Chore::Sight => (self.decisions.sight(record, now), None),
            Chore::Retire => (self.decisions.retire(record, now), None),
        };
        let kept = match self.keep_house(request, &entry, &ticket, next) {
            (Swap::Done, kept) => kept,
            (Swap::Stale(current), _) => return self.reopen(request, visit, &ticket, current, chore),
            (Swap::Gone, _) => return self.arrive(request, Visit::closed(Door::Vacant)),
        };
        match chore {
            Chore::Retire => {
                self.events.push(Event::OldKeyRetired);
                self.note_replaced(&ticket, Replacement::Timed);
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
        let standing = self
            .decisions
            .judge_after_loss(&current, ticket.verifier(), self.now());
        if standing != Standing::Live {
            let entry = Entry::of(&Stored::Live(current));
            return self.enter(request, entry, ticket, standing);
        }
        let upkeep = self.decisions.upkeep(&current, ticket.verifier(), self.now());
        visit.held = Some((Entry::of(&Stored::Live(current)), ticket.clone()));
        if upkeep == Upkeep::HandOver {
            self.hand_over(&mut visit);
        }
        self.arrive(request, visit)
    }

    /// The handler's turn; what needs no store is answered at once.
    fn arrive(&mut self, request: &Request, visit: Visit) -> Phase {
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

    // Acting.

    fn act(&mut self, request: &Request, mut visit: Visit, wire: Wire) -> Phase {
        let Some((mut entry, ticket)) = visit.held.clone() else {
            return self.refuse(request, visit);
        };
        if request.task == Task::Logout {
            self.end(ticket.session(), EndReason::SignedOut);
            return Phase::Answered(Change::Remove {
                decided: self.state.at,
            });
        }
        // The copy in hand may say that the session lives, never that it does not.
        if visit.tries == 0
            && entry
                .live()
                .is_none_or(|record| self.decisions.is_over(record, self.now()))
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
    fn write(
        &mut self,
        request: &Request,
        visit: Visit,
        expected: Revision,
        kept: Entry,
        wire: Wire,
    ) -> Phase {
        let again = matches!(request.phase, Phase::Unsure { .. });
        let (Some((_, ticket)), Some(ours)) = (visit.held.clone(), kept.live().map(Record::revision)) else {
            return self.refuse(request, visit);
        };
        if wire == Wire::Cut {
            return Phase::Unsure {
                visit,
                expected,
                kept,
            };
        }
        let swap = self.replace(&ticket, expected, &kept);
        if matches!(swap, Swap::Done) {
            self.note_keys(request, &ticket, &kept);
        }
        match swap {
            _ if wire == Wire::Deaf => Phase::Unsure {
                visit,
                expected,
                kept,
            },
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
        (standing == Standing::Live).then(|| entry.clone())
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
            Task::Extend => self.outlast(request, self.decisions.extend(record, EXTENSION, now), ticket),
            Task::Update | Task::Read | Task::Logout => self.decisions.used(record, now),
        };
        let mut value = writes(&record);
        if request.task == Task::Update {
            let place = value.partition_point(|&write| write < request.number);
            value.insert(place, request.number);
        }
        Some(Intent { record, value })
    }

    /// The extended record with a renewal in the same write, if its cookie would end before it.
    fn outlast(&self, request: &Request, record: Record, ticket: &Ticket) -> Record {
        let now = self.now();
        match self.decisions.upkeep(&record, ticket.verifier(), now) {
            Upkeep::Begin => {
                self.decisions
                    .begin_renewal(&record, ticket.key(), nonce(request.number), now)
                    .0
            }
            _ => record,
        }
    }

    /// The key that a handler's write, now kept, gives the visitor.
    fn key_after(&self, request: &Request, ticket: &Ticket, kept: &Entry) -> Option<Ticket> {
        let record = kept.live()?;
        match request.task {
            Task::Login(_) | Task::Elevate => Some(Ticket::fresh(ticket.session(), request.number)),
            Task::Extend
                if self.decisions.upkeep(record, ticket.verifier(), self.now()) == Upkeep::HandOver =>
            {
                self.decisions
                    .next_key(record, ticket.key())
                    .map(|key| ticket.followed_by(key))
            }
            _ => None,
        }
    }

    /// Tries again on the record that stands there now, if the key still opens it.
    fn retry(&mut self, request: &Request, mut visit: Visit, current: &Record) -> Phase {
        let Some((_, ticket)) = visit.held.take() else {
            return Phase::Answered(visit.change);
        };
        if self
            .decisions
            .judge_after_loss(current, ticket.verifier(), self.now())
            != Standing::Live
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
            _ => None,
        });
        if request.task == Task::Update {
            self.state
                .ghost
                .acknowledged
                .insert((ticket.session(), request.number));
        }
        match self.key_after(request, ticket, kept) {
            Some(key) => Phase::Answered(self.send_key(&key, kept)),
            None => Phase::Answered(visit.change),
        }
    }

    fn begin(&mut self, request: &Request) -> Phase {
        let ticket = Ticket::fresh(request.number, request.number);
        let session = ticket.session();
        let (principal, value) = match request.task {
            Task::Login(who) => (Some(who.principal()), vec![]),
            _ => (None, vec![request.number]),
        };
        let revision = Revision::new(1, u64::from(request.number) << 8);
        let record = cloakroom::protocol::begin(
            *ticket.verifier(),
            self.lifetime,
            principal,
            Payload::from_bytes(value.clone()),
            revision,
            self.now(),
        );
        self.events.push(Event::SessionBegun);
        self.state
            .ghost
            .acknowledged
            .extend(value.iter().map(|&write| (session, write)));
        self.state.ghost.secrets.insert(ticket.clone(), Fate::Works);
        let answer = self.decisions.send(ticket.key().clone(), &record, self.now());
        let change = self.change(answer, &ticket, &record);
        self.state
            .store
            .insert(session, Entry::written(record, revision, &value));
        Phase::Answered(change)
    }

    // The store, with the laws looking on.

    /// One attempt at a bookkeeping write, which must leave the value alone.
    fn keep_house(
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
            self.check_untouched(ticket.session(), before);
        }
        (swap, kept)
    }

    fn replace(&mut self, ticket: &Ticket, expected: Revision, kept: &Entry) -> Swap {
        let session = ticket.session();
        let swap = self
            .decisions
            .swap(self.state.store.get(&session).map(Entry::stored), expected);
        if matches!(swap, Swap::Done) {
            self.check_works(ticket);
            self.state.store.insert(session, kept.clone());
        }
        swap
    }

    fn touch(&mut self, held: &Record, ticket: &Ticket) {
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
        self.state
            .store
            .insert(session, Entry::of(&Stored::Live(touched)));
        self.check_untouched(session, before);
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

    fn value(&self, session: u8) -> Option<Vec<u8>> {
        self.state.store.get(&session)?.live().map(writes)
    }

    fn change(&mut self, answer: CookieChange, ticket: &Ticket, record: &Record) -> Change {
        let decided = self.state.at;
        match answer {
            CookieChange::Keep => Change::Keep,
            CookieChange::Remove => Change::Remove { decided },
            CookieChange::Send { life, .. } => {
                if life.is_some_and(|life| self.now().after(life) < record.absolute_deadline()) {
                    self.breaks(Law::CookieOutlivesRecord);
                }
                Change::Send {
                    ticket: ticket.clone(),
                    decided,
                }
            }
        }
    }

    /// The cookie that carries `key`, which opens `entry`.
    fn send_key(&mut self, key: &Ticket, entry: &Entry) -> Change {
        let Some(record) = entry.live() else {
            return Change::Keep;
        };
        let answer = self.decisions.send(key.key().clone(), record, self.now());
        self.change(answer, key, record)
    }

    // What the laws remember.

    /// The keys that a handler's write has put in force.
    fn note_keys(&mut self, request: &Request, ticket: &Ticket, kept: &Entry) {
        let Some(key) = self.key_after(request, ticket, kept) else {
            return;
        };
        match request.task {
            Task::Extend => self.note_renewed(ticket, &key),
            _ => self.note_replaced(&key, Replacement::NoGrace),
        }
    }

    fn note_renewed(&mut self, old: &Ticket, next: &Ticket) {
        self.note_handed(old, next);
        self.state.ghost.secrets.insert(next.clone(), Fate::Works);
    }

    fn breaks(&mut self, law: Law) {
        self.state.ghost.broken.insert(law);
    }

    fn check_works(&mut self, ticket: &Ticket) {
        let works = self.state.ghost.secrets.get(ticket) == Some(&Fate::Works)
            && !self.state.ghost.dead.contains(&ticket.session());
        if !works {
            self.breaks(Law::OnlyWorkingKeysWrite);
        }
    }

    fn check_untouched(&mut self, session: u8, before: Option<Vec<u8>>) {
        if before.is_some() && self.value(session) != before {
            self.breaks(Law::UpkeepKeepsTheValue);
        }
    }

    fn was_just_replaced(&self, ticket: &Ticket) -> bool {
        !self.state.ghost.dead.contains(&ticket.session())
            && matches!(self.state.ghost.secrets.get(ticket), Some(&Fate::Replaced { at, .. })
                if self.state.at - at < SUPERSEDED_FOR.as_secs())
    }

    fn note_handed(&mut self, old: &Ticket, next: &Ticket) {
        let known = self
            .state
            .ghost
            .handed
            .entry(old.clone())
            .or_insert_with(|| next.clone());
        if known != next {
            self.breaks(Law::OneSuccessor);
        }
    }

    /// From now on `ticket` alone opens its session.
    fn note_replaced(&mut self, ticket: &Ticket, how: Replacement) {
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
            if entry
                .live()
                .is_none_or(|record| record.expires_at().has_passed(now))
            {
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

impl Visit {
    const fn closed(door: Door) -> Self {
        Self {
            door,
            held: None,
            change: Change::Keep,
            tries: 0,
        }
    }
}
