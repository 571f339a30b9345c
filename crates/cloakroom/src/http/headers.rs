//! Access to headers, whatever type a server keeps them in.

use http::header::{self, Entry};
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
    ///
    /// The header must be in the response afterwards: where there is no room, another one gives
    /// way.
    fn append(&mut self, name: HeaderName, value: HeaderValue);

    /// Removes the headers of this name whose values `keep` returns false for.
    fn retain(&mut self, name: &HeaderName, keep: impl FnMut(&[u8]) -> bool);

    /// Removes the headers whose names `keep` returns false for.
    ///
    /// The names are passed as they are stored, in any case.
    fn retain_names(&mut self, keep: impl FnMut(&str) -> bool);
}

impl Headers for HeaderMap {
    fn values(&self, name: &HeaderName) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.get_all(name).iter().map(HeaderValue::as_bytes)
    }
}

impl HeadersMut for HeaderMap {
    fn append(&mut self, name: HeaderName, value: HeaderValue) {
        // Not `HeaderMap::append`: it panics if the map is full, even for a name that is there.
        loop {
            match self.try_entry(&name) {
                Ok(Entry::Occupied(mut entry)) => return entry.append(value),
                Ok(Entry::Vacant(entry)) => {
                    let _ = entry.try_insert(value);
                    return;
                }
                Err(_) => match self.keys().filter(|name| can_give_way(name)).last().cloned() {
                    Some(last) => drop(self.remove(last)),
                    None => return,
                },
            }
        }
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

    fn retain_names(&mut self, mut keep: impl FnMut(&str) -> bool) {
        let removed: Vec<HeaderName> =
            self.keys().filter(|name| !keep(name.as_str())).cloned().collect();
        for name in removed {
            self.remove(name);
        }
    }
}

/// True for the headers of which a response with too many loses the last.
///
/// An `http::HeaderMap` is full at 24,576 names (or at fewer whose hashes collide). No more than a
/// few hundred are registered, so a full map has others.
fn can_give_way(name: &HeaderName) -> bool {
    const KEPT: [HeaderName; 11] = [
        header::CACHE_CONTROL,
        header::CONNECTION,
        header::DATE,
        header::LOCATION,
        header::REFERRER_POLICY,
        header::RETRY_AFTER,
        header::SET_COOKIE,
        header::STRICT_TRANSPORT_SECURITY,
        header::TRANSFER_ENCODING,
        header::VARY,
        header::WWW_AUTHENTICATE,
    ];
    let has_prefix = |prefix: &&str| name.as_str().starts_with(*prefix);
    let kept = ["access-control-", "content-", "cross-origin-", "x-content-", "x-frame-"];
    !KEPT.contains(name) && !kept.iter().any(has_prefix)
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

    fn retain_names(&mut self, mut keep: impl FnMut(&str) -> bool) {
        Self::retain(self, |(given, _)| keep(given));
    }
}

/// Marks the headers in which a request carries keys as sensitive, so that `Debug` hides them.
#[cfg(feature = "tower")]
pub(crate) fn mark_keys_sensitive(request: &mut HeaderMap) {
    // Not dropped for each request, as constants would be.
    static NAMES: [HeaderName; 2] = [header::COOKIE, header::AUTHORIZATION];
    for name in &NAMES {
        if let Some(value) = request.get_mut(name) {
            value.set_sensitive(true);
        }
    }
    // Some header is repeated; HTTP/2 may split `Cookie` (RFC 9113 section 8.2.3).
    if request.len() > request.keys_len() {
        for (name, value) in request.iter_mut() {
            if NAMES.contains(name) {
                value.set_sensitive(true);
            }
        }
    }
}

fn is_named(given: &str, name: &HeaderName) -> bool {
    given.eq_ignore_ascii_case(name.as_str())
}

#[cfg(test)]
mod tests {
    use http::header::{COOKIE, SET_COOKIE, VARY};

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
    fn retaining_names_removes_every_header_of_the_others() {
        fn check(headers: &mut impl HeadersMut, name: &HeaderName) {
            for value in ["a=1", "b=2"] {
                headers.append(SET_COOKIE, HeaderValue::from_static(value));
                headers.append(name.clone(), HeaderValue::from_static(value));
            }
            headers.retain_names(|name| !name.eq_ignore_ascii_case("set-cookie"));
            assert_eq!(headers.values(&SET_COOKIE).count(), 0);
            assert_eq!(headers.values(name).collect::<Vec<_>>(), [b"a=1", b"b=2"]);
        }
        check(&mut HeaderMap::new(), &COOKIE);
        check(&mut vec![("Set-Cookie".to_owned(), "c=3".to_owned())], &COOKIE);
    }

    #[test]
    fn a_full_map_loses_another_header_and_never_the_one_that_is_added() {
        let mut full = HeaderMap::new();
        full.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
        full.insert(VARY, HeaderValue::from_static("accept"));
        for number in 0.. {
            let name = HeaderName::try_from(format!("a{number}")).unwrap();
            if full.try_insert(name, HeaderValue::from_static("1")).is_err() {
                break;
            }
        }
        let names = full.keys_len();
        for value in ["a=1", "a=2", "a=3"] {
            HeadersMut::append(&mut full, SET_COOKIE, HeaderValue::from_static(value));
        }
        HeadersMut::append(&mut full, VARY, HeaderValue::from_static("cookie"));
        HeadersMut::retain(&mut full, &SET_COOKIE, |value| value != b"a=2");
        assert_eq!(full.get_all(SET_COOKIE).iter().collect::<Vec<_>>(), ["a=1", "a=3"]);
        assert_eq!(full.get_all(VARY).iter().collect::<Vec<_>>(), ["accept", "cookie"]);
        assert_eq!(full[header::CONTENT_TYPE], "text/html");
        assert!(names - full.keys_len() < 4, "hardly more gives way than is added");
    }

    #[cfg(feature = "tower")]
    #[test]
    fn marked_headers_show_no_key() {
        let mut request = HeaderMap::new();
        for (name, value) in
            [("cookie", "id=KEY"), ("cookie", "x=KEY"), ("authorization", "Bearer KEY"), ("x", "y")]
        {
            request.append(name, HeaderValue::from_static(value));
        }
        mark_keys_sensitive(&mut request);
        let text = format!("{request:?}");
        assert!(!text.contains("KEY") && text.contains("\"y\""), "{text}");
    }
}
