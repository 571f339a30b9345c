//! Whether cookies come back: the first mistake of many applications is one that browsers drop.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::observe::CookieLoss;

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

impl CookieReturns {
    /// A request presented a cookie of ours.
    pub(crate) fn returned(&self) {
        // A write would take the line from all other processors.
        if self.sent.load(Ordering::Relaxed) != RETURNED {
            self.sent.store(RETURNED, Ordering::Relaxed);
        }
    }

    /// True once a cookie has come back, so that there is nothing left to tell.
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
