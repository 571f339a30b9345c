//! Access to headers, whatever type a server keeps them in.

use http::{HeaderMap, HeaderName, HeaderValue};

/// The headers of a request, whatever type a server keeps them in.
///
/// Implemented for [`http::HeaderMap`], for actix-web's own map (feature `actix`), and for lists of
/// names and values, as servers without a header type have them:
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
    /// The values of all headers of this name, in the order in which they arrived.
    ///
    /// Names are case-insensitive (RFC 9110 section 5.1).
    fn values(&self, name: &HeaderName) -> impl DoubleEndedIterator<Item = &[u8]>;
}

/// The headers of a response that is being built.
pub trait HeadersMut: Headers {
    /// Adds a header, and keeps others of its name.
    fn append(&mut self, name: HeaderName, value: HeaderValue);

    /// Removes the headers of this name whose values `keep` returns false for.
    fn retain(&mut self, name: &HeaderName, keep: impl FnMut(&[u8]) -> bool);
}

impl Headers for HeaderMap {
    fn values(&self, name: &HeaderName) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.get_all(name).iter().map(HeaderValue::as_bytes)
    }
}

impl HeadersMut for HeaderMap {
    fn append(&mut self, name: HeaderName, value: HeaderValue) {
        // A map with 2^15 names has no room, and `append` would panic.
        let _ = self.try_append(name, value);
    }

    fn retain(&mut self, name: &HeaderName, mut keep: impl FnMut(&[u8]) -> bool) {
        if self.get_all(name).iter().all(|value| keep(value.as_bytes())) {
            return;
        }
        let kept: Vec<HeaderValue> =
            self.get_all(name).iter().filter(|value| keep(value.as_bytes())).cloned().collect();
        self.remove(name);
        for value in kept {
            HeadersMut::append(self, name.clone(), value);
        }
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> Headers for [(N, V)] {
    fn values(&self, name: &HeaderName) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.iter()
            .filter(|(given, _)| is_named(given.as_ref(), name))
            .map(|(_, value)| value.as_ref())
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
        // The values that this crate writes are ASCII.
        let text = value.to_str().unwrap_or_default();
        self.push((name.as_str().to_owned(), text.to_owned()));
    }

    fn retain(&mut self, name: &HeaderName, mut keep: impl FnMut(&[u8]) -> bool) {
        Self::retain(self, |(given, value)| !is_named(given, name) || keep(value.as_bytes()));
    }
}

fn is_named(given: &str, name: &HeaderName) -> bool {
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
    fn a_header_is_found_by_its_name_in_any_case_in_every_type() {
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
    fn a_map_that_is_full_never_panics() {
        let mut full = HeaderMap::new();
        full.insert(SET_COOKIE, HeaderValue::from_static("a=1"));
        for number in 0.. {
            let name = HeaderName::try_from(format!("x{number}")).unwrap();
            if full.try_insert(name, HeaderValue::from_static("1")).is_err() {
                break;
            }
        }
        let value = HeaderValue::from_static("a=2");
        HeadersMut::append(&mut full, COOKIE, value.clone());
        HeadersMut::retain(&mut full, &SET_COOKIE, |_| false);
        HeadersMut::append(&mut full, SET_COOKIE, value);
        assert_eq!(full.get_all(SET_COOKIE).iter().collect::<Vec<_>>(), ["a=2"]);
    }
}
