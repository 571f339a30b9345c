//! Records, keys and cookies as bytes or text, next to what tower-sessions and its stores use.

use cloakroom_bench::Failure;
use cloakroom_bench::codec::{
    self, CASES, Case, KEY_FROM_TEXT, KEY_TO_TEXT, Prepared, RECORD_TO_BYTES, RECORD_WITH_VALUE,
    REQUEST_WITH_UNKNOWN_KEY, REQUEST_WITHOUT_KEY,
};
use cloakroom_bench::options::{Goals, Options};
use cloakroom_bench::overhead::case::{COOKIE_NAME, STRANGER, cookies};
use cloakroom_bench::visitor::{VISITOR, Visitor};
use http::HeaderValue;
use http::header::InvalidHeaderValue;
use time::{Duration, OffsetDateTime};
use tower_sessions::cookie::{Cookie, CookieJar, SameSite};
use tower_sessions::session::{Id, Record};

const MESSAGE_PACK: &str = "tower-sessions, MessagePack";
const JSON: &str = "tower-sessions, JSON";
const TOWER: &str = "tower-sessions";

const THEIRS: [Case; 9] = [
    Case::new(RECORD_TO_BYTES, MESSAGE_PACK, || {
        let record = record()?;
        Ok(Prepared::new(rmp_serde::to_vec(&record)?.len(), move || rmp_serde::to_vec(&record)))
    }),
    Case::new(RECORD_TO_BYTES, JSON, || {
        let record = record()?;
        Ok(Prepared::new(serde_json::to_vec(&record)?.len(), move || serde_json::to_vec(&record)))
    }),
    Case::new(RECORD_WITH_VALUE, MESSAGE_PACK, || {
        let bytes = rmp_serde::to_vec(&record()?)?;
        Ok(Prepared::new(bytes.len(), move || visitor(rmp_serde::from_slice(&bytes).ok()?)))
    }),
    Case::new(RECORD_WITH_VALUE, JSON, || {
        let bytes = serde_json::to_vec(&record()?)?;
        Ok(Prepared::new(bytes.len(), move || visitor(serde_json::from_slice(&bytes).ok()?)))
    }),
    Case::new(KEY_TO_TEXT, TOWER, || {
        Ok(Prepared::new(id().to_string().len(), || id().to_string()))
    }),
    Case::new(KEY_FROM_TEXT, TOWER, || {
        let text = id().to_string();
        Ok(Prepared::new(text.len(), move || text.parse::<Id>()))
    }),
    Case::new("Set-Cookie alone", TOWER, || Ok(Prepared::new(set_cookie()?.len(), set_cookie))),
    Case::new(REQUEST_WITHOUT_KEY, "tower-sessions, parsed", || {
        Ok(Prepared::new(STRANGER.len(), || jar(&HeaderValue::from_static(STRANGER))))
    }),
    Case::new(REQUEST_WITH_UNKNOWN_KEY, "tower-sessions, parsed", || {
        let cookies = cookies(&id().to_string())?;
        Ok(Prepared::new(cookies.len(), move || jar(&cookies)))
    }),
];

/// Cases of one kind together, ours first.
fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = CASES.into_iter().chain(THEIRS).collect();
    let place = |case: &Case| CASES.iter().position(|ours| ours.what == case.what);
    cases.sort_by_key(|case| place(case).unwrap_or(CASES.len()));
    cases
}

pub(crate) fn bench(options: Options) -> Result<bool, Failure> {
    let mut report = codec::bench("compare-codec", &cases(), options)?;
    let peers = ["cloakroom", "tower-sessions", "rmp-serde", "serde_json", "cookie"];
    report.versions_in(crate::LOCK, &peers);
    options.finish(&report, &Goals::default())
}

pub(crate) fn drive(words: &[&str]) -> Result<(), Failure> {
    codec::drive(&cases(), words)
}

fn record() -> Result<Record, Failure> {
    let expiry_date = OffsetDateTime::now_utc() + Duration::minutes(30);
    let mut record = Record { id: Id(1 << 100), data: [].into(), expiry_date };
    let visitor = Visitor { visits: 7, ..Visitor::new(1_234_567) };
    record.data.insert(VISITOR.into(), serde_json::to_value(visitor)?);
    Ok(record)
}

/// Decodes the value as a `Session` of theirs does.
fn visitor(record: Record) -> Option<(Record, Visitor)> {
    let visitor = serde_json::from_value(record.data.get(VISITOR)?.clone()).ok()?;
    Some((record, visitor))
}

const fn id() -> Id {
    Id(i128::from_be_bytes([0x35; 16]))
}

/// As tower-cookies writes it, with the attributes that tower-sessions sets.
fn set_cookie() -> Result<HeaderValue, InvalidHeaderValue> {
    let cookie = Cookie::build((COOKIE_NAME, id().to_string()))
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(true)
        .path("/")
        .max_age(Duration::hours(12))
        .build();
    HeaderValue::from_str(&cookie.encoded().to_string())
}

/// A jar of all cookies, as tower-cookies fills it when first asked, and the session's id from it.
fn jar(cookies: &HeaderValue) -> Option<(CookieJar, Option<Id>)> {
    let mut jar = CookieJar::new();
    for cookie in Cookie::split_parse_encoded(cookies.to_str().ok()?.to_owned()) {
        jar.add_original(cookie.ok()?);
    }
    let id = jar.get(COOKIE_NAME).and_then(|cookie| cookie.value().parse().ok());
    Some((jar, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_can_be_prepared_and_repeated() {
        codec::works(&cases()).unwrap();
    }

    #[test]
    fn the_peer_reads_what_it_wrote() {
        let bytes = rmp_serde::to_vec(&record().unwrap()).unwrap();
        let (_, read) = visitor(rmp_serde::from_slice(&bytes).unwrap()).unwrap();
        assert_eq!(read.visits, 7);
        let (_, found) = jar(&cookies(&id().to_string()).unwrap()).unwrap();
        assert_eq!(found, Some(id()));
    }
}
