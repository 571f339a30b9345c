//! How long a session lives.

use std::time::Duration;

use crate::time::Timestamp;

/// The longest lifetime of a session: that of a cookie in browsers (RFC 6265bis section 5.5).
pub(crate) const LONGEST: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// The milliseconds that stand for no timeout: a deadline counted with them is
/// [`Timestamp::NEVER`].
const NONE: u64 = u64::MAX;
/// The explicit expiry of a record, which is its idle deadline.
const KEPT: u64 = u64::MAX - 1;

/// The renewal timeout of the default and of the presets.
const RENEWAL: Duration = Duration::from_secs(15 * 60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a session lives: OWASP's idle, absolute and renewal timeouts.
///
/// The default is 30 minutes idle, 12 hours absolute, and a new secret every 15 minutes. An idle or
/// absolute timeout of more than 400 days counts as 400 days. All three are stored in whole
/// milliseconds.
///
/// A session keeps the lifetime that it was given. There are three ways to give it one:
/// - [`SessionsBuilder::lifetime`](crate::SessionsBuilder::lifetime), for every new session;
/// - [`Login::with_lifetime`](crate::Login::with_lifetime), for one sign-in ("keep me signed in");
/// - [`Session::set_lifetime`](crate::Session::set_lifetime), for one session, at any time.
///
/// Four more come from the OCaml library `session`: [`Sessions::generate_for`],
/// [`Session::set_for`] and [`Session::extend`] take an explicit expiry, and
/// [`Sessions::set_lifetime`] changes the builder's choice while the server runs.
///
/// ```
/// # use cloakroom::Lifetime;
/// # use std::time::Duration;
/// let kiosk = Lifetime::absolute(Duration::from_secs(60 * 60))
///     .with_idle_timeout(Duration::from_secs(2 * 60));
/// assert_eq!(kiosk.idle_timeout(), Some(Duration::from_secs(120)));
/// ```
///
/// [`Sessions::generate_for`]: crate::Sessions::generate_for
/// [`Session::set_for`]: crate::Session::set_for
/// [`Session::extend`]: crate::Session::extend
/// [`Sessions::set_lifetime`]: crate::Sessions::set_lifetime
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(alias = "period")]
#[doc(alias = "default_period")]
#[doc(alias = "set_default_period")]
#[must_use = "a lifetime does nothing until it is given to a session"]
pub struct Lifetime {
    /// In milliseconds, like the next two, as records keep them.
    idle: u64,
    absolute: u64,
    renewal: u64,
    outlives_browser: bool,
    /// In milliseconds: an explicit expiry, which takes the place of the idle timeout. A record
    /// keeps the deadline instead, and [`KEPT`] here.
    expiry: u64,
}

impl Default for Lifetime {
    fn default() -> Self {
        Self::absolute(12 * HOUR).with_idle_timeout(HOUR / 2).with_renewal_timeout(RENEWAL)
    }
}

impl Lifetime {
    /// An absolute timeout only: the session ends `span` after it began or after the last sign-in.
    pub fn absolute(span: Duration) -> Self {
        Self {
            idle: NONE,
            absolute: millis(span.min(LONGEST)),
            renewal: NONE,
            outlives_browser: true,
            expiry: NONE,
        }
    }

    /// For NIST SP 800-63B-4 assurance level 1 (section 2.1.3): 30 days absolute, no idle timeout.
    ///
    /// As with the two other levels, the cookie ends with the browser session (section 5.1: session
    /// secrets SHOULD NOT be persistent).
    pub fn aal1() -> Self {
        Self::nist(Self::absolute(30 * DAY))
    }

    /// For NIST SP 800-63B-4 assurance level 2 (section 2.2.3): 24 hours absolute, 1 hour idle.
    pub fn aal2() -> Self {
        Self::nist(Self::absolute(DAY).with_idle_timeout(HOUR))
    }

    /// For NIST SP 800-63B-4 assurance level 3 (section 2.3.3): 12 hours absolute, 15 minutes idle.
    pub fn aal3() -> Self {
        Self::nist(Self::absolute(12 * HOUR).with_idle_timeout(HOUR / 4))
    }

    fn nist(lifetime: Self) -> Self {
        lifetime.with_renewal_timeout(RENEWAL).until_browser_closes()
    }

    /// The default timeouts with a cookie that ends with the browser session: for shared computers.
    pub fn browser_session() -> Self {
        Self::default().until_browser_closes()
    }

