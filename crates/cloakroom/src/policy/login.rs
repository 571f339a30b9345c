//! A sign-in.

use crate::key::Carrier;
use crate::policy::{Assurance, ClientInfo, Lifetime, Principal};
use crate::time::Timestamp;

/// A sign-in: who the user is and how they proved it.
///
/// [`Session::login`](crate::Session::login) takes one, or a plain `&Principal`.
///
/// ```
/// # use cloakroom::{Assurance, Lifetime, Login, MemoryStore, Principal, SessionMap, Sessions};
/// # cloakroom::Io::future(async {
/// # let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new())?;
/// # let mut session = sessions.generate(SessionMap::default()).await?;
/// # let remember = true;
/// let started = sessions.now(); // before the password is read from the database
/// let alice = Principal::new("user-42")?;
/// let mut login =
///     Login::of(&alice).with_authenticated_at(started).with_assurance(Assurance::new(1));
/// if remember {
///     login = login.with_lifetime(Lifetime::remember_me());
/// }
/// session.login(login).await?;
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// # }).wait().unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use = "a `Login` does nothing until it is passed to `Session::login`"]
pub struct Login {
    pub(crate) principal: Principal,
    pub(crate) assurance: Assurance,
    pub(crate) lifetime: Option<Lifetime>,
    pub(crate) authenticated_at: Option<Timestamp>,
    pub(crate) client: ClientInfo,
    /// How its key travels; by default as the session's key does.
    pub(crate) carrier: Option<Carrier>,
    pub(crate) is_cross_site_verified: bool,
}

impl Login {
    /// The sign-in of `principal`.
    pub fn of(principal: &Principal) -> Self {
        Self {
            principal: principal.clone(),
            assurance: Assurance::default(),
            lifetime: None,
            authenticated_at: None,
            client: ClientInfo::new(),
            carrier: None,
            is_cross_site_verified: false,
        }
    }

    /// The session's key travels as a bearer token from now on, not in a cookie.
    ///
    /// No cookie is set: send the client [`Session::key`](crate::Session::key) in the response. The
    /// key opens nothing as a cookie, and is never renewed on a timer.
    ///
    /// The sessions' [`Transport`](crate::Transport) must accept bearer keys.
    pub const fn bearer(mut self) -> Self {
        self.carrier = Some(Carrier::Bearer);
        self
    }

    /// The application has made sure that no other site forged this request, although another site
    /// started it.
    ///
    /// For an identity provider that answers with a form (OpenID Connect `form_post`, SAML): such a
    /// request comes from another site by design. A `login` in it fails with
    /// [`ErrorKind::CrossSite`](crate::ErrorKind::CrossSite) without this.
    ///
    /// # Security
    /// Say so only after you have checked that this browser began the sign-in: compare `state` or
    /// `nonce` with a value in a cookie of its own. A valid signature of the provider is not
    /// enough, since an attacker can have a valid answer for their own account.
    pub const fn cross_site_verified(mut self) -> Self {
        self.is_cross_site_verified = true;
        self
    }

    /// How strong the proof was; level 0 by default.
    pub const fn with_assurance(mut self, assurance: Assurance) -> Self {
        self.assurance = assurance;
        self
    }

    /// The session's lifetime from now on ("keep me signed in"); by default, the one that it has.
    pub const fn with_lifetime(mut self, lifetime: Lifetime) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// When the user proved who they are, by [`Sessions::now`](crate::Sessions::now); by default,
    /// the moment at which `login` is called.
    ///
    /// # Security
    /// Take the time *before* the password is read from the database. If the password is changed in
    /// between, [`Sessions::revoke_issued_before`](crate::Sessions::revoke_issued_before) then
    /// refuses this login.
    pub const fn with_authenticated_at(mut self, at: Timestamp) -> Self {
        self.authenticated_at = Some(at);
        self
    }

    /// The user's name for the client that they sign in with ("Kitchen tablet"); see
    /// [`ClientInfo`].
    pub fn with_label(mut self, label: &str) -> Self {
        self.client = self.client.with_label(label);
        self
    }

    /// When the user proved who they are, for a login at `now`.
    pub(crate) fn authenticated_at(&self, now: Timestamp) -> Timestamp {
        self.authenticated_at.map_or(now, |at| at.min(now))
    }

    /// When the user proved who they are, for a login imported from another library at `now`:
    /// before any revocation, unless the application knows.
    pub(crate) fn imported_at(&self, now: Timestamp) -> Timestamp {
        self.authenticated_at.map_or(LONG_AGO, |at| at.min(now))
    }
}

/// Before any revocation and any sign-in; not [`Timestamp::EPOCH`], which means no sign-in.
const LONG_AGO: Timestamp = Timestamp::from_millis(1);

impl From<&Principal> for Login {
    fn from(principal: &Principal) -> Self {
        Self::of(principal)
    }
}
