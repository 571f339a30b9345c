//! The changes that the library itself makes to a session.

use std::time::Duration;

use super::super::{Failure, NoSession, Rules as _};
use super::{Begin, Context, Credential, Draft, Loaded, Plan, Planned};
use crate::key::{Carrier, Key, Nonce, Secret};
use crate::policy::Lifetime;
use crate::record::Record;
use crate::time::Timestamp;

/// Replaces the value, whatever it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "an argument with two parts")]
pub struct SetValue<T> {
    /// The new value.
    pub value: T,
    /// When the session is to end from now, if it is to end at a fixed time.
    pub expiry: Option<Duration>,
}

impl<C: Context> Plan<C> for SetValue<C::Value> {
    type Result = ();

    fn change(
        &mut self,
        context: &C,
        loaded: &Loaded<C::Value>,
        now: Timestamp,
    ) -> Result<Planned<C::Value, ()>, Failure> {
        match self.expiry {
            None if loaded.record.lifetime().is_explicit() => {
                let record = context.rules().without_expiry(&loaded.record, now);
                let draft = with_value(context, record, self.value.clone())?;
                Ok(Planned::Write(with_lasting_cookie(context, loaded, draft, now)?, ()))
            }
            None if loaded.value.as_ref() == Some(&self.value) => Ok(Planned::Keep(())),
            None => {
                let draft = write_value(context, loaded, self.value.clone(), now)?;
                Ok(Planned::Write(draft, ()))
            }
            Some(expiry) => {
                let record = context.rules().extend(&loaded.record, expiry, now);
                let draft = with_value(context, record, self.value.clone())?;
                Ok(Planned::Write(with_lasting_cookie(context, loaded, draft, now)?, ()))
            }
        }
    }

    fn begin(&mut self, context: &C, _: NoSession) -> Result<Begin<C::Value, ()>, Failure> {
        let lifetime = context.lifetime();
        let lifetime = self.expiry.map_or(lifetime, |expiry| lifetime.exactly(expiry));
        Ok(Begin::Create(Some(self.value.clone()), lifetime, ()))
    }
}

/// Gives a session whose lifetime and cookie are another library's its end, and a new value or the
/// one that it has. Such a session has no principal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "an argument with two parts")]
pub struct SetUntil<T> {
    /// The new value, if it gets one.
    pub value: Option<T>,
    /// When the session is to end. Its absolute timeout counts from now.
    pub deadline: Timestamp,
}

impl<C: Context> Plan<C> for SetUntil<C::Value> {
    type Result = ();

    fn change(
        &mut self,
        context: &C,
        loaded: &Loaded<C::Value>,
        now: Timestamp,
    ) -> Result<Planned<C::Value, ()>, Failure> {
        let lifetime = loaded.record.lifetime().exactly(self.deadline.since(now));
        let record = context.rules().give_lifetime(&loaded.record, lifetime, now);
        let draft = match &self.value {
            Some(value) => with_value(context, record, value.clone())?,
            None => Draft { record, value: loaded.value.clone(), fresh: None },
        };
        Ok(Planned::Write(draft, ()))
    }
}

/// Gives the session other deadlines, and makes its cookie and its index entry last as long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a session's end is fixed or follows from its use")]
pub enum Deadlines {
    /// It ends this long from now.
    Exactly(Duration),
    /// It has this lifetime from now on; it is created if there is none.
    Lifetime(Lifetime),
}

impl<C: Context> Plan<C> for Deadlines {
    type Result = ();

    fn change(
        &mut self,
        context: &C,
        loaded: &Loaded<C::Value>,
        now: Timestamp,
    ) -> Result<Planned<C::Value, ()>, Failure> {
        let (rules, record) = (context.rules(), &loaded.record);
        let record = match *self {
            Self::Exactly(span) => rules.extend(record, span, now),
            Self::Lifetime(lifetime) => rules.give_lifetime(record, lifetime, now),
        };
        let draft = Draft { record, value: loaded.value.clone(), fresh: None };
        Ok(Planned::Write(with_lasting_cookie(context, loaded, draft, now)?, ()))
    }

    fn begin(
        &mut self,
        context: &C,
        no_session: NoSession,
    ) -> Result<Begin<C::Value, ()>, Failure> {
        match *self {
            Self::Exactly(_) => Err(Failure::NoSession(no_session)),
            Self::Lifetime(lifetime) => {
                Ok(Begin::Create(Some(context.default_value()), lifetime, ()))
            }
        }
    }

    fn new_lifetime(&self) -> Option<Lifetime> {
        match *self {
            // It ends no later than it would have.
            Self::Exactly(_) => None,
            Self::Lifetime(lifetime) => Some(lifetime),
        }
    }
}

/// Sets the name that the user gives this client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "an argument")]
pub struct Label(pub Box<str>);

