//! The runner: puts an operation's questions to the store.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};

use super::keyed_lock::KeyedGuard;
use super::{Manager, Scope};
use crate::key::PublicId;
use crate::policy::Principal;
use crate::protocol::steps::{Answer, Ask, Step, Steps};
use crate::record::Stored;
use crate::store::{Ended, Indexed, Inserted, Io, Lookup, StoreError, Swap};
use crate::value::SessionValue;

/// An operation in progress.
///
/// It has run as far as the store answered at once: an answer that is ready costs no future. If it
/// is dropped, the store call on its way happens completely or not at all, and no other follows.
#[must_use = "an operation goes on only while it is polled"]
pub(crate) struct Run<'a, V: SessionValue, O: Steps<Scope<'a, V>>> {
    scope: Scope<'a, V>,
    operation: O,
    stage: Stage<'a, O::Outcome>,
    turns: Turns,
}

enum Stage<'a, T> {
    Asked(Pending<'a>),
    Done(T),
    Taken,
}

/// The turns that the operation has been given, which last until it is over.
#[derive(Default)]
struct Turns {
    writer: Option<KeyedGuard<PublicId>>,
    login: Option<KeyedGuard<Principal>>,
}

impl<'a, V: SessionValue, O: Steps<Scope<'a, V>>> Run<'a, V, O> {
    /// Starts an operation.
    pub(super) fn new(scope: Scope<'a, V>, operation: O) -> Self {
        let mut run = Self { scope, operation, stage: Stage::Taken, turns: Turns::default() };
        let first = run.operation.start(&run.scope);
        run.advance(first);
        run
    }

    /// The outcome, if it is there.
    pub(crate) fn into_ready(mut self) -> Result<O::Outcome, Self> {
        match std::mem::replace(&mut self.stage, Stage::Taken) {
            Stage::Done(outcome) => Ok(outcome),
            stage => {
                self.stage = stage;
                Err(self)
            }
        }
    }

    /// Goes on for as long as the store answers at once.
    fn advance(&mut self, mut next: Step<O::Outcome>) {
        loop {
            let ask = match next {
                Step::Ask(ask) => ask,
                Step::Done(outcome) => {
                    self.stage = Stage::Done(outcome);
                    return;
                }
            };
            match Pending::new(self.scope.manager, ask).into_ready() {
                Ok(answer) => next = self.operation.step(&self.scope, answer),
                Err(pending) => {
                    self.stage = Stage::Asked(pending);
                    return;
                }
            }
        }
    }
}

impl<'a, V: SessionValue, O: Steps<Scope<'a, V>>> Unpin for Run<'a, V, O> {}

impl<'a, V: SessionValue, O: Steps<Scope<'a, V>>> Future for Run<'a, V, O> {
    type Output = O::Outcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> Poll<O::Outcome> {
        let this = &mut *self;
        loop {
            match std::mem::replace(&mut this.stage, Stage::Taken) {
                Stage::Done(outcome) => return Poll::Ready(outcome),
                Stage::Asked(mut pending) => match pending.poll(context, &mut this.turns) {
                    Poll::Ready(answer) => {
                        let next = this.operation.step(&this.scope, answer);
                        this.advance(next);
                    }
                    Poll::Pending => {
                        this.stage = Stage::Asked(pending);
                        return Poll::Pending;
                    }
                },
                // Polled after completion, which a future may answer as it likes.
                Stage::Taken => return Poll::Pending,
            }
        }
    }
}

type Call<'a, T> = Io<'a, Result<T, StoreError>>;
type Turn<'a, T> = Pin<Box<dyn Future<Output = KeyedGuard<T>> + Send + 'a>>;

/// A question on its way.
enum Pending<'a> {
    Lookup(Call<'a, Lookup>),
    Stored(Call<'a, Option<Stored>>),
    Inserted(Call<'a, Inserted>),
    Swapped(Call<'a, Swap>),
    Touched(Call<'a, bool>),
    Ended(Call<'a, Ended>),
    Indexed(Call<'a, Indexed>),
    WriterTurn(Turn<'a, PublicId>),
    LoginTurn(Turn<'a, Principal>),
}

impl<'a> Pending<'a> {
    /// Puts a question to the store.
    fn new<V>(manager: &'a Manager<V>, ask: Ask) -> Self {
        let store = &*manager.store;
        match ask {
            Ask::GetCached(id) => Self::Lookup(store.get_cached(id)),
            Ask::Get(id) => Self::Stored(store.get(id)),
            Ask::Insert(id, record) => Self::Inserted(store.insert(id, record)),
            Ask::Replace(id, expected, record) => {
                Self::Swapped(store.replace(id, expected, record))
            }
            Ask::Touch(id, expected, deadline) => {
                Self::Touched(store.touch(id, expected, deadline))
            }
            Ask::EndIf(id, expected, ending) => Self::Swapped(store.end_if(id, expected, ending)),
            Ask::End(id, ending) => Self::Ended(store.end(id, ending)),
            Ask::IndexLogin(login) => Self::Indexed(store.index_login(login)),
            Ask::WriterTurn(id) => Self::WriterTurn(Box::pin(manager.writers.acquire(id))),
            Ask::LoginTurn(principal) => {
                Self::LoginTurn(Box::pin(manager.logins.acquire(principal)))
            }
        }
    }

    fn into_ready(self) -> Result<Answer, Self> {
        match self {
            Self::Lookup(call) => call.into_ready().map(Answer::Lookup).map_err(Self::Lookup),
            Self::Stored(call) => call.into_ready().map(Answer::Stored).map_err(Self::Stored),
            Self::Inserted(call) => call.into_ready().map(Answer::Inserted).map_err(Self::Inserted),
            Self::Swapped(call) => call.into_ready().map(Answer::Swapped).map_err(Self::Swapped),
            Self::Touched(call) => call.into_ready().map(Answer::Touched).map_err(Self::Touched),
            Self::Ended(call) => call.into_ready().map(Answer::Ended).map_err(Self::Ended),
            Self::Indexed(call) => call.into_ready().map(Answer::Indexed).map_err(Self::Indexed),
            turn @ (Self::WriterTurn(_) | Self::LoginTurn(_)) => Err(turn),
        }
    }

    fn poll(&mut self, context: &mut TaskContext<'_>, turns: &mut Turns) -> Poll<Answer> {
        Poll::Ready(match self {
            Self::Lookup(call) => Answer::Lookup(ready!(Pin::new(call).poll(context))),
            Self::Stored(call) => Answer::Stored(ready!(Pin::new(call).poll(context))),
            Self::Inserted(call) => Answer::Inserted(ready!(Pin::new(call).poll(context))),
            Self::Swapped(call) => Answer::Swapped(ready!(Pin::new(call).poll(context))),
            Self::Touched(call) => Answer::Touched(ready!(Pin::new(call).poll(context))),
            Self::Ended(call) => Answer::Ended(ready!(Pin::new(call).poll(context))),
            Self::Indexed(call) => Answer::Indexed(ready!(Pin::new(call).poll(context))),
            Self::WriterTurn(turn) => {
                turns.writer = Some(ready!(turn.as_mut().poll(context)));
                Answer::Turn
            }
            Self::LoginTurn(turn) => {
                turns.login = Some(ready!(turn.as_mut().poll(context)));
                Answer::Turn
            }
        })
    }
}
