//! Imports the sessions of tower-sessions one by one, so that no one is signed out.

mod service;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use cloakroom::value::DefaultKind;
use cloakroom::{Error, Login, RequestSession, SessionKind, SessionValue};
use http::header::{COOKIE, InvalidHeaderValue};
use http::{HeaderMap, HeaderValue};
use tower_layer::Layer;

use crate::error::Failure;
use crate::old_store::OldStore;
use crate::state::Data;

pub use service::{ImportFuture, ImportService};

/// Converts the data of a tower-sessions session: a value and who is signed in, or `None` to drop
/// it.
pub(crate) type Convert<V> = dyn Fn(Data) -> Option<(V, Option<Login>)> + Send + Sync;

/// Imports the sessions of tower-sessions as their visitors come back, for an application that
/// moves to Cloakroom's own `Session`.
///
/// Put it inside Cloakroom's `SessionLayer`. A visitor who has no session here and presents the
/// old cookie gets one with the old data, converted by `convert`. The old session is then deleted
/// and its cookie removed; [`RequestSession::import_legacy`] says what is guaranteed. Remove the
/// layer when the last old session has expired.
///
/// Servers that still run tower-sessions see a visitor whose old cookie was removed as one without
/// a session: replace all servers at once, or route each visitor to one kind.
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
/// // `old_store` is the store that tower-sessions has used until now.
/// let import = ImportLayer::from_0_15(old_store, |old| {
///     let visits = old.get("visits").and_then(|visits| visits.as_u64()).unwrap_or_default();
///     let user = old.get("user").and_then(|user| Principal::new(user.as_u64()?.to_string()).ok());
///     Some((Visitor { visits }, user.as_ref().map(Login::of)))
/// });
///
/// let sessions: Sessions<Visitor> = Sessions::new(MemoryStore::new())?;
/// let app: Router = Router::new()
///     .route("/", get(async |session: Session<Visitor>| session.value().visits.to_string()))
///     .layer(import)
///     .layer(SessionLayer::new(sessions)); // outside
/// # Ok::<(), cloakroom::ConfigError>(())
/// ```
///
/// - A request without the old cookie costs nothing.
/// - A request with it that did not pass through a `SessionLayer` for this kind of session is
///   answered 500, since otherwise the visitor would silently be signed out.
/// - An old session that cannot be decoded is treated as absent.
/// - An old session belongs to one kind: of two layers the outer one imports it.
/// - If the old store cannot be reached, the request is answered 503, and no one is signed out.
/// - An old cookie that was signed or encrypted must be opened first, by a middleware of your own
///   that calls [`RequestSession::import_legacy`].
pub struct ImportLayer<V, K = DefaultKind> {
    legacy: Arc<LegacySessions<V>>,
    cookie: OldCookie,
    kind: PhantomData<fn() -> K>,
}

/// The old store, and what becomes of its sessions.
struct LegacySessions<V> {
    old: Box<dyn OldStore>,
    convert: Box<Convert<V>>,
}

/// The cookie that tower-sessions has set until now.
#[derive(Clone)]
struct OldCookie {
    name: Arc<str>,
    /// The header that removes it.
    removal: HeaderValue,
}

impl<V: SessionValue> ImportLayer<V> {
    /// Imports the sessions in a store of some version.
    pub(crate) fn of(old: Box<dyn OldStore>, convert: Box<Convert<V>>) -> Self {
        let cookie = OldCookie {
            name: "id".into(),
            removal: HeaderValue::from_static("id=; Max-Age=0; Path=/"),
        };
        let legacy = Arc::new(LegacySessions { old, convert });
        Self { legacy, cookie, kind: PhantomData }
    }

    /// Imports into sessions of another kind.
    pub fn of_kind<K: SessionKind>(self) -> ImportLayer<V, K> {
        ImportLayer { legacy: self.legacy, cookie: self.cookie, kind: PhantomData }
    }
}

impl<V, K> ImportLayer<V, K> {
    /// Sets the old cookie's name, path and domain, if they are not tower-sessions' defaults
    /// (`id`, `/`, none). A browser removes a cookie only if all three match (RFC 6265bis section
    /// 5.7).
    ///
    /// # Errors
    /// [`InvalidHeaderValue`] if they contain characters that a header cannot hold.
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

impl<V, K> Clone for ImportLayer<V, K> {
    fn clone(&self) -> Self {
        Self { legacy: Arc::clone(&self.legacy), cookie: self.cookie.clone(), kind: PhantomData }
    }
}

impl<V, K> fmt::Debug for ImportLayer<V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImportLayer").field("old", &self.legacy.old).finish_non_exhaustive()
    }
}

impl<S, V: SessionValue, K: SessionKind> Layer<S> for ImportLayer<V, K> {
    type Service = ImportService<S, V, K>;

    fn layer(&self, inner: S) -> Self::Service {
        ImportService { inner, layer: self.clone() }
    }
}

impl<V: SessionValue> LegacySessions<V> {
    /// Opens the request's session, importing the old one if there is none. True once the old
    /// session is no longer needed.
    async fn import<K: SessionKind>(
        &self,
        request_session: &RequestSession<V, K>,
        headers: &HeaderMap,
        id: i128,
    ) -> Result<bool, Error> {
        let read = async || {
            let found = match self.old.load(id).await {
                // It will not be readable at the next request either.
                Err(Failure::Decode(_)) => None,
                found => found?,
            };
            Ok::<_, Failure>(found.and_then(|(data, _)| (self.convert)(data)))
        };
        let token = id.to_le_bytes();
        let _session = request_session.import_legacy(headers, &token, read).await?;
        // If the delete fails, the old cookie stays and the next request tries again.
        Ok(request_session.is_imported() && self.old.delete(id).await.is_ok())
    }
}

impl<V, K> ImportLayer<V, K> {
    /// The id in the request's old cookie. Cookies that are not UTF-8 are skipped.
    fn id(&self, headers: &HeaderMap) -> Option<i128> {
        let pairs = headers
            .get_all(COOKIE)
            .iter()
            .flat_map(|header| header.as_bytes().split(|byte| *byte == b';'));
        let mut pairs =
            pairs.filter_map(|pair| std::str::from_utf8(pair).ok()?.trim().split_once('='));
        let is_named = |name: &str| *name == *self.cookie.name;
        pairs.find_map(|(name, value)| is_named(name).then(|| self.legacy.old.id(value)).flatten())
    }
}
