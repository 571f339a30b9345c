//! A session's entry in the principal index, while its sign-in is in progress.

use std::mem;
use std::time::Duration;

use super::super::{Failure, Rules as _, Seat, is_open_without_proof, live_record_of};
use super::end::report_end;
use super::write::{INDEX_MARGIN, MAX_ATTEMPTS};
use super::{Answer, Ask, Context, KeptError, Next, Step};
use crate::key::PublicId;
use crate::observe::Event;
use crate::policy::{Principal, SessionLimit};
use crate::record::{EndReason, Record, Stored};
use crate::store::{
    Ended, IndexEntry, IndexLogin, Indexed, Outcome, StoreError, StoreErrorKind, Swap,
};
use crate::time::Timestamp;

/// A session's entry in the principal index, while its sign-in is in progress.
///
/// The entry is written before the record names the principal, so that every session that does is
/// listed, and once more after: meanwhile, a rival that made room could mistake an entry without a
/// record for a leftover, and a revocation could find no record to end. A sign-in that has been
/// answered was in the index *after* its record was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Reservation {
    principal: Principal,
    id: PublicId,
    until: Timestamp,
    authenticated_at: Timestamp,
    record: RecordState,
    /// What the record becomes again if the sign-in is refused once it is written.
    before: Option<Box<Record>>,
    attempts: u32,
    /// Whether another session has been ended.
    has_made_room: bool,
    state: State,
}

/// Whether the session's record names the principal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum RecordState {
    /// It does not yet.
    Unwritten,
    /// This sign-in has written it, as this record. If the sign-in is then refused, the session is
    /// what it was before, or is ended, unless another sign-in has followed: the key was never
    /// sent.
    Written(Record),
    /// A newer sign-in has written it, and this one only repeats that. If it is refused, the
    /// session goes on.
    Repeated,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
enum State {
    #[default]
    Idle,
    /// With a session limit, sign-ins of one principal run one at a time in this process, so that
    /// they compete with other nodes only.
    Waiting,
    Indexing(IndexLogin),
    /// The entry may have been written. Repeating that is safe.
    Repeating(IndexLogin, KeptError),
    /// The index is full, although the record is written. Has a rival ended this session?
    Checking(Vec<IndexEntry>),
    MakingRoom(Room),
    /// The sign-in is refused, and its session is being ended.
    Withdrawing(Refusal),
    /// The sign-in is refused, and its session is being given back what it was.
    Restoring(Refusal),
}

/// What is known of the principal's other sessions while room is made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Room {
    entries: Vec<IndexEntry>,
    /// Those that have been looked at.
    seen: Vec<Seat>,
    /// The sessions to end, once that is decided, and how many of them have been.
    excess: Vec<PublicId>,
    ended: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Refusal {
    TooMany,
    Revoked,
}

impl Reservation {
    /// An entry for session `id`, which ends at `until`.
    pub(super) fn new(
        principal: Principal,
        id: PublicId,
        until: Timestamp,
        authenticated_at: Timestamp,
    ) -> Self {
        let until = until.after(INDEX_MARGIN);
        let (record, attempts, state) = (RecordState::Unwritten, 0, State::Idle);
        Self {
            principal,
            id,
            until,
            authenticated_at,
            record,
            before: None,
            attempts,
            has_made_room: false,
            state,
        }
    }

    /// An entry for a session whose record names the principal already.
    pub(super) fn of_record(id: PublicId, record: &Record, principal: Principal) -> Self {
        let at = record.authenticated_at().unwrap_or(Timestamp::EPOCH);
        let reservation = Self::new(principal, id, record.absolute_deadline(), at);
        Self { record: RecordState::Written(record.clone()), ..reservation }
    }

    /// Whether the session's record names the principal.
    pub(super) const fn record(&self) -> &RecordState {
        &self.record
    }

    /// Enters the session, before its record names the principal.
    ///
    /// An operation that already has its turn must not ask for it again: it would wait for itself.
    pub(super) fn reserve<C: Context>(&mut self, context: &C, has_turn: bool) -> Next<()> {
        if context.policy().limit.is_some() && !has_turn {
            self.state = State::Waiting;
            return Ok(Step::Ask(Ask::LoginTurn(self.principal.clone())));
        }
        self.index(context, Vec::new())
    }

    /// Keeps the entry for as long as the session lasts that is written, which can be longer than
    /// what was read: another request gave it another lifetime meanwhile.
    pub(super) fn last_until(&mut self, deadline: Timestamp) {
        self.until = self.until.max(deadline.after(INDEX_MARGIN));
    }

    /// Gives the session this record back if the sign-in is refused, instead of ending it.
    pub(super) fn restore(&mut self, before: Option<Record>) {
        self.before = before.map(Box::new);
    }

