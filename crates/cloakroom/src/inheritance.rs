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
    /// The request's session, or if it has none, the one that takes over from a session of another library: so that nobody is
    /// logged out when an application changes to this one.
    ///
    /// `token` is what names the old session and only the visitor knows: the value of the old cookie, or what it decodes to.
    /// `estate` reads the old session from the old store and says what it becomes: a value, and who is signed in on it. It
    /// is called once; from then on the token leads to the new session, however many requests come with it at once, until
    /// the visitor has the new cookie. `None` if the old store knows no such session.
    ///
    /// When this has succeeded with a session that is not vacant, delete the old session and remove the old cookie:
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
    ///     if !session.is_vacant() {
    ///         let _ = old.delete(token).await; // and let the response remove the old cookie
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
        if !matches!(session.vacancy(), Some(vacancy) if vacancy != Vacancy::Superseded) {
            return Ok(session);
        }
        let manager = &self.cell.manager;
        let key = heir(manager.kind, token);
        if manager.store.get(key.id()).await?.is_none() {
            match estate().await.map_err(Error::estate)? {
                Some((value, login)) => self.take_over(key.clone(), value, login).await?,
                None => return Ok(session),
            }
        }
        let (holding, cookie) = match manager.open(key, true, None).await? {
            Opened::Live(held, cookie) => (Holding::Live(Arc::new(held)), cookie),
            Opened::Superseded | Opened::Copied => (Holding::Superseded, CookieChange::Keep),
            Opened::Vacant(vacancy) => (Holding::Vacant(vacancy), CookieChange::Keep),
        };
        self.cell.publish(holding, cookie);
        Ok(Session::of(Arc::clone(&self.cell)))
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
