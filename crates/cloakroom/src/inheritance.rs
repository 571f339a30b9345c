//! Sessions of another library, taken over one by one when their visitors come back.

use std::error::Error as StdError;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::cell::Holding;
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::header_map::Headers;
use crate::key::{Key, KindTag};
use crate::login::Login;
use crate::manager::{Beginning, Guest, Manager, Opened};
use crate::protocol::{CookieChange, Vacancy};
use crate::record::Stored;
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
    /// Once [`is_taken_over`](Visit::is_taken_over) says so, delete the old session, and when that is done remove the old cookie:
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
    ///     if visit.is_taken_over() && old.delete(token).await.is_ok() {
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
    /// Those of [`session`](Visit::session); `Unavailable` if `estate` fails: nobody is logged out by an old store that is down. A
    /// login that is refused, by a limit or a revocation, is no error: the session stays as it was.
    ///
    /// # Security
    /// The token must be as hard to guess as a key: 128 random bits, or a signed value whose signature was checked. A key is
    /// derived from it, and renewed at once: a copy of the old store opens nothing once the visitor has come back with the new
    /// cookie, and again a minute or more later. Whoever used the copy before that keeps what they were given.
    ///
    /// Say when the visitor proved who they are, if the old session knows ([`Login::checked_at`]): it counts as long ago otherwise, and
    /// any revocation of the principal's sessions that is still known refuses it. Sessions that nobody has come back with are in no list.
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
        let (is_anonymous, found) = (session.principal().is_none(), session.id());
        let manager = &self.cell.manager;
        let key = heir(manager.kind, token);
        // A client that takes no cookie from us would be left with nothing once the old session is gone.
        let takes_cookies = self.cell.renews() && manager.channel.cookie.is_some();
        if !takes_cookies || session.vacancy() == Some(Vacancy::Superseded) {
            return Ok(session);
        }
        if found == Some(key.id()) {
            self.cell.settle();
        }
        if found == Some(key.id()) || !is_anonymous {
            return Ok(session);
        }
        let client = self.cell.address();
        manager.admit_client(client)?;
        let is_there = match manager.store.get(key.id()).await? {
            None => self.take_over(&key, found.is_some(), estate).await?,
            there => self.is_confirmed(&key, there).await?,
        };
        if !is_there {
            return Ok(session);
        }
        let (caller, recalling) = manager.ask(key.clone(), true, client);
        let (holding, cookie) = match manager.open(caller, recalling.await).await? {
            // Somebody began it without signing in, and it is worth no more than the one there is.
            Opened::Live(held, _) if found.is_some() && held.record.principal().is_none() => {
                return Ok(session);
            }
            Opened::Live(held, cookie) => (Holding::Live(held), cookie),
            Opened::Vacant(vacancy) => (Holding::Vacant(vacancy), CookieChange::Keep),
            Opened::Superseded | Opened::Copied => (Holding::Superseded, CookieChange::Keep),
        };
        // An heir that has ended leaves nothing to take over, and one that can't be had is no better than the session there is.
        let is_over = matches!(holding, Holding::Vacant(Vacancy::Ended(_)));
        let is_worth_it = found.is_none() || matches!(holding, Holding::Live(_));
        if is_worth_it {
            self.cell.inherit(found, holding, cookie);
        }
        if is_over {
            self.cell.settle();
        }
        Ok(Session::of(Arc::clone(&self.cell)))
    }

    /// True once an [`inherit`](Visit::inherit) of this request has left the old session of no more use: the visitor has the heir's key, or
    /// is sent it by this response, or the heir has ended. Then, and only then, delete the old session and remove its cookie.
    pub fn is_taken_over(&self) -> bool {
        self.cell.is_settled()
    }

    /// Begins the session under the key that the token leads to, unless another request was first; false if there is nothing to
    /// take over.
    async fn take_over<E>(
        &self,
        key: &Key,
        has_session: bool,
        estate: impl AsyncFnOnce() -> Result<Option<(V, Option<Login>)>, E>,
    ) -> Result<bool, Error>
    where
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let manager: &Manager<V> = &self.cell.manager;
        let (value, login) = match estate().await.map_err(Error::estate)? {
            Some((value, login)) if login.is_some() || !has_session => (value, login),
            // Another request may have taken over meanwhile, and the old session be gone for that reason.
            _ => return self.is_confirmed(key, manager.store.get(key.id()).await?).await,
        };
        let value = Some(manager.holder(value));
        let said = login.as_ref().map_or(Client::new(), |login| login.client.clone());
        let lifetime = login.as_ref().and_then(|login| login.lifetime).unwrap_or(manager.lifetime());
        let (key, client) = (key.clone(), self.cell.client(&said));
        let guest = Guest { login, inherited: true };
        match manager.create_for(&guest, Beginning { key, lifetime, client, value }).await {
            // Whoever was first may have gone further: what the key opens now is judged next.
            Err(error) if matches!(error.kind(), ErrorKind::Superseded | ErrorKind::Corrupt) => Ok(true),
            created => is_admitted(created.map(drop)),
        }
    }

    /// True if there is an heir, whose principal may be signed in on it: whoever began it may have gone away before that was certain.
    async fn is_confirmed(&self, key: &Key, heir: Option<Stored>) -> Result<bool, Error> {
        match heir {
            Some(Stored::Live(record)) => {
                is_admitted(self.cell.manager.confirm_heir(key.id(), &record).await)
            }
            Some(Stored::Ended(_)) => Ok(true),
            None => Ok(false),
        }
    }
}

/// A principal who may not be signed in is a visitor, and no failure of every request they make.
fn is_admitted(entered: Result<(), Error>) -> Result<bool, Error> {
    match entered {
        Err(error) if matches!(error.kind(), ErrorKind::LoginRevoked | ErrorKind::TooManySessions) => {
            Ok(false)
        }
        entered => entered.map(|()| true),
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