    /// Makes sure that the session, whose record is now written, is still in the index.
    pub(super) fn confirm<C: Context>(&mut self, context: &C, record: RecordState) -> Next<()> {
        // One millisecond later, so that a rival that saw the entry without its record finds it
        // changed.
        self.until = self.until.after(Duration::from_millis(1));
        self.record = record;
        self.attempts = 0;
        self.index(context, Vec::new())
    }

    /// Once the record is written, or another session has ended for it, no failure of the store
    /// says that nothing happened.
    pub(super) fn step<C: Context>(&mut self, context: &C, answer: Answer) -> Next<()> {
        self.advance(context, answer).map_err(|failure| match &self.record {
            RecordState::Unwritten if !self.has_made_room => failure,
            _ => failure.of_unknown_outcome(),
        })
    }

    fn advance<C: Context>(&mut self, context: &C, answer: Answer) -> Next<()> {
        match (mem::take(&mut self.state), answer) {
            (State::Waiting, Answer::LoginTurn) => self.index(context, Vec::new()),
            (State::Indexing(login), Answer::Indexed(Err(error)))
                if error.outcome() == Outcome::Unknown =>
            {
                self.state = State::Repeating(login.clone(), KeptError(error));
                Ok(Step::Ask(Ask::IndexLogin(login)))
            }
            (State::Indexing(_), Answer::Indexed(indexed)) => self.indexed(context, indexed),
            (State::Repeating(_, first), Answer::Indexed(indexed)) => {
                self.indexed(context, indexed.map_err(|_| first.0))
            }
            (State::Checking(entries), Answer::Stored(Ok(stored))) => {
                // A rival has ended this session, as it could have a moment after the answer. Do
                // not end another one for it.
                match live_record_of(stored, &self.principal, context.now()) {
                    None => Ok(Step::Done(())),
                    Some(_) => self.make_room(context, entries),
                }
            }
            (State::Checking(_), Answer::Stored(Err(error))) => Err(error.into()),
            (State::MakingRoom(room), Answer::Stored(stored)) => {
                self.look_at(context, room, stored)
            }
            (State::MakingRoom(room), Answer::Ended(ended)) => self.ended(context, room, ended),
            (State::MakingRoom(room), Answer::Swapped(swap)) => match swap? {
                Swap::Done => self.ended(context, room, Ok(Ended::Now)),
                Swap::Gone => self.ended(context, room, Ok(Ended::Already)),
                Swap::Stale(_) => self.index(context, Vec::new()),
            },
            (State::Withdrawing(refusal), Answer::Swapped(swap)) => {
                if let Swap::Done = swap? {
                    let (id, reason) = (self.id, EndReason::Revoked);
                    context.report(&Event::Ended { id, reason });
                }
                Err(refusal.failure())
            }
            (State::Restoring(refusal), Answer::Swapped(swap)) => {
                // Another sign-in has followed, or the session has ended: it stays as it is.
                let (Swap::Done | Swap::Stale(_) | Swap::Gone) = swap?;
                Err(refusal.failure())
            }
            _ => Err(Failure::OutOfOrder),
        }
    }

    fn index<C: Context>(&mut self, context: &C, replacing: Vec<IndexEntry>) -> Next<()> {
        self.attempts += 1;
        if self.attempts > MAX_ATTEMPTS {
            return Err(Failure::Conflict);
        }
        let principal = self.principal.clone();
        let login = index_login(context, principal, self.id, self.until, self.authenticated_at);
        let login = IndexLogin { replacing, ..login };
        self.state = State::Indexing(login.clone());
        Ok(Step::Ask(Ask::IndexLogin(login)))
    }

    fn indexed<C: Context>(
        &mut self,
        context: &C,
        indexed: Result<Indexed, StoreError>,
    ) -> Next<()> {
        match indexed? {
            Indexed::Done => Ok(Step::Done(())),
            Indexed::Revoked => {
                context.report(&Event::LoginRevoked { principal: &self.principal });
                self.refuse(context, Refusal::Revoked)
            }
            Indexed::Full(entries) if self.record != RecordState::Unwritten => {
                self.state = State::Checking(entries);
                Ok(Step::Ask(Ask::Get(self.id)))
            }
            Indexed::Full(entries) => self.make_room(context, entries),
        }
    }

    /// Ends the sessions that the limit chooses, and removes their entries and those whose session
    /// is over.
    fn make_room<C: Context>(&mut self, context: &C, entries: Vec<IndexEntry>) -> Next<()> {
        let seen = Vec::with_capacity(entries.len());
        self.look(context, Room { entries, seen, excess: Vec::new(), ended: 0 })
    }

