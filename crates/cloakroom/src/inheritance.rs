//! Sessions of another library, taken over one by one when their visitors come back.

use std::error::Error as StdError;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::cell::Holding;
use crate::client::Client;
use crate::error::Error;
use crate::header_map::Headers;
use crate::key::{Key, KindTag};
use crate::login::Login;
use crate::manager::{Beginning, Created, Manager, Opened};
use crate::protocol::{CookieChange, Vacancy};
use crate::session::Session;
use crate::value::{Kind, Value};
use crate::visit::Visit;

impl<V: Value, K: Kind> Visit<V, K> {
    /// The request's session, or if nobody is signed in on it, the one that takes over from a session of another library: so that
    /// nobody is logged out when an application changes to this one.
    ///
    /// `token` is what names the old session and only the visitor knows: the value of the old cookie, or what it decodes to.
    /// `estate` reads the old session from the old store and says what it becomes: a value, and who is signed in on it. It
    /// is asked until a session has taken over; from then on the token leads to that one, however many requests come with it at
    /// once, until the visitor has the new cookie. `None` if the old store knows no such session. A visitor who has begun a session
    /// of ours without signing in keeps it, unless somebody is signed in on the old one.
    ///
    /// When the session is the token's heir ([`is_heir`](Visit::is_heir)), delete the old session, and once that is done remove the old
    /// cookie:
    ///
    /// ```
    /// # use cloakroom::{Error, Headers, Login, Map, MemoryStore, Principal, Session, Sessions, Visit};
    /// # struct Old;
    /// # impl Old {
    /// #     async fn load(&self, id: &str) -> std::io::Result<Option<Map>> { Ok((id == "v3ry-s3cret").then(Map::default)) }
    /// #     async fn delete(&self, _: &str) -> std::io::Result<()> { Ok(()) }
    /// # }
    /// async fn session(
    ///     visit: &Visit<Map>,
    ///     request: &impl Headers,
    ///     old_cookie: Option<&str>,
    ///     old: &Old,
    /// ) -> Result<Session<Map>, Error> {
    ///     let Some(token) = old_cookie else { return visit.session(request).await };
    ///     let estate = async || {
    ///         let Some(map) = old.load(token).await? else { return Ok(None) };
    ///         let user: Option<String> = map.get("user").ok().flatten();
    ///         let login = user.and_then(|user| Principal::new(user).ok()).map(|user| Login::of(&user));
    ///         Ok::<_, std::io::Error>(Some((map, login)))
    ///     };
    ///     let session = visit.inherit(request, token.as_bytes(), estate).await?;
    ///     if visit.is_heir(token.as_bytes()) && old.delete(token).await.is_ok() {
    ///         // let the response remove the old cookie
    ///     }
    ///     Ok(session)
    /// }
    /// # cloakroom::Io::future(async {
    /// # let sessions: Sessions<Map> = Sessions::new(MemoryStore::new())?;
    /// # let request = [("cookie", "")];
    /// # assert!(!session(&sessions.visit(), &request, Some("v3ry-s3cret"), &Old).await?.is_vacant());
    /// # assert!(session(&sessions.visit(), &request, Some("another"), &Old).await?.is_vacant());
    /// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
    /// # }).wait().unwrap();
    /// ```
    ///
    /// # Errors
    /// Those of [`session`](Visit::session), those of [`Session::login`]; `Unavailable` if `estate` fails: nobody is logged
    /// out by an old store that is down.
    ///
    /// # Security
    /// The token must be as hard to guess as a key: 128 random bits, or a signed value whose signature was checked. A key is
    /// derived from it, and renewed at once: a copy of the old store opens nothing once the visitor has come back with
    /// the new cookie twice.
    ///
    /// Do delete the old session. While it is there its token begins a new heir as soon as the last one is forgotten, which is a day
    /// after its end, or when it has expired. Servers that still run the old library may write a deleted session anew: let
    /// all of them change before you rely on this.
    pub async fn inherit<E>(
        &self,
        request: &(impl Headers + ?Sized),
        token: &[u8],
        estate: impl AsyncFnOnce() -> Result<Option<(V, Option<Login>)>, E>,
    ) -> Result<Session<V, K>, Error>
    where
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let session = self.session(request).await?;
        let is_anonymous = !session.is_vacant() && session.principal().is_none();
        let may_inherit =
            is_anonymous || session.vacancy().is_some_and(|vacancy| vacancy != Vacancy::Superseded);
        let manager = &self.cell.manager;
        let key = heir(manager.kind, token);
        if !may_inherit || session.id() == Some(key.id()) {
            return Ok(session);
        }
        if manager.store.get(key.id()).await?.is_none() {
            match estate().await.map_err(Error::estate)? {
                Some((value, login)) if login.is_some() || !is_anonymous => {
                    self.take_over(key.clone(), value, login).await?;
                }
                // Another request may have taken over meanwhile, and the old session be gone for that reason.
                _ if manager.store.get(key.id()).await?.is_none() => return Ok(session),
                _ => {}
            }
        }
        let (holding, cookie) = match manager.open(key, true, None).await? {
            Opened::Live(held, cookie) if !is_anonymous || held.record.principal().is_some() => {
                (Holding::Live(Arc::new(held)), cookie)
            }
            Opened::Live(..) => return Ok(session),
            _ if is_anonymous => return Ok(session),
            Opened::Superseded | Opened::Copied => (Holding::Superseded, CookieChange::Keep),
            Opened::Vacant(vacancy) => (Holding::Vacant(vacancy), CookieChange::Keep),
        };
        self.cell.publish(holding, cookie);
        Ok(Session::of(Arc::clone(&self.cell)))
    }

    /// True if the session that this request holds has taken over from the one that `token` names.
    pub fn is_heir(&self, token: &[u8]) -> bool {
        let heir = heir(self.cell.manager.kind, token).id();
        matches!(self.cell.holding(), Some(Holding::Live(held)) if held.key.id() == heir)
    }

    /// Begins the session under the key that the token leads to, unless another request was first.
    async fn take_over(&self, key: Key, value: V, login: Option<Login>) -> Result<(), Error> {
        let manager: &Manager<V> = &self.cell.manager;
        let (value, payload) = manager.hold(value);
        let said = login.as_ref().map_or(Client::new(), |login| login.client.clone());
        let lifetime = login.as_ref().and_then(|login| login.lifetime).unwrap_or(manager.lifetime());
        let client = self.cell.client(&said);
        let beginning =
            Beginning { key, lifetime, login, client, value: Some(value), payload, inherited: true };
        match manager.create(&beginning).await? {
            Created::New(_) | Created::Existing(_) | Created::Taken => Ok(()),
        }
    }
}

/// The key that a token of another library leads to, always the same.
fn heir(kind: KindTag, token: &[u8]) -> Key {
    let part = |label: &[u8]| -> [u8; 16] {
        let digest =
            Sha256::new_with_prefix(label).chain_update(kind.as_bytes()).chain_update(token).finalize();
        std::array::from_fn(|place| digest[place])
    };
    let (id, secret) = (part(b"cloakroom heir id 1\0"), part(b"cloakroom heir secret 1\0"));
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&id);
    bytes[16..].copy_from_slice(&secret);
    Key::from_bytes(bytes)
}
