//! The runner: puts an operation's questions to the store.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};

use super::keyed_lock::{KeyedGuard, Left as KeyedLeft};
use super::{Manager, Scope};
use crate::key::PublicId;
use crate::policy::Principal;
use crate::protocol::Failure;
use crate::protocol::steps::{Answer, Ask, Left, Next, Step, Steps};
use crate::record::{Record, Revision, Stored};
use crate::store::{Ended, Indexed, Inserted, Io, Lookup, Outcome, StoreError, Swap};
use crate::value::SessionValue;

/// An operation that waits for the store.
///
/// If it is dropped, the store call on its way happens completely or not at all, and no other
/// follows.
#[must_use = "an operation goes on only while it is polled"]
pub(crate) struct Run<'a, V: SessionValue, O: Steps<Scope<'a, V>>> {
    scope: Scope<'a, V>,
    operation: O,
    /// The question on its way; `None` once the operation is over.
    pending: Option<Pending<'a>>,
    turns: Turns,
}

/// The turns that the operation has been given, which last until it is over, or until a write has
/// its place in the store's queue.
#[derive(Default)]
struct Turns {
    writer: Option<WriterTurn>,
    login: Option<KeyedGuard<Principal>>,
    /// Whether a write was not made: the next one is made alone.
    writes_alone: bool,
}

/// A turn among the writers of a session.
struct WriterTurn {
    guard: KeyedGuard<PublicId, Record>,
    /// What is being written.
    writing: Option<Record>,
}

impl WriterTurn {
    /// The write has its place in a queue, so the next writer can go on with the record that is
    /// about to be written: the queue carries out the one after the other, or both as one.
    ///
    /// Not if it is known to lose, because what others are about to write is not what it was
    /// planned on: then the next writer waits for what the store says.
    fn pass_on(&mut self, seen: Revision, record: &Record) {
        let can_win = |left: &KeyedLeft<Record>| left.is_certain() || left.what.revision() == seen;
        if self.guard.is_holder() && self.guard.left().as_ref().is_none_or(can_win) {
            self.guard.pass_on(record.clone());
        }
    }

    /// The write was answered.
    fn answered(&mut self, swap: &Result<Swap, StoreError>) {
        let Some(record) = self.writing.take() else { return };
        match swap {
            Ok(Swap::Done) if self.guard.is_holder() => self.guard.leave(record),
            Ok(Swap::Stale(current)) if self.guard.is_holder() => self.guard.leave(current.clone()),
            Ok(Swap::Done) => self.guard.confirm(),
            Ok(Swap::Stale(current)) => self.guard.withdraw(Some(current.clone())),
            Ok(Swap::Gone) | Err(_) => self.guard.withdraw(None),
        }
    }

    fn answer(&self) -> Answer {
        let left = self.guard.left();
        let left = left.map(|left| Left { is_certain: left.is_certain(), record: left.what });
        Answer::WriterTurn(left)
    }
}

/// The outcome of an operation, or the future of one that waits for the store.
pub(crate) type Started<'a, V, O> =
    Result<Result<<O as Steps<Scope<'a, V>>>::Outcome, Failure>, Run<'a, V, O>>;

/// Runs an operation as far as the store answers at once: an answer that is ready costs no future.
#[inline(always)]
pub(super) fn start<'a, V: SessionValue, O: Steps<Scope<'a, V>>>(
    scope: Scope<'a, V>,
    mut operation: O,
) -> Started<'a, V, O> {
    match operation.start(&scope) {
        Ok(Step::Ask(ask)) => match put(scope.manager, ask) {
            Ok(answer) => match operation.step(&scope, answer) {
                Ok(Step::Done(outcome)) => Ok(Ok(outcome)),
                next => go_on(scope, operation, next),
            },
            Err(pending) => Err(Run::waiting(scope, operation, pending)),
        },
        Ok(Step::Done(outcome)) => Ok(Ok(outcome)),
        Err(failure) => Ok(Err(failure)),
    }
}

/// The rest of an operation that asks more than one question. Apart, because most ask one.
#[inline(never)]
fn go_on<'a, V: SessionValue, O: Steps<Scope<'a, V>>>(
    scope: Scope<'a, V>,
    mut operation: O,
    next: Next<O::Outcome>,
) -> Started<'a, V, O> {
    // The first turn is a question that has to be waited for.
    let mut none = Turns::default();
    match advance(&scope, &mut operation, &mut none, next) {
        Ok(outcome) => Ok(outcome),
        Err(pending) => Err(Run::waiting(scope, operation, pending)),
    }
}