    /// Asks for the next of the principal's sessions, or decides which to end.
    fn look<C: Context>(&mut self, context: &C, mut room: Room) -> Next<()> {
        if let Some(entry) = room.entries.get(room.seen.len()) {
            let id = entry.id;
            self.state = State::MakingRoom(room);
            return Ok(Step::Ask(Ask::Get(id)));
        }
        let Some(limit) = context.policy().limit else { return self.index(context, Vec::new()) };
        let Some(excess) = context.rules().make_room(limit, &room.seen) else {
            self.report_limit(context);
            return self.refuse(context, Refusal::TooMany);
        };
        room.excess = excess;
        self.end_next(context, room)
    }

    fn look_at<C: Context>(
        &mut self,
        context: &C,
        mut room: Room,
        stored: Result<Option<Stored>, StoreError>,
    ) -> Next<()> {
        let Some(entry) = room.entries.get(room.seen.len()) else {
            return Err(Failure::OutOfOrder);
        };
        let now = context.now();
        let record = match stored {
            Ok(stored) => live_record_of(stored, &self.principal, now),
            // No one can open it.
            Err(error) if error.kind() == StoreErrorKind::Corrupt => None,
            Err(error) => return Err(error.into()),
        };
        room.seen.push(Seat {
            id: entry.id,
            signed_in: record
                .as_ref()
                .map(|record| record.authenticated_at().unwrap_or(record.created())),
            closed: record
                .filter(|record| !is_open_without_proof(record, now))
                .map(|record| record.revision()),
        });
        self.look(context, room)
    }

    fn end_next<C: Context>(&mut self, context: &C, room: Room) -> Next<()> {
        if let Some(&id) = room.excess.get(room.ended) {
            self.report_limit(context);
            let ending = context.rules().end(EndReason::OverLimit, context.now());
            // Its device may have proved itself since: then the session is not given up.
            let is_given_up = context.policy().limit.is_some_and(SessionLimit::rejects_new);
            let mut closed = room.seen.iter().filter(|seat| is_given_up && seat.id == id);
            let closed = closed.find_map(|seat| seat.closed);
            self.state = State::MakingRoom(room);
            return Ok(Step::Ask(match closed {
                Some(revision) => Ask::EndIf(id, revision, ending),
                None => Ask::End(id, ending),
            }));
        }
        let Room { entries, seen, excess, .. } = room;
        let is_over = |entry: &IndexEntry| {
            let is_seen_over = |seat: &Seat| seat.id == entry.id && seat.signed_in.is_none();
            excess.contains(&entry.id) || seen.iter().any(is_seen_over)
        };
        self.index(context, entries.into_iter().filter(is_over).collect())
    }

    fn ended<C: Context>(
        &mut self,
        context: &C,
        mut room: Room,
        ended: Result<Ended, StoreError>,
    ) -> Next<()> {
        let Some(&id) = room.excess.get(room.ended) else { return Err(Failure::OutOfOrder) };
        report_end(context, id, EndReason::OverLimit, ended)?;
        self.has_made_room = true;
        room.ended += 1;
        self.end_next(context, room)
    }

    fn report_limit<C: Context>(&self, context: &C) {
        if let Some(limit) = context.policy().limit {
            let principal = &self.principal;
            context.report(&Event::SessionLimitExceeded { principal, limit: limit.max() });
        }
    }

    fn refuse<C: Context>(&mut self, context: &C, refusal: Refusal) -> Next<()> {
        let RecordState::Written(written) = &self.record else { return Err(refusal.failure()) };
        let revision = written.revision();
        if let Some(before) = self.before.take() {
            let record = before.edited(|fields| fields.revision = revision.next(context.token()));
            self.state = State::Restoring(refusal);
            return Ok(Step::Ask(Ask::Replace(self.id, written.clone(), record)));
        }
        self.state = State::Withdrawing(refusal);
        let ending = context.rules().end(EndReason::Revoked, context.now());
        Ok(Step::Ask(Ask::EndIf(self.id, revision, ending)))
    }
}

/// The entry of a session in the principal index, under the limit of the policy.
pub(super) fn index_login<C: Context>(
    context: &C,
    principal: Principal,
    id: PublicId,
    until: Timestamp,
    authenticated_at: Timestamp,
) -> IndexLogin {
    let login = IndexLogin::new(principal, id, context.policy().kind, until)
        .with_authenticated_at(authenticated_at);
    match context.policy().limit {
        Some(limit) if limit.is_across_kinds() => {
            login.with_limit(limit.max().into(), Vec::new()).across_kinds()
        }
        Some(limit) => login.with_limit(limit.max().into(), Vec::new()),
        None => login,
    }
}

impl Refusal {
    fn failure(self) -> Failure {
        match self {
            Self::TooMany => Failure::TooManySessions,
            Self::Revoked => Failure::LoginRevoked,
        }
    }
}
