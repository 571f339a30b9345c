//! Sessions of another library, taken over one by one when their visitors come back.

use std::error::Error as StdError;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind};
use crate::http::Headers;
use crate::key::{Key, KindTag};
use crate::manager::{Guest, Manager, NewSession, OpenOutcome};
use crate::policy::{ClientInfo, Login};
use crate::protocol::{CookieChange, NoSession};
use crate::record::Stored;
use crate::session::{Session, SessionState};
use crate::sessions::RequestSession;
use crate::value::{SessionKind, SessionValue};

impl<V: SessionValue, K: SessionKind> RequestSession<V, K> {
    /// The request's session, or if nobody is signed in on it, the one that takes over from a session of another library: so that
    /// nobody is logged out when an application changes to this one.
    ///
    /// `token` is what names the old session and only the visitor knows: the value of the old cookie, or what it decodes to.
    /// `estate` reads the old session from the old store and says what it becomes: a value, and who is signed in on it. It
    /// is asked until a session has taken over; from then on the token leads to that one, however many requests come with it at
    /// once, until the visitor has the new cookie. `None` if the old store knows no such session. A visitor who has begun a session
    /// of ours without signing in keeps it, unless somebody is signed in on the old one.
    ///
    /// Once [`is_imported`](RequestSession::is_imported) says so, delete the old session, and when that is done remove the old cookie:
    ///
    /// ```
    /// # use cloakroom::{Error, Login, MemoryStore, Principal, RequestSession, Session, SessionMap, Sessions};
    /// # use cloakroom::http::Headers;
    /// # struct Old;
    /// # impl Old {
    /// #     async fn load(&self, id: &str) -> std::io::Result<Option<SessionMap>> { Ok((id == "v3ry-s3cret").then(SessionMap::default)) }
    /// #     async fn delete(&self, _: &str) -> std::io::Result<()> { Ok(()) }
    /// # }
    /// async fn session(
    ///     request_session: &RequestSession<SessionMap>,
    ///     request: &impl Headers,
    ///     old_cookie: Option<&str>,
    ///     old: &Old,
    /// ) -> Result<Session<SessionMap>, Error> {
    ///     let Some(token) = old_cookie else { return request_session.session(request).await };
    ///     let estate = async || {
    ///         let Some(map) = old.load(token).await? else { return Ok(None) };
    ///         let user: Option<String> = map.get("user").ok().flatten();
    ///         let login = user.and_then(|user| Principal::new(user).ok()).map(|user| Login::of(&user));
    ///         Ok::<_, std::io::Error>(Some((map, login)))
    ///     };
    ///     let session = request_session.import_legacy(request, token.as_bytes(), estate).await?;
    ///     if request_session.is_imported() && old.delete(token).await.is_ok() {
    ///         // let the response remove the old cookie
    ///     }
    ///     Ok(session)
    /// }
    /// # cloakroom::Io::future(async {
    /// # let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new())?;
    /// # let request = [("cookie", "")];
    /// # assert!(session(&sessions.request_session(), &request, Some("v3ry-s3cret"), &Old).await?.exists());
    /// # assert!(!session(&sessions.request_session(), &request, Some("another"), &Old).await?.exists());
    /// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
    /// # }).wait().unwrap();
    /// ```
    ///
    /// # Errors
    /// Those of [`session`](RequestSession::session); `Unavailable` if `estate` fails: nobody is logged out by an old store that is down. A
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
    /// Do delete the old session. While it is there its token begins a new imported as soon as the last one is forgotten, which is a day
    /// after its end, or when it has expired. Servers that still run the old library may write a deleted session anew: let
    /// all of them change before you rely on this.
    pub async fn import_legacy<E>(
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
        let manager = &self.shared.manager;
        let key = imported(manager.kind, token);
        // A client that takes no cookie from us would be left with nothing once the old session is gone.
        let takes_cookies = self.shared.renews() && manager.channel.cookie.is_some();
        if !takes_cookies || session.no_session() == Some(NoSession::Superseded) {
            return Ok(session);
        }
        if found == Some(key.id()) {
            self.shared.settle();
        }
        if found == Some(key.id()) || !is_anonymous {
            return Ok(session);
        }
        let client = self.shared.address();
        let is_there = match manager.store.get(key.id()).await? {
            None => self.take_over(&key, found.is_some(), estate).await?,
            there => self.is_confirmed(&key, there).await?,
        };
        if !is_there {
            return Ok(session);
        }
        let (caller, lookup) = manager.ask(key.clone(), true, client);
        let (holding, cookie) = match manager.open(caller, lookup.await).await? {
            // Somebody began it without signing in, and it is worth no more than the one there is.
            OpenOutcome::Live(loaded, _)
                if found.is_some() && loaded.record.principal().is_none() =>
            {
                return Ok(session);
            }
            OpenOutcome::Live(loaded, cookie) => (SessionState::Live(loaded), cookie),
            OpenOutcome::Absent(no_session) => {
                (SessionState::Absent(no_session), CookieChange::Keep)
            }
            OpenOutcome::Superseded | OpenOutcome::Reused => {
                (SessionState::Superseded, CookieChange::Keep)
            }
        };
        // An imported that has ended leaves nothing to take over, and one that can't be had is no better than the session there is.
        let is_over = matches!(holding, SessionState::Absent(NoSession::Ended(_)));
        let is_worth_it = found.is_none() || matches!(holding, SessionState::Live(_));
        if is_worth_it {
            self.shared.import_legacy(found, holding, cookie);
        }
        if is_over {
            self.shared.settle();
        }
        Ok(Session::of(Arc::clone(&self.shared)))
    }

