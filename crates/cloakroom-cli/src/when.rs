//! Moments and spans, for machines and for people.

use std::time::{Duration, UNIX_EPOCH};

use cloakroom::Timestamp;

/// The last second that RFC 3339 has four digits of a year for.
const LAST: Timestamp = Timestamp::from_millis(253_402_300_799_000);

/// A moment in RFC 3339, UTC, to the second; none for "never".
pub(crate) fn rfc3339(moment: Timestamp) -> Option<String> {
    let since = moment.since(Timestamp::EPOCH);
    (moment <= LAST).then(|| humantime::format_rfc3339_seconds(UNIX_EPOCH + since).to_string())
}

/// A span as people say it, in its largest unit: `5 minutes`.
pub(crate) fn span(span: Duration) -> String {
    const UNITS: [(u64, &str); 4] =
        [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let seconds = span.as_secs();
    // Two of the next smaller unit say more than one of this: 90 minutes, not one hour.
    let (length, unit) =
        UNITS.into_iter().find(|(length, _)| seconds >= 2 * length).unwrap_or(UNITS[3]);
    let count = (seconds + length / 2) / length;
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// How long ago that was.
pub(crate) fn ago(moment: Timestamp, now: Timestamp) -> String {
    match now.since(moment) {
        past if past < Duration::from_secs(60) => "just now".to_owned(),
        past => format!("{} ago", span(past)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_as_people_say_them() {
        for (seconds, said) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (119, "119 seconds"),
            (120, "2 minutes"),
            (1799, "30 minutes"),
            (7199, "120 minutes"),
            (7200, "2 hours"),
            (43_199, "12 hours"),
            (172_800, "2 days"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), said);
        }
    }

    #[test]
    fn a_moment_that_never_comes_has_no_date() {
        assert_eq!(
            rfc3339(Timestamp::from_millis(1_700_000_000_999)).as_deref(),
            Some("2023-11-14T22:13:20Z")
        );
        assert_eq!(rfc3339(LAST).as_deref(), Some("9999-12-31T23:59:59Z"));
        assert_eq!(rfc3339(Timestamp::NEVER), None);
    }

    #[test]
    fn what_is_less_than_a_minute_old_is_new() {
        let then = Timestamp::from_millis(1_700_000_000_000);
        assert_eq!(ago(then, then.after(Duration::from_secs(59))), "just now");
        assert_eq!(ago(then, then.after(Duration::from_secs(3 * 60))), "3 minutes ago");
        assert_eq!(ago(then, Timestamp::EPOCH), "just now");
    }
}
