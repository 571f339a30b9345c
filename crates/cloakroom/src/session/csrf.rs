//! Forms that only the session's own pages can fill in.

mod token;

pub use token::CsrfToken;

use super::Session;
use crate::error::{Error, ErrorKind};
use crate::key::random;
use crate::session::SessionState;
use crate::value::{SessionKind, SessionValue};

impl<V: SessionValue, K: SessionKind> Session<V, K> {
    /// A token for a form of this purpose (`"transfer"`), for this session's pages; a vacant session is begun for it.
    ///
    /// It is good until the session ends, somebody signs in on it, or its rights change ([`renew`](Session::renew)); renewals
    /// on the timer leave it good. Nothing is stored for it.
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
    /// session.check_csrf("transfer", &form)?; // in the handler of the form, before it does anything
    /// # assert!(session.check_csrf("close account", &form).is_err());
    /// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
    /// # }).wait().unwrap();
    /// ```
    ///
    /// # Errors
    /// Those of [`start`](Session::start).
    pub async fn csrf_token(&mut self, purpose: &str) -> Result<CsrfToken, Error> {
        self.start().await?;
        let family = match &self.seen {
            SessionState::Live(loaded) => loaded.record.credentials().family(),
            // A session that another handle ended since.
            _ => return Err(Error::new(ErrorKind::NotFound)),
        };
        let mask = random(&*self.manager().entropy).map_err(Error::no_randomness)?;
        Ok(CsrfToken::new(family, purpose, mask))
    }

    /// Refuses a request whose `token` is not one of this session's for this purpose.
    ///
    /// # Errors
    /// `Forged`; `Superseded` if the request's key was replaced a moment ago.
    ///
    /// # Security
    /// [`SameSite`](crate::http::SameSite) keeps most forged requests without a session to begin with; this is for those that a
    /// browser lets pass, and for applications whose cookies other sites may send.
    pub fn check_csrf(&self, purpose: &str, token: &str) -> Result<(), Error> {
        match &self.seen {
            SessionState::Live(loaded)
                if CsrfToken::is_genuine(loaded.record.credentials().family(), purpose, token) =>
            {
                Ok(())
            }
            SessionState::Superseded => Err(Error::new(ErrorKind::Superseded)),
            _ => Err(Error::new(ErrorKind::Forged)),
        }
    }
}