    /// True once an [`import_legacy`](RequestSession::import_legacy) of this request has left the old session of no more use: the visitor has the imported's key, or
    /// is sent it by this response, or the imported has ended. Then, and only then, delete the old session and remove its cookie.
    pub fn is_imported(&self) -> bool {
        self.shared.is_settled()
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
        let manager: &Manager<V> = &self.shared.manager;
        let (value, login) = match estate().await.map_err(Error::estate)? {
            Some((value, login)) if login.is_some() || !has_session => (value, login),
            // Another request may have taken over meanwhile, and the old session be gone for that reason.
            _ => return self.is_confirmed(key, manager.store.get(key.id()).await?).await,
        };
        let value = Some(manager.typed_value(value));
        let said = login.as_ref().map_or(ClientInfo::new(), |login| login.client.clone());
        let lifetime =
            login.as_ref().and_then(|login| login.lifetime).unwrap_or(manager.lifetime());
        let (key, client) = (key.clone(), self.shared.client(&said));
        let guest = Guest { login, imported: true };
        match manager.create_for(&guest, NewSession { key, lifetime, client, value }).await {
            // Whoever was first may have gone further: what the key opens now is judged next.
            Err(error) if matches!(error.kind(), ErrorKind::Superseded | ErrorKind::Corrupt) => {
                Ok(true)
            }
            created => is_admitted(created.map(drop)),
        }
    }

    /// True if there is an imported, whose principal may be signed in on it: whoever began it may have gone away before that was certain.
    async fn is_confirmed(&self, key: &Key, imported: Option<Stored>) -> Result<bool, Error> {
        match imported {
            Some(Stored::Live(record)) => {
                is_admitted(self.shared.manager.confirm_imported(key.id(), &record).await)
            }
            Some(Stored::Ended(_)) => Ok(true),
            None => Ok(false),
        }
    }
}

/// A principal who may not be signed in is a visitor, and no failure of every request they make.
fn is_admitted(entered: Result<(), Error>) -> Result<bool, Error> {
    match entered {
        Err(error)
            if matches!(error.kind(), ErrorKind::LoginRevoked | ErrorKind::TooManySessions) =>
        {
            Ok(false)
        }
        entered => entered.map(|()| true),
    }
}

/// The key that a token of another library leads to, always the same.
fn imported(kind: KindTag, token: &[u8]) -> Key {
    let part = |label: &[u8]| -> [u8; 16] {
        let digest = Sha256::new_with_prefix(label)
            .chain_update(kind.as_bytes())
            .chain_update(token)
            .finalize();
        std::array::from_fn(|place| digest[place])
    };
    let (id, secret) = (part(b"cloakroom imported id 1\0"), part(b"cloakroom imported secret 1\0"));
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&id);
    bytes[16..].copy_from_slice(&secret);
    Key::from_bytes(bytes)
}
