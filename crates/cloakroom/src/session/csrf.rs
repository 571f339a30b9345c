//! Anti-forgery tokens: creating and checking them.

mod token;

pub use token::CsrfToken;

use super::Session;
use crate::error::{Error, ErrorKind};
use crate::key::random;
use crate::manager::SessionState;
use crate::value::{SessionKind, SessionValue};

impl<V: SessionValue, K: SessionKind> Session<V, K> {
    /// An anti-forgery token for a form with this purpose (`"transfer"`).
    ///
    /// Most applications need none: browsers say which site started a request, and
    /// [`CrossOriginProtection`](crate::http::CrossOriginProtection) refuses those of others
    /// without a session. A token is for browsers that send neither `Sec-Fetch-Site` nor `Origin`
    /// (from before 2020).
    ///
    /// Creates the session if there is none, but not if the request's key was replaced: the token
    /// is then one for the holder of that key, with which a sign-in form works.
    ///
    /// It is valid until the session ends, a user signs in on it, or its rights change
    /// ([`renew`](Session::renew)); timed renewal does not affect it. Nothing is stored for it.
    ///
    /// ```
    /// # use cloakroom::{MemoryStore, SessionMap, Sessions};
    /// # cloakroom::Io::future(async {
    /// # let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new())?;
    /// # let mut session = sessions.generate(SessionMap::default()).await?;
    /// let token = session.csrf_token("transfer").await?;
    /// let page = format!(r#"<input type="hidden" name="token" value="{token}">"#);
    ///
    /// # let form = token.to_string();
    /// // In the handler of the form, before it does anything else:
    /// session.check_csrf("transfer", &form)?;
    /// # assert!(session.check_csrf("close account", &form).is_err());
    /// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
    /// # }).wait().unwrap();
    /// ```
    ///
    /// # Errors
    /// Those of [`start`](Session::start).
    ///
    /// # Security
    /// Anyone who loads a page with a token gets a session, robots included. Anyone who can read
    /// the store can compute a session's tokens, and still needs its browser to use them.
    pub async fn csrf_token(&mut self, purpose: &str) -> Result<CsrfToken, Error> {
        // Another handle may have signed in since.
        self.seen = self.request.session();
        if !matches!(self.seen, SessionState::Former(_)) {
            self.start().await?;
        }
        let family = match &self.seen {
            SessionState::Live(loaded) => loaded.record.credentials().family(),
            SessionState::Former(former) => former.family(self.manager().policy.kind),
            // Another handle has ended the session since.
            _ => return Err(Error::new(ErrorKind::NotFound)),
        };
        let mask = random(&*self.manager().entropy).map_err(Error::unavailable)?;
        Ok(CsrfToken::new(family, purpose, mask))
    }

    /// Refuses a request whose `token` was not made for this session and this purpose.
    ///
    /// With a key that was replaced, it accepts the tokens that were given to that key's holder
    /// before, so that the second click on a sign-in form succeeds, and none of the session that
    /// the key no longer opens. Without a session it accepts none, so let a sign-out form check its
    /// token only if the session [exists](Session::exists): the second click finds none.
    ///
    /// # Errors
    /// `Forged`.
    ///
    /// # Security
    /// [`SameSite`](crate::http::SameSite) withholds the cookie from most forged requests. This
    /// check is for those that a browser lets pass, and for cookies that other sites can send.
    pub fn check_csrf(&self, purpose: &str, token: &str) -> Result<(), Error> {
        let is_genuine = |family| CsrfToken::is_genuine(family, purpose, token);
        let kind = self.manager().policy.kind;
        let is_accepted = match &self.request.session() {
            SessionState::Live(loaded) => is_genuine(loaded.record.credentials().family()),
            SessionState::Former(former) => {
                is_genuine(former.family(kind)) || former.old_family(kind).is_some_and(is_genuine)
            }
            SessionState::Absent(_) | SessionState::Over => false,
        };
        if is_accepted { Ok(()) } else { Err(Error::new(ErrorKind::Forged)) }
    }
}
