//! The parser of hostile `Cookie` headers, as a function of bytes.

use http::{HeaderMap, HeaderValue, header::COOKIE};

use crate::cookie::CookiePolicy;
use crate::transport::Transport;

/// Reads `data` as `Cookie` headers, one a line, and returns how many keys were taken from them.
///
/// # Panics
/// If a key was taken that does not stand there as a value of our cookie: the property that fuzzing is after.
pub fn cookie(data: &[u8]) -> usize {
    let Ok(channel) = Transport::cookie(CookiePolicy::for_plain_http("n")).compile("") else {
        return 0;
    };
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n') {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(COOKIE, value);
        }
    }
    let presented = channel.read(&headers);
    for key in presented.keys() {
        let pair = format!("n={}", key.expose()).into_bytes();
        let stands = data.windows(pair.len()).any(|window| window == pair);
        assert!(stands, "a key was adopted that nobody sent");
    }
    presented.keys().count()
}
