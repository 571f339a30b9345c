//! Importing another library's sessions, one by one, when their users come back.

use std::error::Error as StdError;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::http::Headers;
use crate::key::{Key, KindTag};
use crate::manager::RequestFacts as _;
use crate::observe::Event;
use crate::policy::Login;
use crate::protocol::steps::{Import, Imported};
use crate::session::Session;
use crate::sessions::RequestSession;
use crate::value::{SessionKind, SessionValue};

impl<V: SessionValue, K: SessionKind> RequestSession<V, K> {
    /// The request's session, or the one imported from another library's session, so that no user
    /// is signed out when an application changes to this library.
    ///
    /// `token` identifies the old session and is known only to the client: the value of the old
    /// cookie, or what it decodes to. `load` reads the old session from its store and returns its
    /// value and, if a user is signed in on it, a [`Login`]; `None` if there is no such session. It
    /// is called until a session has been imported. From then on, the token leads to that session,
    /// however many requests present it at once, until the client has the new cookie.
    ///
    /// A client that has a session of ours keeps it, whether a user is signed in on it or not, and
    /// nothing is imported: another site of the domain could have planted the old cookie, to sign
    /// the visitor in as someone else and read what they enter.
    /// [`Event::ImportWithheld`](crate::observe::Event::ImportWithheld) reports it, and
    /// [`Event::UnknownImport`](crate::observe::Event::UnknownImport) a token that leads to no
    /// session.
    ///
    /// Once [`is_imported`](RequestSession::is_imported) returns true, delete the old session, and
    /// then remove the old cookie:
    ///
    /// ```
    /// # use cloakroom::{Error, Login, MemoryStore, Principal};
    /// # use cloakroom::{RequestSession, Session, SessionMap, Sessions};
    /// # use cloakroom::http::Headers;
    /// # struct Old;
    /// # impl Old {
    /// #     async fn load(&self, id: &str) -> std::io::Result<Option<SessionMap>> {
    /// #         Ok((id == "v3ry-s3cret").then(SessionMap::default))
    /// #     }
    /// #     async fn delete(&self, _: &str) -> std::io::Result<()> { Ok(()) }
    /// # }
    /// async fn session(
    ///     request_session: &RequestSession<SessionMap>,
    ///     request: &impl Headers,
    ///     old_cookie: Option<&str>,
    ///     old: &Old,
    /// ) -> Result<Session<SessionMap>, Error> {
    ///     let Some(token) = old_cookie else {
    ///         return request_session.session(request).await;
    ///     };
    ///     let load = async || {
    ///         let Some(map) = old.load(token).await? else { return Ok(None) };
    ///         let user: Option<String> = map.get("user").ok().flatten();
    ///         let user = user.and_then(|user| Principal::new(user).ok());
    ///         let login = user.map(|user| Login::of(&user));
    ///         Ok::<_, std::io::Error>(Some((map, login)))
    ///     };
    ///     let session = request_session.import_legacy(request, token.as_bytes(), load).await?;
    ///     if request_session.is_imported() && old.delete(token).await.is_ok() {
    ///         // let the response remove the old cookie
    ///     }
    ///     Ok(session)
    /// }
    /// # cloakroom::Io::future(async {
    /// # let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new())?;
    /// # let request = [("cookie", "")];
    /// # let (one, other) = (sessions.request_session(), sessions.request_session());
    /// # assert!(session(&one, &request, Some("v3ry-s3cret"), &Old).await?.exists());
    /// # assert!(!session(&other, &request, Some("another"), &Old).await?.exists());
    /// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
    /// # }).wait().unwrap();
    /// ```
    ///
    /// # Errors
    /// Those of [`session`](RequestSession::session); `Unavailable` if `load` fails, so an old
    /// store that is down signs no one out. A sign-in that is refused, by a session limit or a
    /// revocation, is not an error: the session stays as it was.
    ///
    /// # Security
    /// The token must be as hard to guess as a key: 128 random bits, or a signed value whose
    /// signature was checked. A key is derived from it and renewed at its first use, so a copy of
    /// the old store opens nothing once the client has come back with the new cookie, and once more
    /// at least a minute later. Anyone who used the copy before that keeps the session.
    ///
    /// If the old session knows when the user signed in, pass it on
    /// ([`Login::with_authenticated_at`]). Otherwise the sign-in counts as long ago, and any
    /// revocation of the principal's sessions that is still known refuses it. A session that has
    /// not been imported yet appears in no list.
    ///
    /// Do delete the old session. While it exists, its token creates a new session as soon as the
    /// imported one is forgotten, which is a day after it was ended, or when it has expired.
    /// Servers that still run the old library can write a deleted session again, so change all of
    /// them before you rely on this.
    pub async fn import_legacy<E>(
        &self,
        request: &(impl Headers + ?Sized),
        token: &[u8],
        load: impl AsyncFnOnce() -> Result<Option<(V, Option<Login>)>, E>,
    ) -> Result<Session<V, K>, Error>
    where
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let session = self.session(request).await?;
        let (request, manager) = (&self.request, &self.request.manager);
        let key = derived_key(manager.policy.kind, token);
        // A client that we cannot send a cookie would have no session once the old one is deleted.
        let takes_cookies = request.can_renew() && manager.channel.cookie.is_some();
        // Nothing begins in place of a session that is there, or may be.
        if !takes_cookies || session.beginning_refused().is_some() {
            return Ok(session);
        }
        if let Some(id) = session.id() {
            if id == key.id() {
                request.mark_imported();
            } else {
                manager.observe(&Event::ImportWithheld { id });
            }
            return Ok(session);
        }
        let import = Import::new(key, request.address());
        let mut imported = request.run(import.clone()).await?;
        if let Imported::Load = imported {
            let old = load().await.map_err(Error::unavailable)?;
            let old = old.map(|(value, login)| (manager.typed_value(value), login));
            imported = request.run(import.with_old(old)).await?;
        }
        let Imported::Found { session: imported, cookie, has_ended } = imported else {
            return Ok(session);
        };
        request.take_imported(imported, cookie);
        if has_ended {
            request.mark_imported();
        }
        Ok(Session::of(Arc::clone(request)))
    }

    /// True once [`import_legacy`](RequestSession::import_legacy) has made the old session
    /// unnecessary: the client has the imported session's key, or this response sends it, or the
    /// imported session has ended.
    ///
    /// Only then delete the old session and remove its cookie.
    pub fn is_imported(&self) -> bool {
        self.request.is_imported()
    }
}

/// The key derived from another library's token, always the same.
fn derived_key(kind: KindTag, token: &[u8]) -> Key {
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