    /// "Keep me signed in": 30 days absolute, 14 days idle.
    pub fn remember_me() -> Self {
        Self::absolute(30 * DAY).with_idle_timeout(14 * DAY).with_renewal_timeout(RENEWAL)
    }

    /// One week from the last use: the default period of the OCaml library `session`.
    ///
    /// There, it is a week from the last write. A session that is used every week ends after 400
    /// days.
    pub fn one_week() -> Self {
        Self::absolute(LONGEST).with_idle_timeout(7 * DAY).with_renewal_timeout(RENEWAL)
    }

    /// This lifetime with an idle timeout: the session also ends when it is unused for `span`.
    ///
    /// Uses are recorded once per tenth of the span, so a session can end up to a tenth early, and
    /// never late.
    pub fn with_idle_timeout(mut self, span: Duration) -> Self {
        self.idle = millis(span.min(LONGEST));
        self
    }

    /// This lifetime with a renewal timeout: the secret is replaced every `span`.
    ///
    /// OWASP Session Management Cheat Sheet, "Renewal Timeout".
    pub fn with_renewal_timeout(mut self, span: Duration) -> Self {
        self.renewal = millis(span);
        self
    }

    /// This lifetime without a renewal timeout: only `login` and `renew` replace the secret.
    pub fn without_renewal_timeout(mut self) -> Self {
        self.renewal = NONE;
        self
    }

    /// This lifetime with a cookie that ends with the browser session (no `Max-Age`).
    ///
    /// The timeouts stay as they are.
    pub fn until_browser_closes(mut self) -> Self {
        self.outlives_browser = false;
        self
    }

    /// The idle timeout, if there is one.
    pub const fn idle_timeout(&self) -> Option<Duration> {
        span(self.idle)
    }

    /// The absolute timeout.
    pub const fn absolute_timeout(&self) -> Duration {
        Duration::from_millis(self.absolute)
    }

    /// The renewal timeout, if there is one.
    pub const fn renewal_timeout(&self) -> Option<Duration> {
        span(self.renewal)
    }

    /// True if the cookie is persistent, false if it ends with the browser session.
    pub const fn outlives_browser(&self) -> bool {
        self.outlives_browser
    }

    /// True if a session with this lifetime would be over as it begins.
    pub(crate) const fn is_over_at_once(&self) -> bool {
        self.idle == 0 || self.absolute == 0
    }

    /// When a session that is given this lifetime at `now` ends unless it is used: its explicit
    /// expiry, or its idle timeout. [`Timestamp::NEVER`] if it has neither.
    pub(crate) fn idle_deadline(&self, now: Timestamp) -> Timestamp {
        now.after_millis(if self.is_explicit() { self.expiry } else { self.idle })
    }

    /// The same for a session that is used at `now`; `None` if no use moves it.
    pub(crate) fn moved_deadline(&self, now: Timestamp) -> Option<Timestamp> {
        (!self.is_explicit()).then(|| now.after_millis(self.idle))
    }

    /// When a session that begins at `now` ends even if it is used.
    pub(crate) fn absolute_deadline(&self, now: Timestamp) -> Timestamp {
        now.after_millis(self.absolute)
    }

    /// When a secret minted at `now` is due for renewal.
    pub(crate) fn renewal_deadline(&self, now: Timestamp) -> Timestamp {
        now.after_millis(self.renewal)
    }

    /// This lifetime with an explicit expiry in place of its idle timeout, until a write gives the
    /// session its idle timeout back.
    #[doc(hidden)]
    pub fn exactly(mut self, span: Duration) -> Self {
        self.expiry = millis(span.min(LONGEST));
        self
    }

    /// This lifetime as a record keeps it, next to its deadlines.
    pub(crate) fn kept(mut self) -> Self {
        if self.is_explicit() {
            self.expiry = KEPT;
        }
        self
    }

    /// This lifetime without an explicit expiry.
    pub(crate) fn without_expiry(mut self) -> Self {
        self.expiry = NONE;
        self
    }

    /// True if the session has an explicit expiry.
    #[doc(hidden)]
    pub const fn is_explicit(&self) -> bool {
        self.expiry != NONE
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

const fn span(millis: u64) -> Option<Duration> {
    if millis == NONE { None } else { Some(Duration::from_millis(millis)) }
}
