//! Whether cookies come back: the first mistake of many applications is one that browsers drop.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// How many clients are sent a cookie before it is told that none came back.
const ENOUGH: u32 = 20;
/// In place of the count: a cookie came back.
const RETURNED: u32 = u32::MAX;

/// What is known of the cookies that were sent.
#[derive(Default)]
pub(crate) struct CookieReturns {
    sent: AtomicU32,
    /// Whether it was told that a Secure cookie was sent over plain http.
    has_told: AtomicBool,
}

/// Why cookies do not come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CookieLoss {
    /// The cookie is Secure, and the request came over plain http to a host that is not this
    /// machine. Browsers drop such a cookie.
    PlainHttp,
    /// None of the first clients that were sent the cookie has presented it since. This is how many
    /// there were.
    NeverReturned(u32),
}

impl CookieReturns {
    /// A request presented a cookie of ours.
    pub(crate) fn returned(&self) {
        // A write would take the line from all other processors.
        if self.sent.load(Ordering::Relaxed) != RETURNED {
            self.sent.store(RETURNED, Ordering::Relaxed);
        }
    }

    /// Whether there is anything left to tell.
    pub(crate) fn is_certain(&self) -> bool {
        self.sent.load(Ordering::Relaxed) == RETURNED
    }

    /// A response sets the cookie of a client that presented none. Returns what is to be told, once
    /// each.
    pub(crate) fn sent(&self, is_dropped: bool) -> Option<CookieLoss> {
        let count =
            |sent: u32| (sent != RETURNED).then(|| sent.saturating_add(1).min(RETURNED - 1));
        let before = self.sent.fetch_update(Ordering::Relaxed, Ordering::Relaxed, count).ok()?;
        if is_dropped && !self.has_told.swap(true, Ordering::Relaxed) {
            return Some(CookieLoss::PlainHttp);
        }
        (before + 1 == ENOUGH).then_some(CookieLoss::NeverReturned(ENOUGH))
    }
}

impl fmt::Display for CookieLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PlainHttp => f.write_str(
                "it is Secure and was sent over plain http, so the browser drops it: use https, \
                 `http://localhost`, or `CookiePolicy::for_plain_http` while you develop; behind a \
                 proxy that ends TLS, let it send `X-Forwarded-Proto: https`",
            ),
            Self::NeverReturned(count) => write!(
                f,
                "none of the first {count} clients sent it back: they are programs or bots without \
                 a cookie jar, or the cookie is Secure and they use plain http, or its Domain or \
                 Path does not fit",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_that_never_come_back_are_told_of_once() {
        let returns = CookieReturns::default();
        let told: Vec<_> = (0..100).filter_map(|_| returns.sent(false)).collect();
        assert_eq!(told, [CookieLoss::NeverReturned(20)]);
        assert_eq!(returns.sent(true), Some(CookieLoss::PlainHttp));
        assert_eq!(returns.sent(true), None);
    }

    #[test]
    fn one_that_came_back_settles_it() {
        let returns = CookieReturns::default();
        (0..19).for_each(|_| assert_eq!(returns.sent(false), None));
        returns.returned();
        (0..100).for_each(|_| assert_eq!(returns.sent(true), None));
    }
}
