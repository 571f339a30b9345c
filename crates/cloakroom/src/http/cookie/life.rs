//! `Max-Age` and `Expires`.

use std::io::Write;
use std::time::{Duration, UNIX_EPOCH};

use httpdate::HttpDate;

use crate::time::Timestamp;

/// The longest `Max-Age` that browsers honour: 400 days (RFC 6265bis section 5.5).
const MAX_LIFE: Duration = Duration::from_secs(9600 * 60 * 60);

/// The first second that an HTTP date cannot name: it has four digits for the year.
const YEAR_10000: u64 = 253_402_300_800;

const MAX_AGE: &str = "; Max-Age=";
const EXPIRES: &str = "; Expires=";
const DATE_LEN: usize = "Thu, 01 Jan 1970 00:00:00 GMT".len();

/// How long a cookie lasts: `Max-Age`, which counts, and `Expires` for clients that know only that.
///
/// Clients that read `Expires` alone, or treat a cookie without it differently, are in use: Java's
/// `HttpClient` sends a cookie that came without `Expires` in quotes.
pub(super) struct CookieLife {
    seconds: u64,
    expires: Option<HttpDate>,
}

impl CookieLife {
    /// Both are rounded up, so that the cookie never ends before the record. `Max-Age` is never 0,
    /// which would remove the cookie.
    pub(super) fn new(life: Duration, now: Timestamp) -> Self {
        let life = life.min(MAX_LIFE);
        let seconds = (life.as_secs() + u64::from(life.subsec_nanos() > 0)).max(1);
        let end = now.as_millis().div_ceil(1000).saturating_add(seconds);
        let expires =
            (end < YEAR_10000).then(|| HttpDate::from(UNIX_EPOCH + Duration::from_secs(end)));
        Self { seconds, expires }
    }

    pub(super) fn text_len(&self) -> usize {
        let digits = itoa::Buffer::new().format(self.seconds).len();
        let expires = if self.expires.is_some() { EXPIRES.len() + DATE_LEN } else { 0 };
        MAX_AGE.len() + digits + expires
    }

    pub(super) fn write(&self, text: &mut Vec<u8>) {
        text.extend_from_slice(MAX_AGE.as_bytes());
        text.extend_from_slice(itoa::Buffer::new().format(self.seconds).as_bytes());
        if let Some(expires) = &self.expires {
            // Writing to a buffer does not fail.
            let _ = write!(text, "{EXPIRES}{expires}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(life: Duration, now: u64) -> String {
        let life = CookieLife::new(life, Timestamp::from_millis(now));
        let len = life.text_len();
        let mut text = Vec::new();
        life.write(&mut text);
        assert_eq!(text.len(), len);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn max_age_is_rounded_up_and_never_zero_or_over_400_days() {
        for (millis, max_age, expires) in [
            (0, 1, "Thu, 01 Jan 1970 00:00:01 GMT"),
            (1, 1, "Thu, 01 Jan 1970 00:00:01 GMT"),
            (1000, 1, "Thu, 01 Jan 1970 00:00:01 GMT"),
            (1001, 2, "Thu, 01 Jan 1970 00:00:02 GMT"),
            (u64::MAX, 34_560_000, "Fri, 05 Feb 1971 00:00:00 GMT"),
        ] {
            assert_eq!(
                text(Duration::from_millis(millis), 0),
                format!("; Max-Age={max_age}; Expires={expires}")
            );
        }
    }

    #[test]
    fn expires_never_comes_before_the_end_of_the_life() {
        // 0.4 s past a second, and 1.5 s to live: 01.9 is rounded up, not down.
        assert_eq!(
            text(Duration::from_millis(1500), 400),
            "; Max-Age=2; Expires=Thu, 01 Jan 1970 00:00:03 GMT"
        );
    }

    #[test]
    fn a_time_without_an_http_date_is_left_out() {
        let last = YEAR_10000 - 1;
        assert!(text(Duration::ZERO, (last - 1) * 1000).ends_with("Fri, 31 Dec 9999 23:59:59 GMT"));
        for now in [last * 1000, u64::MAX - 1, u64::MAX] {
            assert_eq!(text(Duration::ZERO, now), "; Max-Age=1");
        }
    }
}