/// Goes on for as long as the store answers at once.
fn advance<'a, V: SessionValue, O: Steps<Scope<'a, V>>>(
    scope: &Scope<'a, V>,
    operation: &mut O,
    turns: &mut Turns,
    mut next: Next<O::Outcome>,
) -> Result<Result<O::Outcome, Failure>, Pending<'a>> {
    loop {
        match next {
            Ok(Step::Ask(ask)) => {
                let answer = match &mut turns.writer {
                    None => put(scope.manager, ask)?,
                    Some(turn) => {
                        let passes_on = !O::TAKES_BACK && !turns.writes_alone;
                        put_in_turn(scope.manager, turn, passes_on, ask)?
                    }
                };
                next = operation.step(scope, answer);
            }
            Ok(Step::Done(outcome)) => return Ok(Ok(outcome)),
            Err(failure) => return Ok(Err(failure)),
        }
    }
}

impl<'a, V: SessionValue, O: Steps<Scope<'a, V>>> Run<'a, V, O> {
    fn waiting(scope: Scope<'a, V>, operation: O, pending: Pending<'a>) -> Self {
        Self { scope, operation, pending: Some(pending), turns: Turns::default() }
    }
}

impl<'a, V: SessionValue, O: Steps<Scope<'a, V>>> Unpin for Run<'a, V, O> {}

impl<'a, V: SessionValue, O: Steps<Scope<'a, V>>> Future for Run<'a, V, O> {
    type Output = Result<O::Outcome, Failure>;

    fn poll(mut self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let Self { scope, operation, pending, turns } = &mut *self;
        // A future that is polled again once it is over may do as it likes.
        let Some(asked) = pending else { return Poll::Pending };
        loop {
            let answer = ready!(asked.poll(context, turns));
            let next = operation.step(scope, answer);
            match advance(scope, operation, turns, next) {
                Err(next) => *asked = next,
                Ok(outcome) => {
                    *pending = None;
                    return Poll::Ready(outcome);
                }
            }
        }
    }
}

type Call<'a, T> = Io<'a, Result<T, StoreError>>;
type Turn<'a, T, L = ()> = Pin<Box<dyn Future<Output = KeyedGuard<T, L>> + Send + 'a>>;

