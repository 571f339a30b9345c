//! What a client keeps: its cookies, and a bearer token.

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

/// The keys of a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Presented {
    pub(crate) keys: Vec<ModelKey>,
    /// The cookies, if the request has a bearer token, which is used instead.
    pub(crate) hidden: Vec<ModelKey>,
    /// They are bearer tokens: the response sets no cookie.
    pub(crate) is_bearer: bool,
    /// Another site made the browser send the request, without the `SameSite=Lax` cookie.
    pub(crate) is_cross_site: bool,
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

    pub(crate) fn keys(&self) -> impl Iterator<Item = &ModelKey> {
        self.cookies.iter().map(|(_, key)| key).chain(&self.bearer)
    }

    #[must_use = "the changed jar is returned"]
    pub(crate) fn with_bearer(self, token: ModelKey) -> Self {
        Self { bearer: Some(token), ..self }
    }

    /// A jar with copies of the first key as its cookie.
    pub(crate) fn copied(&self) -> Self {
        Self::of(self.keys().take(1).map(|key| (Scope::Host, key.clone())).collect())
    }

    /// What a request presents: nothing, if another site made the browser send it.
    pub(crate) fn present(&self, is_cross_site: bool) -> Presented {
        if is_cross_site {
            return Presented { is_cross_site, ..Presented::default() };
        }
        let cookies = self.cookies.iter().map(|(_, key)| key.clone()).collect();
        match &self.bearer {
            Some(token) => Presented {
                keys: vec![token.clone()],
                hidden: cookies,
                is_bearer: true,
                is_cross_site,
            },
            None => Presented { keys: cookies, ..Presented::default() },
        }
    }

    /// Takes over what a response says. A cookie that is set again keeps its place.
    pub(crate) fn apply(&mut self, change: &Change, is_bearer: bool) {
        let at = self.cookies.iter().position(|(scope, _)| *scope == Scope::Host);
        match (change, at) {
            (Change::Send(key, _), _) if is_bearer => self.bearer = Some(key.clone()),
            (Change::Remove(_), _) if is_bearer => self.bearer = None,
            (Change::Send(key, _), Some(at)) => self.cookies[at].1 = key.clone(),
            (Change::Send(key, _), None) => self.cookies.push((Scope::Host, key.clone())),
            (Change::Remove(_), Some(at)) => drop(self.cookies.remove(at)),
            (Change::Keep, _) | (Change::Remove(_), None) => {}
        }
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
