//! Reading `Set-Cookie`, as browsers do (RFC 6265bis section 5.6).

use std::time::Duration;

use cloakroom::Timestamp;

/// Octets of an attribute's value that browsers read.
const MAX_ATTRIBUTE_LEN: usize = 1024;
/// The longest a cookie lasts; `Max-Age` and `Expires` beyond it are shortened to it.
const MAX_AGE: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// One `Set-Cookie` header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SetCookie {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(super) domain: Option<String>,
    pub(super) path: Option<String>,
    /// In seconds; zero and less remove the cookie.
    pub(crate) max_age: Option<i64>,
    pub(super) expires: Option<Timestamp>,
    pub(super) secure: bool,
    pub(super) http_only: bool,
    pub(super) partitioned: bool,
    pub(super) same_site: SameSite,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum SameSite {
    /// The cookie does not say: treated as `Lax`, but for the first two minutes.
    #[default]
    Unspecified,
    None,
    Lax,
    Strict,
}

impl SetCookie {
    /// `None` for a header that browsers ignore. Of repeated attributes, the last counts.
    pub(crate) fn parse(header: &str) -> Option<Self> {
        if header.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
            return None;
        }
        let mut parts = header.split(';');
        let pair = parts.next().unwrap_or_default();
        let (name, value) = pair.split_once('=').unwrap_or(("", pair));
        let mut cookie =
            Self { name: name.trim().into(), value: value.trim().into(), ..Self::default() };
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            if value.trim().len() <= MAX_ATTRIBUTE_LEN {
                cookie.read_attribute(&name.trim().to_ascii_lowercase(), value.trim());
            }
        }
        (!cookie.name.is_empty() || !cookie.value.is_empty()).then_some(cookie)
    }

    fn read_attribute(&mut self, name: &str, value: &str) {
        match name {
            "domain" => {
                let domain = value.strip_prefix('.').unwrap_or(value).to_ascii_lowercase();
                self.domain = Some(domain).filter(|domain| !domain.is_empty());
            }
            "path" => self.path = Some(value.to_owned()).filter(|path| path.starts_with('/')),
            "max-age" => self.max_age = seconds(value).or(self.max_age),
            "expires" => self.expires = date(value).or(self.expires),
            "secure" => self.secure = true,
            "httponly" => self.http_only = true,
            "partitioned" => self.partitioned = true,
            "samesite" => {
                self.same_site = match value.to_ascii_lowercase().as_str() {
                    "none" => SameSite::None,
                    "lax" => SameSite::Lax,
                    "strict" => SameSite::Strict,
                    _ => SameSite::Unspecified,
                }
            }
            _ => {}
        }
    }

    /// When a cookie that was received at `now` expires; `None` if it lasts until the browser is
    /// closed.
    ///
    /// `Max-Age` counts and `Expires` does not, if both are there.
    pub(super) fn expires_at(&self, now: Timestamp) -> Option<Timestamp> {
        let at = match (self.max_age, self.expires) {
            (Some(seconds), _) => match u64::try_from(seconds) {
                Ok(0) | Err(_) => Timestamp::EPOCH,
                Ok(seconds) => now.after(Duration::from_secs(seconds)),
            },
            (None, expires) => expires?,
        };
        Some(at.min(now.after(MAX_AGE)))
    }
}

/// The seconds of a `Max-Age`: digits, perhaps after a minus sign. Anything else, quotes included,
/// is ignored.
fn seconds(value: &str) -> Option<i64> {
    let digits = value.strip_prefix('-').unwrap_or(value);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(value.parse().unwrap_or(if value.starts_with('-') { i64::MIN } else { i64::MAX }))
}

/// The time of an `Expires`, in any format that browsers accept (RFC 6265bis section 5.1.1).
fn date(value: &str) -> Option<Timestamp> {
    let is_delimiter = |c: char| !(c.is_ascii_alphanumeric() || c == ':' || !c.is_ascii());
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for token in value.split(is_delimiter).filter(|token| !token.is_empty()) {
        if let (None, Some(found)) = (time, time_of_day(token)) {
            time = Some(found);
        } else if let (None, Some(found)) = (day, number(token, 1, 2)) {
            day = Some(found);
        } else if let (None, Some(found)) = (month, month_of(token)) {
            month = Some(found);
        } else if let (None, Some(found)) = (year, number(token, 2, 4)) {
            year = Some(found);
        }
    }
    let year = match year? {
        short @ 70..=99 => short + 1900,
        short @ 0..=69 => short + 2000,
        long => long,
    };
    let (day, month, (hour, minute, second)) = (day?, month?, time?);
    let is_valid =
        (1..=31).contains(&day) && year >= 1601 && hour < 24 && minute < 60 && second < 60;
    if !is_valid {
        return None;
    }
    let seconds = days_since_epoch(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(Timestamp::from_millis(u64::try_from(seconds).unwrap_or(0) * 1000))
}

fn time_of_day(token: &str) -> Option<(i64, i64, i64)> {
    let mut parts = token.split(':').map(|part| number(part, 1, 2));
    let time = (parts.next()??, parts.next()??, parts.next()??);
    parts.next().is_none().then_some(time)
}

fn month_of(token: &str) -> Option<i64> {
    const MONTHS: &str = "janfebmaraprmayjunjulaugsepoctnovdec";
    let month = token.get(..3)?.to_ascii_lowercase();
    let at = MONTHS.find(&month).filter(|at| at % 3 == 0)?;
    i64::try_from(at / 3 + 1).ok()
}

/// A number of this many digits, and perhaps other characters after them.
fn number(token: &str, min: usize, max: usize) -> Option<i64> {
    let digits = token.bytes().take_while(u8::is_ascii_digit).count();
    (min..=max).contains(&digits).then(|| token[..digits].parse().ok())?
}

/// Days from 1 January 1970, in the Gregorian calendar.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    // The year starts in March, so that the leap day is its last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_every_format_that_browsers_accept() {
        for (text, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Wed, 09 Jun 2021 10:18:14 GMT", 1_623_233_894),
            ("Wednesday, 09-Jun-21 10:18:14 GMT", 1_623_233_894),
            ("Wed Jun  9 10:18:14 2021", 1_623_233_894),
            ("Tue, 29 Feb 2028 00:00:00 GMT", 1_835_395_200),
            ("Mon, 01 Jan 1601 00:00:00 GMT", 0),
        ] {
            assert_eq!(date(text), Some(Timestamp::from_millis(seconds * 1000)), "{text}");
        }
        for text in ["", "0", "tomorrow", "Wed, 32 Jun 2021 10:18:14 GMT", "09 Jun 2021"] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn attributes_are_read_in_any_case_and_the_last_counts() {
        let cookie = SetCookie::parse("id = a=b ;PATH=/x; path=/y; Max-Age=5;max-AGE=-7;SECURE=no");
        let expected = SetCookie {
            name: "id".into(),
            value: "a=b".into(),
            path: Some("/y".into()),
            max_age: Some(-7),
            secure: true,
            ..SetCookie::default()
        };
        assert_eq!(cookie, Some(expected));
        assert_eq!(SetCookie::parse(" = ; Path=/"), None);
    }
}
