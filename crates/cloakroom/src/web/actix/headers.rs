//! actix-web's own header map, which uses an older release of `http`.

use actix_web::http::header;
use http::{HeaderName, HeaderValue};

use crate::http::{Headers, HeadersMut};

impl Headers for header::HeaderMap {
    fn values(&self, name: &HeaderName) -> impl DoubleEndedIterator<Item = &[u8]> {
        actix_name(name)
            .into_iter()
            .flat_map(|name| self.get_all(name))
            .map(header::HeaderValue::as_bytes)
    }
}

impl HeadersMut for header::HeaderMap {
    fn append(&mut self, name: HeaderName, value: HeaderValue) {
        if let (Some(name), Some(mut text)) = (actix_name(&name), actix_value(&value)) {
            text.set_sensitive(value.is_sensitive());
            Self::append(self, name, text);
        }
    }

    fn retain(&mut self, name: &HeaderName, mut keep: impl FnMut(&[u8]) -> bool) {
        if self.values(name).any(|value| !keep(value)) {
            Self::retain(self, |given, value| {
                given.as_str() != name.as_str() || keep(value.as_bytes())
            });
        }
    }

    fn retain_names(&mut self, mut keep: impl FnMut(&str) -> bool) {
        Self::retain(self, |given, _| keep(given.as_str()));
    }
}

/// Marks the headers in which a request carries keys as sensitive, so that `Debug` hides them.
pub(super) fn mark_keys_sensitive(request: &mut header::HeaderMap) {
    for name in [header::COOKIE, header::AUTHORIZATION] {
        if request.get_all(&name).nth(1).is_none() {
            // The usual case, in place.
            request.get_mut(&name).into_iter().for_each(|value| value.set_sensitive(true));
            continue;
        }
        let values: Vec<_> = request.remove(&name).collect();
        for mut value in values {
            value.set_sensitive(true);
            request.append(name.clone(), value);
        }
    }
}

/// The same name as actix-web's type. The names that this crate reads and writes need no parsing.
fn actix_name(name: &HeaderName) -> Option<header::HeaderName> {
    match name.as_str() {
        "cookie" => Some(header::COOKIE),
        "set-cookie" => Some(header::SET_COOKIE),
        "vary" => Some(header::VARY),
        "cache-control" => Some(header::CACHE_CONTROL),
        other => header::HeaderName::from_bytes(other.as_bytes()).ok(),
    }
}

/// The same value as actix-web's type. The values that never change are not copied.
fn actix_value(value: &HeaderValue) -> Option<header::HeaderValue> {
    match value.as_bytes() {
        b"cookie" => Some(header::HeaderValue::from_static("cookie")),
        b"authorization" => Some(header::HeaderValue::from_static("authorization")),
        b"no-store" => Some(header::HeaderValue::from_static("no-store")),
        other => header::HeaderValue::from_bytes(other).ok(),
    }
}
