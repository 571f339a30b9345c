//! The cookie that carries a key: its policy, checked once, and its text.

mod bindable;
mod error;
mod life;
mod parse;
mod policy;
mod scope;

use std::time::Duration;

use http::HeaderValue;

pub use error::CookiePolicyError;
use life::CookieLife;
use parse::Search;
#[cfg(feature = "encrypted-cookie")]
pub(crate) use policy::MAX_PAIR_LEN;
pub use policy::{CookiePolicy, SameSite};
pub use scope::CookieScope;

use crate::time::Timestamp;

/// What follows the cookie's name and a hyphen in the names of its markers: cookies without a key.
const MARKERS: [&str; 3] = ["bound", "here", "left"];

/// A checked cookie policy, as text that is ready to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Cookie {
    name: String,
    search: Search,
    /// Everything after the value except `Max-Age` and `Expires`: `; Path=/; Secure; ...`.
    attributes: String,
    /// The same in each former scope.
    former: Vec<String>,
}

impl Cookie {
    fn new(name: String, attributes: String, former: Vec<String>) -> Self {
        Self { search: Search::for_cookies(&name), name, attributes, former }
    }

    /// The values of all cookies of this name in one `Cookie` header, which can contain anything.
    pub(crate) fn values<'a>(&'a self, header: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.search.values(header)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its attributes as the specification of device binding compares them: `Path=/; Secure; ...`.
    #[cfg(feature = "device-binding")]
    pub(crate) fn attributes(&self) -> &str {
        let attributes = self.attributes.strip_suffix("; Priority=High");
        attributes.unwrap_or(&self.attributes).trim_start_matches("; ")
    }

    /// The header that sets this value, for `life` from `now` or until the browser closes.
    pub(crate) fn set_value(
        &self,
        value: &[u8],
        life: Option<Duration>,
        now: Timestamp,
    ) -> Option<HeaderValue> {
        let life = life.map(|life| CookieLife::new(life, now));
        // The exact capacity: a `HeaderValue` takes over a full buffer without copying it.
        let fixed = self.name.len() + 1 + self.attributes.len();
        let life_len = life.as_ref().map_or(0, CookieLife::text_len);
        let mut text = Vec::with_capacity(fixed + value.len() + life_len);
        text.extend_from_slice(self.name.as_bytes());
        text.push(b'=');
        text.extend_from_slice(value);
        if let Some(life) = life {
            life.write(&mut text);
        }
        text.extend_from_slice(self.attributes.as_bytes());
        sensitive(text)
    }

    /// The header that removes the cookie.
    pub(crate) fn removal(&self) -> Option<HeaderValue> {
        self.removal_with(&self.attributes)
    }

    pub(crate) fn has_former_scopes(&self) -> bool {
        !self.former.is_empty()
    }

    /// True if browsers accept it over https and from this machine only.
    pub(crate) fn is_secure(&self) -> bool {
        self.attributes.contains("; Secure")
    }

    /// The header that removes the cookie in one of its former scopes; `None` without any.
    ///
    /// The time says which one. The factor spreads requests at any interval over all of them.
    pub(crate) fn former_removal(&self, now: Timestamp) -> Option<HeaderValue> {
        const GOLDEN_RATIO: u64 = 0x9E37_79B9_7F4A_7C15;
        let count = u64::try_from(self.former.len()).ok()?;
        let turn = (now.as_millis().wrapping_mul(GOLDEN_RATIO) >> 32).checked_rem(count)?;
        self.removal_with(self.former.get(usize::try_from(turn).ok()?)?)
    }

    /// It repeats every attribute, because a browser ignores the removal of a `__Host-` cookie
    /// without them (RFC 6265bis section 5.7), and has an `Expires` for clients that do not know
    /// `Max-Age`.
    fn removal_with(&self, attributes: &str) -> Option<HeaderValue> {
        let name = &self.name;
        sensitive(
            format!("{name}=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT{attributes}").into(),
        )
    }

    /// The header that sets the cookie `NAME-left`, which says nothing, for a few seconds.
    ///
    /// See `SessionsBuilder::private_pages`: the sign-out must change more cookies than the sign-in
    /// set. A sign-in sets the key, under `SameSite=Strict` also a marker, and a sign-out removes
    /// them: with this one, two changes against one, or three against two.
    pub(crate) fn left_marker(&self) -> Option<HeaderValue> {
        let Self { name, attributes, .. } = self;
        HeaderValue::try_from(format!("{name}-left=1; Max-Age=5{attributes}")).ok()
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
    use crate::key::{Key, PublicId, Secret};

    const KEY: &str = "AQEBAQEBAQEBAQEBAQEBAQICAgICAgICAgICAgICAgI";

    fn key() -> Key {
        Key::new(PublicId::from_bytes([1; 16]), Secret::from_bytes([2; 16]))
    }

    const NOW: Timestamp = Timestamp::from_millis(1_000_000_000_000);

    fn set(policy: &CookiePolicy, life: Option<Duration>) -> String {
        let value = policy.compile("").unwrap().set_value(&key().text(), life, NOW).unwrap();
        assert!(value.is_sensitive());
        value.to_str().unwrap().to_owned()
    }

    #[test]
    fn the_default_cookie_has_every_protection() {
        let policy = CookiePolicy::default();
        assert_eq!(
            set(&policy, Some(Duration::from_secs(60))),
            format!(
                "__Host-id={KEY}; Max-Age=60; Expires=Sun, 09 Sep 2001 01:47:40 GMT; Path=/; \
                 Secure; HttpOnly; SameSite=Lax"
            )
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
    fn a_former_scope_is_removed_by_its_own_attributes_and_all_get_their_turn() {
        let policy = CookiePolicy::secure("id")
            .with_domain("example.com")
            .with_same_site(SameSite::Strict)
            .formerly(CookieScope::host())
            .formerly(CookieScope::domain("www.example.com").with_path("/app"))
            .formerly(CookieScope::domain("example.com").partitioned());
        let cookie = policy.compile("").unwrap();
        let expected = [
            "; Path=/; Secure; HttpOnly; SameSite=Strict",
            "; Path=/app; Domain=www.example.com; Secure; HttpOnly; SameSite=Strict",
            "; Path=/; Domain=example.com; Secure; HttpOnly; Partitioned; SameSite=Strict",
        ];
        // A page that polls, at intervals that have a common factor with the number of scopes.
        for interval in [1, 3, 1_000, 3_000, 60_000, 3_600_000] {
            let mut seen: Vec<_> = (0..30)
                .map(|turn| NOW.after(Duration::from_millis(turn * interval)))
                .map(|now| cookie.former_removal(now).unwrap().to_str().unwrap().to_owned())
                .collect();
            seen.sort();
            seen.dedup();
            let mut wanted = expected.map(|attributes| {
                format!(
                    "__Secure-id=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT{attributes}"
                )
            });
            wanted.sort();
            assert_eq!(seen, wanted, "every {interval} ms");
        }
        assert_eq!(CookiePolicy::default().compile("").unwrap().former_removal(NOW), None);
    }
}
