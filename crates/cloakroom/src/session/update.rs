//! How a handle changes its session: by an operation whose result all handles of the request see.

use std::sync::Arc;

use super::Session;
use crate::error::Error;
use crate::manager::{LoadedSession, Scope, SessionState};
use crate::policy::Lifetime;
use crate::protocol::steps::{
    Begin, Context as _, Loaded, Plan, Planned, Reload, Start, Steps, Write, Written, write_value,
};
use crate::protocol::{Failure, NoSession};
use crate::time::Timestamp;
use crate::value::{SessionKind, SessionValue, TypedValue};

impl<V: SessionValue, K: SessionKind> Session<V, K> {
    /// Runs an operation on the request's session as it is now, and takes over its result.
    ///
    /// Every change goes through here.
    pub(crate) async fn run<O, R>(
        &mut self,
        operation: impl FnOnce(SessionState<V>) -> O,
    ) -> Result<R, Error>
    where
        O: for<'a> Steps<Scope<'a, V>, Outcome = Result<Written<Arc<TypedValue<V>>, R>, Failure>>,
    {
        let before = self.request.session();
        let written = match self.request.run(operation(before.clone())).into_ready() {
            Ok(written) => written,
            // Boxed, because it is part of every handler's future, which is moved around.
            Err(run) => Box::pin(run).await,
        };
        let (seen, result) = self.request.publish(written, &before);
        self.seen = seen;
        let (result, changed) = result?;
        self.modified |= changed;
        Ok(result)
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
    pub(super) async fn confirm(&mut self) -> Result<Option<LoadedSession<V>>, Error> {
        self.seen = self.request.session();
        let credential = match &self.seen {
            SessionState::Live(loaded) => loaded.credential.clone(),
            SessionState::Superseded => return Err(Failure::Superseded.into()),
            SessionState::Absent(_) | SessionState::Over => return Ok(None),
        };
        Ok(Some(self.request.run(Reload::from_store(credential)).await?))
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
        let result = (self.0)(&mut value);
        if result.is_err() || before == Some(&value) {
            return Ok(Planned::Keep(result));
        }
        let value = scope.manager.typed_value(value);
        Ok(Planned::Write(write_value(scope, loaded, value, now), result))
    }

    fn begin(
        &mut self,
        scope: &Scope<'_, V>,
        _: NoSession,
    ) -> Result<Begin<Arc<TypedValue<V>>, Result<R, E>>, Failure> {
        let mut value = scope.manager.default_value.value.clone();
        let result = (self.0)(&mut value);
        if result.is_err() || value == scope.manager.default_value.value {
            return Ok(Begin::Nothing(result));
        }
        let value = scope.manager.typed_value(value);
        Ok(Begin::Create(Some(value), scope.lifetime(), result))
    }
}
