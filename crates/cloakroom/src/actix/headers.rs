//! actix-web's own map of headers, which speaks an older release of `http`.

use actix_web::http::header;
use http::{HeaderName, HeaderValue};

use crate::header_map::{Headers, HeadersMut};

impl Headers for header::HeaderMap {
    fn values(&self, name: &HeaderName) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.get_all(name.as_str()).map(header::HeaderValue::as_bytes)
    }
}

impl HeadersMut for header::HeaderMap {
    fn append(&mut self, name: HeaderName, value: HeaderValue) {
        // What is a name or a value to one release is one to the other.
        let name = header::HeaderName::from_bytes(name.as_str().as_bytes());
        let text = header::HeaderValue::from_bytes(value.as_bytes());
        if let (Ok(name), Ok(mut text)) = (name, text) {
            text.set_sensitive(value.is_sensitive());
            Self::append(self, name, text);
        }
    }

    fn retain(&mut self, name: &HeaderName, mut keep: impl FnMut(&[u8]) -> bool) {
        if self.get_all(name.as_str()).any(|value| !keep(value.as_bytes())) {
            Self::retain(self, |given, value| given.as_str() != name.as_str() || keep(value.as_bytes()));
        }
    }
}
