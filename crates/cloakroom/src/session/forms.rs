//! Forms that only the session's own pages can fill in.

use super::Session;
use crate::cell::Holding;
use crate::csrf::CsrfToken;
use crate::entropy::random;
use crate::error::{Error, ErrorKind};
use crate::value::{Kind, Value};

impl<V: Value, K: Kind> Session<V, K> {
    /// A token for a form of this purpose (`"transfer"`), for this session's pages; a vacant session is begun for it.
    ///
    /// It is good until the session ends, somebody signs in on it, or its rights change ([`elevate`](Session::elevate)); renewals
    /// on the timer leave it good. Nothing is stored for it.
    ///
    /// ```
    /// # use cloakroom::{Map, MemoryStore, Sessions};
    /// # cloakroom::Io::future(async {
    /// # let sessions: Sessions<Map> = Sessions::new(MemoryStore::new())?;
    /// # let mut session = sessions.generate(Map::default()).await?;
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
        let lineage = match &self.seen {
            Holding::Live(held) => held.record.credentials().lineage(),
            // A session that another handle ended since.
            _ => return Err(Error::new(ErrorKind::NotFound)),
        };
        let mask = random(&*self.manager().entropy).map_err(Error::no_randomness)?;
        Ok(CsrfToken::new(lineage, purpose, mask))
    }

    /// Refuses a request whose `token` is not one of this session's for this purpose.
    ///
    /// # Errors
    /// `Forged`; `Superseded` if the request's key was replaced a moment ago.
    ///
    /// # Security
    /// [`SameSite`](crate::SameSite) keeps most forged requests without a session to begin with; this is for those that a
    /// browser lets pass, and for applications whose cookies other sites may send.
    pub fn check_csrf(&self, purpose: &str, token: &str) -> Result<(), Error> {
        match &self.seen {
            Holding::Live(held)
                if CsrfToken::is_genuine(held.record.credentials().lineage(), purpose, token) =>
            {
                Ok(())
            }
            Holding::Superseded => Err(Error::new(ErrorKind::Superseded)),
            _ => Err(Error::new(ErrorKind::Forged)),
        }
    }
}
