//! What a client keeps: its cookies, and a bearer token.

use cloakroom::key::Carrier;
use cloakroom::policy::SameSite;
use cloakroom::protocol::{PresentedKeys, RequestOrigin};

use crate::flaws::Twist;
use crate::model_key::ModelKey;

/// Where a cookie belongs. Two cookies of one name can exist if their scopes differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Scope {
    /// The host that the library sets cookies for.
    Host,
    /// Its parent domain, for which an earlier deployment set them.
    Parent,
}

/// A cookie jar, which all tabs of a browser share; or what a program keeps.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Jar {
    /// In the order in which they were created, which is the order in which they are sent.
    cookies: Vec<(Scope, ModelKey)>,
    bearer: Option<ModelKey>,
}

/// What a request presents.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Presented {
    /// The bearer token, if there is one, and the cookies.
    pub(crate) keys: Vec<ModelKey>,
    /// Which site started the request.
    pub(crate) origin: RequestOrigin,
    /// Whether the cookie is there that goes with a `SameSite=Strict` one.
    pub(crate) is_marked: bool,
}

/// What a response says about the cookie, and when that was decided.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) enum Change {
    #[default]
    Keep,
    Send(ModelKey, u64),
    Remove(u64),
}

impl Jar {
    pub(crate) fn of(cookies: Vec<(Scope, ModelKey)>) -> Self {
        Self { cookies, bearer: None }
    }

    /// What a client keeps that was given one key.
    pub(crate) fn one(key: ModelKey) -> Self {
        match key.key().carrier() {
            Carrier::Cookie => Self::of(vec![(Scope::Host, key)]),
            Carrier::Bearer => Self { cookies: Vec::new(), bearer: Some(key) },
        }
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &ModelKey> {
        self.bearer.iter().chain(self.cookies.iter().map(|(_, key)| key))
    }

    #[must_use = "the changed jar is returned"]
    pub(crate) fn with_bearer(self, token: ModelKey) -> Self {
        Self { bearer: Some(token), ..self }
    }

    /// A jar with a copy of the first key, which its client sends in this way.
    pub(crate) fn copied(&self, carrier: Carrier) -> Self {
        let first = self.keys().next().map(|key| key.carried_by(carrier));
        first.map_or_else(Self::default, Self::one)
    }

    /// What a request presents that this site or its user started.
    pub(crate) fn present(&self) -> Presented {
        Presented { keys: self.keys().cloned().collect(), ..Presented::default() }
    }

    /// What a browser sends with a request of this origin: no bearer token if another site started
    /// it, and the cookies as their `SameSite` attribute says.
    pub(crate) fn present_from(
        &self,
        origin: RequestOrigin,
        same_site: Option<SameSite>,
    ) -> Presented {
        let Some(same_site) = same_site.filter(|_| origin != RequestOrigin::SameSite) else {
            return self.present();
        };
        let is_sent = match same_site {
            SameSite::Strict => false,
            SameSite::Lax => origin == RequestOrigin::Link,
            SameSite::None => true,
        };
        let sent = self.cookies.iter().filter(|_| is_sent);
        Presented {
            keys: sent.map(|(_, key)| key.clone()).collect(),
            origin,
            // It is Lax, and set and removed with the key.
            is_marked: same_site == SameSite::Strict
                && origin == RequestOrigin::Link
                && self.host_cookie().is_some(),
        }
    }

    fn host_cookie(&self) -> Option<usize> {
        self.cookies.iter().position(|(scope, _)| *scope == Scope::Host)
    }

    /// Takes over what a response says. A cookie that is set again keeps its place.
    pub(crate) fn apply(&mut self, change: &Change) {
        match (change, self.host_cookie()) {
            (Change::Send(key, _), _) if key.key().carrier() == Carrier::Bearer => {
                self.bearer = Some(key.clone());
            }
            (Change::Send(key, _), Some(at)) => self.cookies[at].1 = key.clone(),
            (Change::Send(key, _), None) => self.cookies.push((Scope::Host, key.clone())),
            (Change::Remove(_), Some(at)) => drop(self.cookies.remove(at)),
            (Change::Keep, _) | (Change::Remove(_), None) => {}
        }
    }
}

impl Presented {
    /// Whether it has a bearer token and no cookie: then the response sets none.
    pub(crate) fn is_bearer(&self) -> bool {
        let mut carriers = self.keys.iter().map(|key| key.key().carrier());
        !self.keys.is_empty() && carriers.all(|carrier| carrier == Carrier::Bearer)
    }

    pub(crate) fn is_foreign(&self) -> bool {
        self.origin != RequestOrigin::SameSite
    }

    /// The keys as the library reads them.
    pub(crate) fn to_keys(&self, twist: Option<Twist>) -> PresentedKeys {
        let mut keys = PresentedKeys::default();
        let read = if twist == Some(Twist::FirstKeyOnly) { 1 } else { self.keys.len() };
        for key in self.keys.iter().take(read) {
            keys.add(Some(key.key().clone()));
            if twist == Some(Twist::EitherCarrier) {
                keys.add(Some(key.key().carried_by(Carrier::Cookie)));
                keys.add(Some(key.key().carried_by(Carrier::Bearer)));
            }
        }
        if self.is_marked {
            keys.mark();
        }
        keys
    }
}

impl Change {
    /// When it was decided, if it changes the jar.
    pub(crate) const fn decided(&self) -> Option<u64> {
        match self {
            Self::Keep => None,
            Self::Send(_, decided) | Self::Remove(decided) => Some(*decided),
        }
    }
}
