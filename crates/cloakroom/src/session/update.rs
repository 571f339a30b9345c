//! How a handle changes its session: by an operation whose result all handles of the request see.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::{RequestState, Session};
use crate::error::Error;
use crate::key::Key;
use crate::manager::{LoadedSession, Scope, SessionState};
use crate::policy::Lifetime;
use crate::protocol::steps::{
    Begin, Context as _, Edit, Loaded, Plan, Planned, Reload, Start, Steps, Write, Written,
    write_value,
};
use crate::protocol::{Failure, NoSession};
use crate::time::Timestamp;
use crate::value::{SessionKind, SessionValue, TypedValue, flash};

impl<V: SessionValue, K: SessionKind> Session<V, K> {
    /// Runs an operation on the request's session as it is now, and takes over its result.
    ///
    /// Every change goes through here. The result is ready if the store answers at once.
    pub(crate) fn run<'a, O, R>(
        &'a mut self,
        operation: impl FnOnce(SessionState<V>) -> O,
    ) -> impl Future<Output = Result<R, Error>>
    where
        O: Steps<Scope<'a, V>, Outcome = Outcome<V, R>>,
    {
        let Self { request, seen, modified, .. } = self;
        let (request, mut handle): (&'a RequestState<V>, _) =
            (request, HandleMut { seen, modified });
        let (session, sent) = request.before_operation();
        match request.start(operation(session)) {
            Ok(outcome) => {
                MaybeReady::Ready(Some(handle.take_over(request, sent.as_ref(), outcome)))
            }
            Err(run) => MaybeReady::Waiting(Box::pin(async move {
                let outcome = run.await;
                handle.take_over(request, sent.as_ref(), outcome)
            })),
        }
    }

    /// Creates a session, whatever session this handle has.
    pub(crate) async fn create(
        &mut self,
        value: Option<V>,
        lifetime: Lifetime,
    ) -> Result<(), Error> {
        let value = value.map(|value| self.manager().typed_value(value));
        let none = SessionState::Absent(NoSession::NoKey);
        self.run(|_| Write::new(none, Start { value, lifetime })).await
    }

    /// Asks the store itself for the session, not a cache; `None` if the request has none.
    pub(super) async fn confirm(
        &mut self,
        how: impl FnOnce(Reload<Arc<TypedValue<V>>>) -> Reload<Arc<TypedValue<V>>>,
    ) -> Result<Option<LoadedSession<V>>, Error> {
        self.seen = self.request.session();
        let credential = match &self.seen {
            SessionState::Live(loaded) => loaded.credential.clone(),
            _ => return self.beginning_refused().map_or(Ok(None), Err),
        };
        Ok(Some(self.request.run(how(Reload::from_store(credential))).await?))
    }
}

/// What an operation on a request's session ends with.
type Outcome<V, R> = Written<Arc<TypedValue<V>>, R>;

/// The parts of a handle that an operation changes.
struct HandleMut<'a, V> {
    seen: &'a mut SessionState<V>,
    modified: &'a mut bool,
}

impl<V> HandleMut<'_, V> {
    /// Takes over the outcome of an operation, and makes it known to the request's other handles.
    #[inline(always)]
    fn take_over<R>(
        &mut self,
        request: &RequestState<V>,
        sent: Option<&Key>,
        outcome: Result<Outcome<V, R>, Failure>,
    ) -> Result<R, Error> {
        match outcome {
            Ok(written) => {
                *self.seen = request.publish(written.session, written.cookie);
                *self.modified |= written.changed;
                Ok(written.result)
            }
            Err(failure) => {
                request.retract(sent, &failure);
                *self.seen = request.session();
                Err(failure.into())
            }
        }
    }
}

/// A result, or the future that brings it.
///
/// A handler's future is moved around, so it holds no operation, only the box of one that waits.
enum MaybeReady<T, F> {
    Ready(Option<T>),
    Waiting(Pin<Box<F>>),
}

impl<T, F> Unpin for MaybeReady<T, F> {}

impl<T, F: Future<Output = T>> Future for MaybeReady<T, F> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        match &mut *self {
            // A future that is polled again once it is over may do as it likes.
            Self::Ready(result) => result.take().map_or(Poll::Pending, Poll::Ready),
            Self::Waiting(future) => future.as_mut().poll(context),
        }
    }
}

/// The change that a closure makes to the value; none if it fails.
pub(super) struct Update<F>(pub(super) F);

impl<V, R, E, F> Plan<Scope<'_, V>> for Update<F>
where
    V: SessionValue,
    F: FnMut(&mut V) -> Result<R, E>,
{
    type Result = Result<R, E>;

    fn change(
        &mut self,
        scope: &Scope<'_, V>,
        loaded: &Loaded<Arc<TypedValue<V>>>,
        now: Timestamp,
    ) -> Result<Planned<Arc<TypedValue<V>>, Result<R, E>>, Failure> {
        let before = loaded.value.as_ref().map(|typed_value| &typed_value.value);
        let mut value = before.cloned().unwrap_or_default();
        let result = flash::kept_if(scope.is_speculative(), || (self.0)(&mut value));
        if result.is_err() || before == Some(&value) {
            return Ok(Planned::Keep(result));
        }
        let value = scope.manager.typed_value(value);
        Ok(Planned::Write(write_value(scope, loaded, value, now)?, result))
    }

    fn begin(
        &mut self,
        scope: &Scope<'_, V>,
        _: NoSession,
    ) -> Result<Begin<Arc<TypedValue<V>>, Result<R, E>>, Failure> {
        let mut value = scope.manager.default_value.value.clone();
        let result = flash::kept_if(scope.is_speculative(), || (self.0)(&mut value));
        if result.is_err() || value == scope.manager.default_value.value {
            return Ok(Begin::Nothing(result));
        }
        let value = scope.manager.typed_value(value);
        Ok(Begin::Create(Some(value), scope.lifetime(), result))
    }
}

/// The change that a closure makes to the value while a user is signed in.
pub(super) struct EditWith<F>(pub(super) F);

impl<V: SessionValue, F: FnMut(&mut V)> Edit<Scope<'_, V>> for EditWith<F> {
    fn edit(
        &mut self,
        scope: &Scope<'_, V>,
        value: Option<&Arc<TypedValue<V>>>,
    ) -> Option<Arc<TypedValue<V>>> {
        let before = value.map(|typed_value| &typed_value.value);
        let mut value = before.cloned().unwrap_or_default();
        flash::kept_if(scope.is_speculative(), || (self.0)(&mut value));
        (before != Some(&value)).then(|| scope.manager.typed_value(value))
    }
}
