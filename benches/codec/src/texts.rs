//! Keys and cookies: what a browser sends and is sent.
#![expect(clippy::unnecessary_wraps, reason = "every case is made ready by a function of one type")]

use cloakroom::{Io, Key, KindTag, Map, MemoryStore, Secret, SessionId, Sessions};
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use tower_sessions::cookie::time::Duration;
use tower_sessions::cookie::{Cookie, CookieJar, SameSite};
use tower_sessions::session::Id;

use crate::Failure;
use crate::case::Ready;

/// The session cookie's name, the same for both.
const NAME: &str = "__Host-id";

fn key() -> Key {
    Key::new(SessionId::from_bytes([0xA5; 16]), Secret::from_bytes([0x5A; 16]))
}

fn id() -> Id {
    Id(i128::from_be_bytes([0x35; 16]))
}

pub(crate) fn key_to_text() -> Result<Ready, Failure> {
    let key = key();
    Ok(Ready::new(key.expose().len(), move || key.expose()))
}

pub(crate) fn id_to_text() -> Result<Ready, Failure> {
    Ok(Ready::new(id().to_string().len(), || id().to_string()))
}

pub(crate) fn key_from_text() -> Result<Ready, Failure> {
    let text = key().expose();
    Ok(Ready::new(text.len(), move || Key::from_text(text.as_bytes())))
}

pub(crate) fn id_from_text() -> Result<Ready, Failure> {
    let text = id().to_string();
    Ok(Ready::new(text.len(), move || text.parse::<Id>()))
}

pub(crate) fn verifier() -> Result<Ready, Failure> {
    let (key, kind) = (key(), KindTag::of(""));
    Ok(Ready::new(32, move || key.verifier(kind)))
}

/// `Set-Cookie`, `Cache-Control` and `Vary`, as they go into a response.
pub(crate) fn response_headers() -> Result<Ready, Failure> {
    let sessions: Sessions<Map> = Sessions::new(MemoryStore::new())?;
    let session = Io::future(async move { sessions.generate(Map::default()).await }).wait()?;
    let make = move || {
        let mut response = HeaderMap::new();
        session.headers().apply_to(&mut response);
        response
    };
    let bytes = make().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    Ok(Ready::new(bytes, make))
}

/// As tower-cookies has it written, with the attributes that tower-sessions sets.
pub(crate) fn set_cookie() -> Result<Ready, Failure> {
    let make = || {
        let cookie = Cookie::build((NAME, id().to_string()))
            .http_only(true)
            .same_site(SameSite::Strict)
            .secure(true)
            .path("/")
            .max_age(Duration::hours(12))
            .build();
        HeaderValue::from_str(&cookie.encoded().to_string())
    };
    Ok(Ready::new(make()?.len(), make))
}

/// A browser's cookies, with a session's among them or not.
fn cookies(key: Option<&str>) -> Result<HeaderValue, Failure> {
    let ours = key.map(|key| format!("{NAME}={key}; ")).unwrap_or_default();
    Ok(HeaderValue::from_str(&format!("_ga=GA1.1.1713350112.1763900000; theme=dark; {ours}lang=en-GB"))?)
}

/// A request that begins nothing and ends nothing, from its headers to its response's.
fn visit(cookies: Option<HeaderValue>) -> Result<Ready, Failure> {
    let sessions: Sessions<Map> = Sessions::new(MemoryStore::new())?;
    let mut request = HeaderMap::new();
    let bytes = cookies.as_ref().map_or(0, HeaderValue::len);
    if let Some(cookies) = cookies {
        request.insert(COOKIE, cookies);
    }
    Ok(Ready::new(bytes, move || {
        let visit = sessions.visit();
        // On a store that answers at once this never waits.
        let session = at_once(visit.session(&request));
        let mut response = HeaderMap::new();
        visit.finish(&mut response);
        (session, response)
    }))
}

/// The answer of a future that has it when first asked.
fn at_once<F: Future>(future: F) -> Option<F::Output> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(answer) => Some(answer),
        std::task::Poll::Pending => None,
    }
}

pub(crate) fn visit_without_header() -> Result<Ready, Failure> {
    visit(None)
}

pub(crate) fn visit_without_key() -> Result<Ready, Failure> {
    visit(Some(cookies(None)?))
}

pub(crate) fn visit_with_key() -> Result<Ready, Failure> {
    visit(Some(cookies(Some(&key().expose()))?))
}

/// A jar of all cookies, as tower-cookies fills it when it is first asked, and the session's taken from it.
fn jar(cookies: &HeaderValue) -> Option<(CookieJar, Option<Id>)> {
    let mut jar = CookieJar::new();
    for cookie in Cookie::split_parse_encoded(cookies.to_str().ok()?.to_owned()) {
        jar.add_original(cookie.ok()?);
    }
    let id = jar.get(NAME).and_then(|cookie| cookie.value().parse().ok());
    Some((jar, id))
}

pub(crate) fn jar_without_key() -> Result<Ready, Failure> {
    let cookies = cookies(None)?;
    Ok(Ready::new(cookies.len(), move || jar(&cookies)))
}

pub(crate) fn jar_with_key() -> Result<Ready, Failure> {
    let cookies = cookies(Some(&id().to_string()))?;
    Ok(Ready::new(cookies.len(), move || jar(&cookies)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_find_the_key_among_the_cookies_and_write_it_into_a_cookie() {
        let (_, found) = jar(&cookies(Some(&id().to_string())).unwrap()).unwrap();
        assert_eq!(found, Some(id()));
        assert!(jar(&cookies(None).unwrap()).unwrap().1.is_none());
        assert!(set_cookie().unwrap().bytes > 80 && response_headers().unwrap().bytes > 80);
    }
}