impl<C: Context> Plan<C> for Label {
    type Result = ();

    fn change(
        &mut self,
        context: &C,
        loaded: &Loaded<C::Value>,
        now: Timestamp,
    ) -> Result<Planned<C::Value, ()>, Failure> {
        let client = loaded.record.client().clone().with_label(&self.0);
        if client == *loaded.record.client() {
            return Ok(Planned::Keep(()));
        }
        let used = context.rules().used(&loaded.record, now);
        let record = used.edited(|fields| fields.client = client);
        Ok(Planned::Write(Draft { record, value: loaded.value.clone(), fresh: None }, ()))
    }
}

/// Gives the session a fresh key; the old one opens and writes nothing from then on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Renew(Option<Secret>);

impl<C: Context> Plan<C> for Renew {
    type Result = ();

    fn change(
        &mut self,
        context: &C,
        loaded: &Loaded<C::Value>,
        now: Timestamp,
    ) -> Result<Planned<C::Value, ()>, Failure> {
        if !context.can_send_key() {
            return Err(Failure::HeadersSent);
        }
        let (rules, kind, record) = (context.rules(), context.policy().kind, &loaded.record);
        let key = loaded.key_with(fresh_secret(context, &mut self.0)?);
        let verifier = key.verifier(kind);
        let presented = loaded.key().filter(|_| record.device().is_some());
        // A bound session stays bound, and its next proof is due when it would have been.
        let bound = presented.and_then(|presented| {
            rules.renew_bound(record, &presented.verifier(kind), verifier, now)
        });
        let record = bound.unwrap_or_else(|| rules.replace_secret(record, verifier, now));
        Ok(Planned::Write(Draft { record, value: loaded.value.clone(), fresh: Some(key) }, ()))
    }
}

/// Creates a session; one that exists is left alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "an argument with two parts")]
pub struct Start<T> {
    /// The value, if it is given one.
    pub value: Option<T>,
    /// The lifetime.
    pub lifetime: Lifetime,
}

impl<C: Context> Plan<C> for Start<C::Value> {
    type Result = ();

    fn change(
        &mut self,
        _: &C,
        _: &Loaded<C::Value>,
        _: Timestamp,
    ) -> Result<Planned<C::Value, ()>, Failure> {
        Ok(Planned::Keep(()))
    }

    fn begin(&mut self, _: &C, _: NoSession) -> Result<Begin<C::Value, ()>, Failure> {
        Ok(Begin::Create(self.value.take(), self.lifetime, ()))
    }
}

/// The write of a new value, and nothing else. It is a use of the session, unless the application
/// changes a session that is not the request's own.
pub(crate) fn write_value<C: Context>(
    context: &C,
    loaded: &Loaded<C::Value>,
    value: C::Value,
    now: Timestamp,
) -> Result<Draft<C::Value>, Failure> {
    let record = match loaded.credential {
        Credential::Id(_) => loaded.record.clone(),
        Credential::Key(_) | Credential::KeyFamily(..) | Credential::WithoutProof(..) => {
            context.rules().used(&loaded.record, now)
        }
    };
    with_value(context, record, value)
}

fn with_value<C: Context>(
    context: &C,
    record: Record,
    value: C::Value,
) -> Result<Draft<C::Value>, Failure> {
    let payload = context.payload(&value, record.payload()).map_err(Failure::Unfit)?;
    let record = record.edited(|fields| fields.payload = payload);
    Ok(Draft { record, value: Some(value), fresh: None })
}

/// The draft, with a renewed key if the cookie would otherwise end before the session.
fn with_lasting_cookie<C: Context>(
    context: &C,
    loaded: &Loaded<C::Value>,
    draft: Draft<C::Value>,
    now: Timestamp,
) -> Result<Draft<C::Value>, Failure> {
    let is_renewable = |key: &&Key| key.carrier() == Carrier::Cookie && context.can_renew();
    let Some(key) = loaded.key().filter(is_renewable) else { return Ok(draft) };
    if !context.rules().needs_longer_cookie(&draft.record) {
        return Ok(draft);
    }
    let (kind, nonce) = (context.policy().kind, Nonce::from_bytes(context.random()?));
    Ok(match context.rules().extend_cookie(&draft.record, key, kind, nonce, now) {
        Some((record, key)) => Draft { record, fresh: Some(key), ..draft },
        None => draft,
    })
}

/// The secret that a change gives the session: the same one, however often the change is tried.
pub(super) fn fresh_secret<'a, C: Context>(
    context: &C,
    drawn: &'a mut Option<Secret>,
) -> Result<&'a Secret, Failure> {
    Ok(match drawn {
        Some(secret) => secret,
        None => drawn.insert(Secret::from_bytes(context.random()?)),
    })
}
