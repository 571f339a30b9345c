//! A visitor who signs in.

use crate::policy::{Assurance, ClientInfo, Lifetime, Principal};
use crate::time::Timestamp;

/// A visitor who signs in: who they are, and how they proved it. A plain `&Principal` is one too.
///
/// ```
/// # use cloakroom::{Assurance, Lifetime, Login, MemoryStore, Principal, SessionMap, Sessions};
/// # cloakroom::Io::future(async {
/// # let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new())?;
/// # let mut session = sessions.generate(SessionMap::default()).await?;
/// # let remember = true;
/// let asked_at = sessions.now(); // before the password is looked up
/// let alice = Principal::new("user-42")?;
/// let mut login = Login::of(&alice).checked_at(asked_at).with_assurance(Assurance::new(1));
/// if remember {
///     login = login.with_lifetime(Lifetime::remember_me());
/// }
/// session.login(login).await?;
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// # }).wait().unwrap();
/// ```
#[derive(Clone, Debug)]
#[must_use = "nobody is signed in until `Session::login`"]
pub struct Login {
    pub(crate) principal: Principal,
    pub(crate) assurance: Assurance,
    pub(crate) lifetime: Option<Lifetime>,
    pub(crate) checked_at: Option<Timestamp>,
    pub(crate) client: ClientInfo,
}

impl Login {
    /// `principal` signs in.
    pub fn of(principal: &Principal) -> Self {
        let (principal, client) = (principal.clone(), ClientInfo::new());
        Self {
            principal,
            assurance: Assurance::default(),
            lifetime: None,
            checked_at: None,
            client,
        }
    }

    /// How well they proved it; [`Assurance::default`] unless said.
    pub const fn with_assurance(mut self, assurance: Assurance) -> Self {
        self.assurance = assurance;
        self
    }

    /// How long this session lives, whatever others do: "keep me signed in".
    pub const fn with_lifetime(mut self, lifetime: Lifetime) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// When the proof was checked, by [`Sessions::now`](crate::Sessions::now); the moment of `login` unless said.
    ///
    /// # Security
    /// Take the time *before* the password is read from the database: a password change that comes between, and calls
    /// [`Sessions::revoke_issued_before`](crate::Sessions::revoke_issued_before), then refuses this login.
    pub const fn checked_at(mut self, at: Timestamp) -> Self {
        self.checked_at = Some(at);
        self
    }

    /// What the visitor calls the client they sign in with ("Kitchen tablet"); see [`ClientInfo`].
    pub fn with_label(mut self, label: &str) -> Self {
        self.client = self.client.with_label(label);
        self
    }

    /// When the proof of an imported login was checked: long ago, unless its application knows.
    pub(crate) fn inherited_at(&self, now: Timestamp) -> Timestamp {
        self.checked_at.map_or(LONG_AGO, |at| at.min(now))
    }

    /// When the proof was checked, for a login at `now`.
    pub(crate) fn authenticated_at(&self, now: Timestamp) -> Timestamp {
        self.checked_at.map_or(now, |at| at.min(now))
    }
}

/// Older than any revocation and any recent sign-in.
const LONG_AGO: Timestamp = Timestamp::from_millis(1);

impl From<&Principal> for Login {
    fn from(principal: &Principal) -> Self {
        Self::of(principal)
    }
}
