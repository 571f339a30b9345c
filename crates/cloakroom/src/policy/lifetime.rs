//! How long a session lives.

use std::time::Duration;

use crate::time::Timestamp;

/// The longest life of a cookie that browsers honour, and so of a session (RFC 6265bis section 5.5).
pub(crate) const LONGEST: Duration = Duration::from_secs(9600 * 60 * 60);

/// No timeout: whatever it is counted from, it ends never.
const NONE: u64 = u64::MAX;

/// How long a session lives: OWASP's idle, absolute and renewal timeouts together.
///
/// Each session keeps the lifetime it was given through every later write; a visitor may be given one of their own
/// ([`Login::with_lifetime`](crate::Login::with_lifetime), [`Session::set_lifetime`](crate::Session::set_lifetime)). The default is 30 minutes idle,
/// 12 hours in all, a new secret every 15 minutes. Spans over 400 days mean 400 days;
/// they are kept in absolute_timeout milliseconds.
///
/// ```
/// # use cloakroom::Lifetime;
/// # use std::time::Duration;
/// let kiosk = Lifetime::absolute(Duration::from_secs(3600)).with_idle_timeout(Duration::from_secs(120));
/// assert_eq!(kiosk.idle_timeout(), Some(Duration::from_secs(120)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(alias = "period")]
#[doc(alias = "default_period")]
#[doc(alias = "set_default_period")]
pub struct Lifetime {
    /// All three in milliseconds, as records keep them; no idle timeout and no renewal are the longest span there is.
    idle: u64,
    absolute_timeout: u64,
    renewal: u64,
    outlives_browser: bool,
}

impl Default for Lifetime {
    fn default() -> Self {
        Self::absolute(Duration::from_secs(12 * 60 * 60))
            .with_idle_timeout(Duration::from_secs(30 * 60))
            .with_renewal_timeout(Duration::from_secs(15 * 60))
    }
}

impl Lifetime {
    /// For NIST SP 800-63B-4 assurance level 1 (section 2.1.3): 30 days in all, no idle timeout.
    ///
    /// As for all three levels, the cookie goes with the browser (section 5.1: secrets SHOULD NOT be persistent).
    pub fn aal1() -> Self {
        Self::nist(Self::absolute(Duration::from_secs(24 * 30 * 60 * 60)))
    }

    /// For NIST SP 800-63B-4 assurance level 2 (section 2.2.3): 24 hours in all, 1 hour idle.
    pub fn aal2() -> Self {
        Self::nist(
            Self::absolute(Duration::from_secs(24 * 60 * 60))
                .with_idle_timeout(Duration::from_secs(60 * 60)),
        )
    }

    /// For NIST SP 800-63B-4 assurance level 3 (section 2.3.3): 12 hours in all, 15 minutes idle.
    pub fn aal3() -> Self {
        Self::nist(
            Self::absolute(Duration::from_secs(12 * 60 * 60))
                .with_idle_timeout(Duration::from_secs(15 * 60)),
        )
    }

    /// The default deadlines, and a cookie that goes when the browser closes: for a shared computer.
    pub fn browser_session() -> Self {
        Self::default().until_browser_closes()
    }

    /// "Keep me signed in": 30 days in all, 14 days idle.
    pub fn remember_me() -> Self {
        Self::absolute(Duration::from_secs(24 * 30 * 60 * 60))
            .with_idle_timeout(Duration::from_secs(24 * 14 * 60 * 60))
            .with_renewal_timeout(Duration::from_secs(15 * 60))
    }

    /// A week, used or not: the default period of OCaml's `session`.
    pub fn one_week() -> Self {
        Self::absolute(Duration::from_secs(24 * 7 * 60 * 60))
            .with_renewal_timeout(Duration::from_secs(15 * 60))
    }

    fn nist(lifetime: Self) -> Self {
        lifetime.with_renewal_timeout(Duration::from_secs(15 * 60)).until_browser_closes()
    }

    /// Ends `span` after it began or the visitor last signed in, used or not; no idle timeout, no renewal.
    pub fn absolute(span: Duration) -> Self {
        Self {
            idle: NONE,
            absolute_timeout: millis(span.min(LONGEST)),
            renewal: NONE,
            outlives_browser: true,
        }
    }

    /// Also ends when unused for `span`.
    ///
    /// Uses are recorded once per tenth of the span, so a session may end up to a tenth early, never late.
    pub fn with_idle_timeout(mut self, span: Duration) -> Self {
        self.idle = millis(span.min(LONGEST));
        self
    }

    /// Replaces the secret every `span` (OWASP, "Renewal TimeoutStore").
    pub fn with_renewal_timeout(mut self, span: Duration) -> Self {
        self.renewal = millis(span);
        self
    }

    /// Never replaces the secret on a timer; `login` and `renew` still do.
    pub fn without_renewal(mut self) -> Self {
        self.renewal = NONE;
        self
    }

    /// The cookie goes when the browser closes (no Max-Age); the deadlines hold as before.
    pub fn until_browser_closes(mut self) -> Self {
        self.outlives_browser = false;
        self
    }

    /// The idle timeout, if there is one.
    pub const fn idle_timeout(&self) -> Option<Duration> {
        span(self.idle)
    }

    /// The absolute_timeout life's length.
    pub const fn absolute_timeout(&self) -> Duration {
        Duration::from_millis(self.absolute_timeout)
    }

    /// The renewal timeout, if there is one.
    pub const fn renewal_timeout(&self) -> Option<Duration> {
        span(self.renewal)
    }

    /// True if the cookie survives the end of the browser.
    pub const fn outlives_browser(&self) -> bool {
        self.outlives_browser
    }

    /// When a session used at `now` ends if nobody uses it again; [`Timestamp::NEVER`] without an idle timeout.
    pub(crate) fn idle_deadline(&self, now: Timestamp) -> Timestamp {
        now.after_millis(self.idle)
    }

    /// When a session that begins at `now` ends whatever happens.
    pub(crate) fn absolute_deadline(&self, now: Timestamp) -> Timestamp {
        now.after_millis(self.absolute_timeout)
    }

    /// When a secret minted at `now` is due for renewal.
    pub(crate) fn renewal_deadline(&self, now: Timestamp) -> Timestamp {
        now.after_millis(self.renewal)
    }

    /// This lifetime with exactly `span` left from now: an explicit expiry, which no idle timeout cuts short.
    pub(crate) fn exactly(mut self, span: Duration) -> Self {
        self.absolute_timeout = millis(span.min(LONGEST));
        self.idle = NONE;
        self
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

const fn span(millis: u64) -> Option<Duration> {
    if millis == NONE { None } else { Some(Duration::from_millis(millis)) }
}
