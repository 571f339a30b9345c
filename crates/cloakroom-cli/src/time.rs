//! Times and durations as text, for programs and for people.

use std::time::{Duration, UNIX_EPOCH};

use cloakroom::Timestamp;

/// The last second whose year has four digits, as RFC 3339 requires.
const LAST: Timestamp = Timestamp::from_millis(253_402_300_799_000);

/// A time in RFC 3339, UTC, to the second; `None` for "never".
pub(crate) fn rfc3339(time: Timestamp) -> Option<String> {
    let since = time.since(Timestamp::EPOCH);
    (time <= LAST).then(|| humantime::format_rfc3339_seconds(UNIX_EPOCH + since).to_string())
}

/// A duration in its largest suitable unit: `5 minutes`.
pub(crate) fn duration(duration: Duration) -> String {
    const UNITS: [(u64, &str); 4] =
        [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let seconds = duration.as_secs();
    // From two on: "90 minutes" is more precise than "2 hours".
    let (length, unit) =
        UNITS.into_iter().find(|(length, _)| seconds >= 2 * length).unwrap_or(UNITS[3]);
    let count = (seconds + length / 2) / length;
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// How long ago a time was: `3 minutes ago`.
pub(crate) fn ago(time: Timestamp, now: Timestamp) -> String {
    match now.since(time) {
        past if past < Duration::from_secs(60) => "just now".to_owned(),
        past => format!("{} ago", duration(past)),
    }
}

/// How long it is until a deadline: `in 3 minutes`.
pub(crate) fn until(deadline: Timestamp, now: Timestamp) -> String {
    match deadline.since(now) {
        Duration::ZERO => "passed".to_owned(),
        left => format!("in {}", duration(left)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_given_in_its_largest_suitable_unit() {
        for (seconds, text) in [
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
            assert_eq!(duration(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn never_has_no_date() {
        assert_eq!(
            rfc3339(Timestamp::from_millis(1_700_000_000_999)).as_deref(),
            Some("2023-11-14T22:13:20Z")
        );
        assert_eq!(rfc3339(LAST).as_deref(), Some("9999-12-31T23:59:59Z"));
        assert_eq!(rfc3339(Timestamp::NEVER), None);
    }

    #[test]
    fn less_than_a_minute_ago_is_just_now() {
        let then = Timestamp::from_millis(1_700_000_000_000);
        assert_eq!(ago(then, then.after(Duration::from_secs(59))), "just now");
        assert_eq!(ago(then, then.after(Duration::from_secs(3 * 60))), "3 minutes ago");
        assert_eq!(ago(then, Timestamp::EPOCH), "just now");
    }
}
