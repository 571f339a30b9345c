//! The cookie that carries a key: its policy, checked once, and its text.

mod parse;
mod policy;

use std::time::Duration;

use http::HeaderValue;

use parse::Search;
#[cfg(feature = "encrypted-cookie")]
pub(crate) use policy::MAX_PAIR_LEN;
pub use policy::{CookiePolicy, CookiePolicyError, SameSite};

use crate::key::Key;

/// The longest `Max-Age` that browsers honour: 400 days (RFC 6265bis section 5.5).
const MAX_LIFE: Duration = Duration::from_secs(9600 * 60 * 60);

const MAX_AGE: &str = "; Max-Age=";

/// A checked cookie policy, as text that is ready to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Cookie {
    name: String,
    search: Search,
    /// Everything after the value except `Max-Age`: `; Path=/; Secure; ...`.
    attributes: String,
}

impl Cookie {
    fn new(name: String, attributes: String) -> Self {
        Self { search: Search::for_cookies(&name), name, attributes }
    }

    /// The values of all cookies of this name in one `Cookie` header, which can contain anything.
    pub(crate) fn values<'a>(&'a self, header: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.search.values(header)
    }

    #[cfg(feature = "encrypted-cookie")]
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The header that sets `key`, for `life` or until the browser closes.
    pub(crate) fn set(&self, key: &Key, life: Option<Duration>) -> Option<HeaderValue> {
        self.set_value(&key.text(), life)
    }

    /// The header that sets another value.
    pub(crate) fn set_value(&self, value: &[u8], life: Option<Duration>) -> Option<HeaderValue> {
        // Rounded up, so that the cookie never ends before the record, and never 0, which would
        // remove it.
        let seconds = life.map(|life| life.min(MAX_LIFE)).map(|life| {
            let part = u64::from(life.subsec_nanos() > 0);
            (life.as_secs() + part).max(1)
        });
        let mut digits = itoa::Buffer::new();
        let (max_age, digits) = match seconds {
            Some(seconds) => (MAX_AGE, digits.format(seconds)),
            None => ("", ""),
        };
        // The exact capacity: a `HeaderValue` takes over a full buffer without copying it.
        let fixed = self.name.len() + 1 + self.attributes.len();
        let mut text = Vec::with_capacity(fixed + value.len() + max_age.len() + digits.len());
        text.extend_from_slice(self.name.as_bytes());
        text.push(b'=');
        text.extend_from_slice(value);
        text.extend_from_slice(max_age.as_bytes());
        text.extend_from_slice(digits.as_bytes());
        text.extend_from_slice(self.attributes.as_bytes());
        sensitive(text)
    }

    /// The header that removes the cookie.
    ///
    /// It repeats every attribute, because a browser ignores the removal of a `__Host-` cookie
    /// without them (RFC 6265bis section 5.7), and has an `Expires` for clients that do not know
    /// `Max-Age`.
    pub(crate) fn removal(&self) -> Option<HeaderValue> {
        let Self { name, attributes, .. } = self;
        sensitive(
            format!("{name}=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT{attributes}").into(),
        )
    }
}

/// The policy has been checked, so the text is always a valid header value.
fn sensitive(text: Vec<u8>) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{PublicId, Secret};

    const KEY: &str = "AQEBAQEBAQEBAQEBAQEBAQICAgICAgICAgICAgICAgI";

    fn key() -> Key {
        Key::new(PublicId::from_bytes([1; 16]), Secret::from_bytes([2; 16]))
    }

    fn set(policy: &CookiePolicy, life: Option<Duration>) -> String {
        let value = policy.compile("").unwrap().set(&key(), life).unwrap();
        assert!(value.is_sensitive());
        value.to_str().unwrap().to_owned()
    }

    #[test]
    fn the_default_cookie_has_every_protection() {
        let policy = CookiePolicy::default();
        assert_eq!(
            set(&policy, Some(Duration::from_secs(60))),
            format!("__Host-id={KEY}; Max-Age=60; Path=/; Secure; HttpOnly; SameSite=Lax")
        );
        assert_eq!(
            set(&policy, None),
            format!("__Host-id={KEY}; Path=/; Secure; HttpOnly; SameSite=Lax")
        );
    }

    #[test]
    fn a_removal_repeats_every_attribute_and_contains_no_key() {
        let removal = CookiePolicy::default().compile("").unwrap().removal().unwrap();
        assert_eq!(
            removal.to_str().unwrap(),
            "__Host-id=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; Secure; \
             HttpOnly; SameSite=Lax"
        );
    }

    #[test]
    fn max_age_is_rounded_up_and_never_zero_or_over_400_days() {
        let policy = CookiePolicy::host("id");
        for (millis, seconds) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (u64::MAX, 34_560_000)] {
            let text = set(&policy, Some(Duration::from_millis(millis)));
            assert!(text.contains(&format!("; Max-Age={seconds};")), "{text}");
        }
    }
}