/// A question on its way.
enum Pending<'a> {
    Lookup(Call<'a, Lookup>),
    Stored(Call<'a, Option<Stored>>),
    StoredEach(Each<'a>),
    Inserted(Call<'a, Inserted>),
    Swapped(Call<'a, Swap>),
    Touched(Call<'a, bool>),
    Ended(Call<'a, Ended>),
    Indexed(Call<'a, Indexed>),
    Revoked(Call<'a, ()>),
    Erased(Call<'a, ()>),
    Listed(Call<'a, Vec<PublicId>>),
    WriterTurn(Turn<'a, PublicId, Record>),
    LoginTurn(Turn<'a, Principal>),
}

/// Whether the store says that it did nothing.
fn is_not_sent(swap: &Result<Swap, StoreError>) -> bool {
    swap.as_ref().is_err_and(|error| error.outcome() == Outcome::NotSent)
}

/// Puts a question of an operation that has, or had, its turn among the session's writers.
fn put_in_turn<'a, V>(
    manager: &'a Manager<V>,
    turn: &mut WriterTurn,
    passes_on: bool,
    ask: Ask,
) -> Result<Answer, Pending<'a>> {
    match ask {
        Ask::WriterTurn(_) if turn.guard.is_holder() => Ok(turn.answer()),
        Ask::Replace(id, seen, record) => {
            let revision = seen.revision();
            let asked = put(manager, Ask::Replace(id, seen, record.clone()));
            match &asked {
                Err(Pending::Swapped(call)) if passes_on && call.is_queued() => {
                    turn.pass_on(revision, &record);
                }
                _ => {}
            }
            turn.writing = Some(record);
            if let Ok(Answer::Swapped(swap)) = &asked {
                turn.answered(swap);
            }
            asked
        }
        ask => put(manager, ask),
    }
}

/// Puts a question to the store.
#[inline]
fn put<V>(manager: &Manager<V>, ask: Ask) -> Result<Answer, Pending<'_>> {
    fn ready<'a, T>(
        call: Call<'a, T>,
        answer: fn(Result<T, StoreError>) -> Answer,
        pending: fn(Call<'a, T>) -> Pending<'a>,
    ) -> Result<Answer, Pending<'a>> {
        call.into_ready().map(answer).map_err(pending)
    }

    let store = &*manager.store;
    match ask {
        Ask::GetCached(id) => ready(store.get_cached(id), Answer::Lookup, Pending::Lookup),
        Ask::Get(id) => ready(store.get(id), Answer::Stored, Pending::Stored),
        Ask::GetEach(ids) => {
            Err(Pending::StoredEach(Each::of(ids.into_iter().map(|id| store.get(id)))))
        }
        Ask::Insert(id, record) => {
            ready(store.insert(id, record), Answer::Inserted, Pending::Inserted)
        }
        Ask::Replace(id, seen, record) => {
            let replaced = store.replace(id, &seen, record, manager.now());
            ready(replaced, Answer::Swapped, Pending::Swapped)
        }
        Ask::Touch(id, expected, deadline) => {
            ready(store.touch(id, expected, deadline), Answer::Touched, Pending::Touched)
        }
        Ask::EndIf(id, expected, ending) => {
            ready(store.end_if(id, expected, ending), Answer::Swapped, Pending::Swapped)
        }
        Ask::End(id, ending) => ready(store.end(id, ending), Answer::Ended, Pending::Ended),
        Ask::IndexLogin(login) => ready(
            store.index_login(login.with_now(manager.now())),
            Answer::Indexed,
            Pending::Indexed,
        ),
        Ask::RevokeBefore(principal, before, until) => {
            ready(store.revoke_before(&principal, before, until), Answer::Revoked, Pending::Revoked)
        }
        Ask::Erase(principal, ended, until) => {
            ready(store.erase(&principal, ended, until), Answer::Erased, Pending::Erased)
        }
        Ask::SessionsOf(principal, kind, page) => {
            ready(store.sessions_of(&principal, kind, page), Answer::Listed, Pending::Listed)
        }
        Ask::WriterTurn(id) => {
            Err(Pending::WriterTurn(Box::pin(manager.writers.acquire(id, &*manager.clock))))
        }
        Ask::LoginTurn(principal) => {
            Err(Pending::LoginTurn(Box::pin(manager.logins.acquire(principal, &*manager.clock))))
        }
    }
}

impl Pending<'_> {
    fn poll(&mut self, context: &mut TaskContext<'_>, turns: &mut Turns) -> Poll<Answer> {
        Poll::Ready(match self {
            Self::Lookup(call) => Answer::Lookup(ready!(Pin::new(call).poll(context))),
            Self::Stored(call) => Answer::Stored(ready!(Pin::new(call).poll(context))),
            Self::StoredEach(each) => Answer::StoredEach(ready!(each.poll(context))),
            Self::Inserted(call) => Answer::Inserted(ready!(Pin::new(call).poll(context))),
            Self::Swapped(call) => {
                let swap = ready!(Pin::new(call).poll(context));
                if let Some(turn) = &mut turns.writer {
                    turns.writes_alone |= turn.writing.is_some() && is_not_sent(&swap);
                    turn.answered(&swap);
                }
                Answer::Swapped(swap)
            }
            Self::Touched(call) => Answer::Touched(ready!(Pin::new(call).poll(context))),
            Self::Ended(call) => Answer::Ended(ready!(Pin::new(call).poll(context))),
            Self::Indexed(call) => Answer::Indexed(ready!(Pin::new(call).poll(context))),
            Self::Revoked(call) => Answer::Revoked(ready!(Pin::new(call).poll(context))),
            Self::Erased(call) => Answer::Erased(ready!(Pin::new(call).poll(context))),
            Self::Listed(call) => Answer::Listed(ready!(Pin::new(call).poll(context))),
            Self::WriterTurn(turn) => {
                let guard = ready!(turn.as_mut().poll(context));
                let turn = WriterTurn { guard, writing: None };
                let answer = turn.answer();
                turns.writer = Some(turn);
                answer
            }
            Self::LoginTurn(turn) => {
                turns.login = Some(ready!(turn.as_mut().poll(context)));
                Answer::LoginTurn
            }
        })
    }
}

/// Several reads at the same time, which stores send as one batch.
struct Each<'a>(Vec<Read<'a>>);

/// A read that is on its way, or its answer.
type Read<'a> = Result<Result<Option<Stored>, StoreError>, Call<'a, Option<Stored>>>;

impl<'a> Each<'a> {
    fn of(calls: impl Iterator<Item = Call<'a, Option<Stored>>>) -> Self {
        Self(calls.map(Call::into_ready).collect())
    }

    fn poll(
        &mut self,
        context: &mut TaskContext<'_>,
    ) -> Poll<Vec<Result<Option<Stored>, StoreError>>> {
        let mut is_ready = true;
        for read in &mut self.0 {
            if let Err(call) = read {
                match Pin::new(call).poll(context) {
                    Poll::Ready(answer) => *read = Ok(answer),
                    Poll::Pending => is_ready = false,
                }
            }
        }
        if !is_ready {
            return Poll::Pending;
        }
        Poll::Ready(std::mem::take(&mut self.0).into_iter().filter_map(Result::ok).collect())
    }
}
