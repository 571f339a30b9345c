//! The way out of tower-sessions: its sessions taken over one by one, so that nobody is logged out.

mod service;

use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use cloakroom::value::DefaultKind;
use cloakroom::{Error, Login, RequestSession, SessionKind, SessionValue};
use http::header::{COOKIE, InvalidHeaderValue};
use http::{HeaderMap, HeaderValue};
use tower_layer::Layer;
use tower_sessions_core::session::Id;
use tower_sessions_core::{SessionStore, session_store};

pub use service::{ImportService, InheritFuture};

/// What a session of theirs becomes: a value, and who is signed in on it; `None` to let it go.
type Becomes<V> =
    dyn Fn(HashMap<String, serde_json::Value>) -> Option<(V, Option<Login>)> + Send + Sync;

/// Takes over the sessions of tower-sessions when their visitors come back, for an application that changes to Cloakroom's own.
///
/// It stands inside the `SessionLayer` of cloakroom. A visitor who has no session of ours and brings the old cookie is given one with
/// what `becomes` makes of the old one, which is deleted in the old store then, and whose cookie is removed; see
/// [`RequestSession::import_legacy`] for what holds. When the last old session has expired, the layer goes.
///
/// Once it has removed an old cookie, servers that still run tower-sessions see a visitor without a session: change them all at once, or
/// send each visitor to one sort of server.
///
/// ```
/// use axum::{Router, routing::get};
/// use cloakroom::{Login, MemoryStore, Principal, Session, SessionLayer, Sessions};
/// use cloakroom_tower_sessions::ImportLayer;
/// # use cloakroom_tower_sessions::TowerSessionStore;
///
/// #[derive(Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
/// struct Visitor {
///     visits: u64,
/// }
///
/// # let old_store = TowerSessionStore::new(MemoryStore::new())?;
/// // `old_store` is the store that tower-sessions has used until now
/// let import_legacy = ImportLayer::new(old_store, |old| {
///     let visits = old.get("visits").and_then(|visits| visits.as_u64()).unwrap_or_default();
///     let user = old.get("user").and_then(|user| Principal::new(user.as_u64()?.to_string()).ok());
///     Some((Visitor { visits }, user.as_ref().map(Login::of)))
/// });
///
/// let sessions: Sessions<Visitor> = Sessions::new(MemoryStore::new())?;
/// let app: Router = Router::new()
///     .route("/", get(async |session: Session<Visitor>| session.visits.to_string()))
///     .layer(import_legacy)
///     .layer(SessionLayer::new(sessions)); // around it
/// # Ok::<(), cloakroom::ConfigError>(())
/// ```
///
/// A request without the old cookie costs nothing more; one with it that passed no `SessionLayer` for this kind of session on its way here
/// is a 500, since its visitor would be logged out unnoticed. An old session that can't be decoded is taken for none. An old
/// session belongs to one kind: with two layers the outer one takes it. If the old store can't be asked the request is answered 503: nobody is
/// logged out by that. An old cookie that was signed or encrypted has to be opened first, which a middleware of yours does,
/// with [`RequestSession::import_legacy`].
pub struct ImportLayer<Old, V, K = DefaultKind> {
    estate: Arc<Estate<Old, V>>,
    cookie: OldCookie,
    kind: PhantomData<fn() -> K>,
}

/// What there is to be taken over.
struct Estate<Old, V> {
    old: Old,
    becomes: Box<Becomes<V>>,
}

/// The cookie that tower-sessions has set until now.
#[derive(Clone)]
struct OldCookie {
    name: Arc<str>,
    /// The header that removes it.
    removal: HeaderValue,
}

impl<Old: SessionStore, V: SessionValue> ImportLayer<Old, V> {
    /// Takes over the sessions in `old`, each as what `becomes` makes of its data.
    pub fn new(
        old: Old,
        becomes: impl Fn(HashMap<String, serde_json::Value>) -> Option<(V, Option<Login>)>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        let cookie = OldCookie {
            name: "id".into(),
            removal: HeaderValue::from_static("id=; Max-Age=0; Path=/"),
        };
        Self {
            estate: Arc::new(Estate { old, becomes: Box::new(becomes) }),
            cookie,
            kind: PhantomData,
        }
    }

    /// The same, for sessions of a kind that has a name.
    pub fn of_kind<K: SessionKind>(self) -> ImportLayer<Old, V, K> {
        ImportLayer { estate: self.estate, cookie: self.cookie, kind: PhantomData }
    }
}

impl<Old, V, K> ImportLayer<Old, V, K> {
    /// The old cookie's name, path and domain, if they are not tower-sessions' own (`id`, `/`, none): a browser removes a cookie only
    /// if it is told all three (RFC 6265bis section 5.7).
    ///
    /// # Errors
    /// [`InvalidHeaderValue`] if they could not stand in a header.
    pub fn with_cookie(
        mut self,
        name: &str,
        path: &str,
        domain: Option<&str>,
    ) -> Result<Self, InvalidHeaderValue> {
        let domain = domain.map(|domain| format!("; Domain={domain}")).unwrap_or_default();
        // A prefix demands Secure of a removal too (RFC 6265bis section 4.1.3).
        let secure = if name.starts_with("__") { "; Secure" } else { "" };
        let removal = format!("{name}=; Max-Age=0; Path={path}{domain}{secure}").try_into()?;
        self.cookie = OldCookie { name: name.into(), removal };
        Ok(self)
    }
}

impl<Old, V, K> Clone for ImportLayer<Old, V, K> {
    fn clone(&self) -> Self {
        Self { estate: Arc::clone(&self.estate), cookie: self.cookie.clone(), kind: PhantomData }
    }
}

impl<Old: fmt::Debug, V, K> fmt::Debug for ImportLayer<Old, V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImportLayer").field("old", &self.estate.old).finish_non_exhaustive()
    }
}

impl<S, Old, V: SessionValue, K: SessionKind> Layer<S> for ImportLayer<Old, V, K> {
    type Service = ImportService<S, Old, V, K>;

    fn layer(&self, inner: S) -> Self::Service {
        ImportService { inner, layer: self.clone() }
    }
}

impl<Old: SessionStore, V: SessionValue> Estate<Old, V> {
    /// Opens the request's session, or takes over for it; true if the old session has done its duty.
    async fn pass_on<K: SessionKind>(
        &self,
        visit: &RequestSession<V, K>,
        headers: &HeaderMap,
        id: Id,
    ) -> Result<bool, Error> {
        let read = async || {
            let found = match self.old.load(&id).await {
                // What can't be read now will not be readable at the next request either.
                Err(session_store::Error::Decode(_)) => None,
                found => found?,
            };
            Ok::<_, session_store::Error>(found.and_then(|record| (self.becomes)(record.data)))
        };
        let token = id.0.to_le_bytes();
        let _session = visit.import_legacy(headers, &token, read).await?;
        // If deleting fails the old cookie stays, and its next request does it again.
        Ok(visit.is_imported() && self.old.delete(&id).await.is_ok())
    }
}

impl OldCookie {
    /// The id in a request's old cookie, if it has one; odd bytes of other cookies hide nothing.
    fn read(&self, headers: &HeaderMap) -> Option<Id> {
        let pairs = headers
            .get_all(COOKIE)
            .iter()
            .flat_map(|header| header.as_bytes().split(|byte| *byte == b';'));
        let mut pairs = pairs.filter_map(|pair| str::from_utf8(pair).ok()?.trim().split_once('='));
        pairs.find_map(|(name, value)| (*name == *self.name).then(|| value.parse().ok()).flatten())
    }
}
