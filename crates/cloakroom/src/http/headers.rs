//! Headers, however a server keeps them.

use http::header::Entry;
use http::{HeaderMap, HeaderName, HeaderValue};

/// So many headers that a map may have no room for one more name: it would panic where it is only asked for one.
const CROWDED: usize = 1 << 12;

/// The headers of a request, however a server keeps them.
///
/// Implemented for [`http::HeaderMap`], for actix-web's own map (feature `actix`), and for lists of name and value, as servers
/// without a header type keep them:
///
/// ```
/// # use cloakroom::{Io, MemoryStore, SessionMap, Sessions};
/// # Io::future(async {
/// let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new())?;
/// let request = [("Host", "shop.example"), ("Cookie", "theme=dark")];
/// assert!(sessions.of_headers(&request).await?.is_none()); // it presents no key
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// # }).wait().unwrap();
/// ```
pub trait Headers {
    /// The values of all headers of this name, in the order in which they came. Case does not matter in names
    /// (RFC 9110 section 5.1).
    fn values(&self, name: &HeaderName) -> impl DoubleEndedIterator<Item = &[u8]>;
}

/// The headers of a response in the making.
pub trait HeadersMut: Headers {
    /// Adds a header, beside others of its name.
    fn append(&mut self, name: HeaderName, value: HeaderValue);

    /// Removes the headers of this name whose values are not to be kept.
    fn retain(&mut self, name: &HeaderName, keep: impl FnMut(&[u8]) -> bool);

    /// Adds a header, unless there is one of its name that does as well.
    fn append_unless(
        &mut self,
        name: HeaderName,
        value: HeaderValue,
        does: impl FnMut(&[u8]) -> bool,
    ) {
        if !self.values(&name).any(does) {
            self.append(name, value);
        }
    }

    /// Adds a header in the place of those of its name that go, by their value and the new one.
    fn replace(
        &mut self,
        name: HeaderName,
        value: HeaderValue,
        mut goes: impl FnMut(&[u8], &[u8]) -> bool,
    ) {
        self.retain(&name, |given| !goes(given, value.as_bytes()));
        self.append(name, value);
    }
}

impl Headers for HeaderMap {
    fn values(&self, name: &HeaderName) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.get_all(name).iter().map(HeaderValue::as_bytes)
    }
}

impl HeadersMut for HeaderMap {
    fn append(&mut self, name: HeaderName, value: HeaderValue) {
        Self::append(self, name, value);
    }

    fn retain(&mut self, name: &HeaderName, mut keep: impl FnMut(&[u8]) -> bool) {
        if self.get_all(name).iter().all(|value| keep(value.as_bytes())) {
            return;
        }
        let kept: Vec<HeaderValue> =
            self.get_all(name).iter().filter(|value| keep(value.as_bytes())).cloned().collect();
        self.remove(name);
        for value in kept {
            Self::append(self, name, value);
        }
    }

    /// Looks the name up once.
    fn append_unless(
        &mut self,
        name: HeaderName,
        value: HeaderValue,
        mut does: impl FnMut(&[u8]) -> bool,
    ) {
        if self.len() >= CROWDED {
            if !self.get_all(&name).iter().any(|given| does(given.as_bytes())) {
                Self::append(self, name, value);
            }
            return;
        }
        match self.entry(name) {
            Entry::Vacant(free) => drop(free.insert(value)),
            Entry::Occupied(mut given) => {
                if !given.iter().any(|given| does(given.as_bytes())) {
                    given.append(value);
                }
            }
        }
    }

    /// Looks the name up once, where there is nothing of its name yet.
    fn replace(
        &mut self,
        name: HeaderName,
        value: HeaderValue,
        mut goes: impl FnMut(&[u8], &[u8]) -> bool,
    ) {
        let mut goes = |given: &[u8]| goes(given, value.as_bytes());
        if self.len() >= CROWDED {
            HeadersMut::retain(self, &name, |given| !goes(given));
            Self::append(self, name, value);
            return;
        }
        match self.entry(name) {
            Entry::Vacant(free) => drop(free.insert(value)),
            Entry::Occupied(mut given) if given.iter().all(|given| goes(given.as_bytes())) => {
                given.insert(value);
            }
            Entry::Occupied(given) => {
                let name = given.key().clone();
                HeadersMut::retain(self, &name, |given| !goes(given));
                Self::append(self, name, value);
            }
        }
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> Headers for [(N, V)] {
    fn values(&self, name: &HeaderName) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.iter().filter(|(given, _)| is(given.as_ref(), name)).map(|(_, value)| value.as_ref())
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>, const LEN: usize> Headers for [(N, V); LEN] {
    fn values(&self, name: &HeaderName) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.as_slice().values(name)
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> Headers for Vec<(N, V)> {
    fn values(&self, name: &HeaderName) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.as_slice().values(name)
    }
}

impl HeadersMut for Vec<(String, String)> {
    fn append(&mut self, name: HeaderName, value: HeaderValue) {
        // What we write is ASCII.
        let text = value.to_str().unwrap_or_default();
        self.push((name.as_str().to_owned(), text.to_owned()));
    }

    fn retain(&mut self, name: &HeaderName, mut keep: impl FnMut(&[u8]) -> bool) {
        Self::retain(self, |(given, value)| !is(given, name) || keep(value.as_bytes()));
    }
}

fn is(given: &str, name: &HeaderName) -> bool {
    given.eq_ignore_ascii_case(name.as_str())
}

#[cfg(test)]
mod tests {
    use http::header::{COOKIE, SET_COOKIE};

    use super::*;

    fn read(headers: &impl Headers) -> Vec<&[u8]> {
        headers.values(&COOKIE).collect()
    }

    #[test]
    fn a_header_is_found_by_its_name_in_any_case_wherever_it_is_kept() {
        let list = [("COOKIE", "a=1"), ("Cookies", "x"), ("cookie", "b=2")];
        assert_eq!(read(&list), [b"a=1", b"b=2"]);
        assert_eq!(read(&list.to_vec()), [b"a=1", b"b=2"]);
        let map: HeaderMap = [("cookie", "a=1"), ("cookies", "x"), ("cookie", "b=2")].iter().fold(
            HeaderMap::new(),
            |mut map, (name, value)| {
                map.append(*name, HeaderValue::from_static(value));
                map
            },
        );
        assert_eq!(read(&map), [b"a=1", b"b=2"]);
    }

    #[test]
    fn retaining_leaves_other_names_alone_and_keeps_the_order() {
        fn check(headers: &mut impl HeadersMut) {
            for value in ["a=1", "b=2", "c=3"] {
                headers.append(SET_COOKIE, HeaderValue::from_static(value));
            }
            headers.append(COOKIE, HeaderValue::from_static("b=2"));
            headers.retain(&SET_COOKIE, |value| value != b"b=2");
            assert_eq!(headers.values(&SET_COOKIE).collect::<Vec<_>>(), [b"a=1", b"c=3"]);
            assert_eq!(headers.values(&COOKIE).count(), 1);
        }
        check(&mut HeaderMap::new());
        check(&mut Vec::<(String, String)>::new());
    }

    #[test]
    fn a_map_without_room_is_asked_for_none_where_nothing_is_added() {
        let mut full = HeaderMap::new();
        full.insert(SET_COOKIE, HeaderValue::from_static("a=1"));
        let names = (0..).map(|number| HeaderName::try_from(format!("x{number}")).unwrap());
        for name in names {
            if full.try_insert(name, HeaderValue::from_static("1")).is_err() {
                break;
            }
        }
        full.append_unless(SET_COOKIE, HeaderValue::from_static("not"), |given| given == b"a=1");
        full.replace(SET_COOKIE, HeaderValue::from_static("a=2"), |_, _| true);
        assert_eq!(full.get_all(SET_COOKIE).iter().collect::<Vec<_>>(), ["a=2"]);
    }

    #[test]
    fn what_takes_the_place_of_others_or_is_there_already_is_so_wherever_headers_are_kept() {
        fn check(headers: &mut impl HeadersMut) {
            let value = HeaderValue::from_static;
            for (given, kept) in [("a=1", 1), ("b=1", 2), ("a=2", 2), ("c=1", 3)] {
                headers.replace(SET_COOKIE, value(given), |given, new| given[0] == new[0]);
                assert_eq!(headers.values(&SET_COOKIE).count(), kept, "after {given}");
                assert_eq!(headers.values(&SET_COOKIE).next_back(), Some(given.as_bytes()));
            }
            headers.replace(SET_COOKIE, value("only"), |_, _| true);
            headers.append_unless(SET_COOKIE, value("not"), |other| other == b"only");
            headers.append_unless(SET_COOKIE, value("also"), |other| other == b"not");
            assert_eq!(
                headers.values(&SET_COOKIE).collect::<Vec<_>>(),
                [b"only" as &[u8], b"also"]
            );
        }
        check(&mut HeaderMap::new());
        check(&mut Vec::<(String, String)>::new());
    }
}
