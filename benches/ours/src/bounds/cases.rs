//! What is tried on a full store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cloakroom::http::ClientPolicy;
use cloakroom::time::Clock;
use cloakroom::{
    Error, Key, MemoryStore, Principal, Session, SessionMap, Sessions, Store as _, Timestamp,
};
use http::{HeaderMap, HeaderValue, header};
use serde_json::Value;

use crate::Failure;
use crate::meter::resident;

const DAY: Duration = Duration::from_hours(24);

/// The time of a case, which passes only as it says.
#[derive(Clone, Debug)]
struct CaseClock(Arc<AtomicU64>);

impl CaseClock {
    fn new() -> Self {
        // In the year 2100.
        Self(Arc::new(AtomicU64::new(4_102_444_800_000)))
    }

    fn advance(&self, span: Duration) {
        let millis = u64::try_from(span.as_millis()).unwrap_or_default();
        self.0.fetch_add(millis, Ordering::Relaxed);
    }
}

impl Clock for CaseClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// One store, its sessions and their time.
struct Case {
    store: Arc<MemoryStore>,
    sessions: Sessions<SessionMap>,
    clock: CaseClock,
}

impl Case {
    fn new(sessions: usize, bytes: usize) -> Result<Self, Failure> {
        let (store, clock) = (Arc::new(MemoryStore::bounded(sessions, bytes)), CaseClock::new());
        let sessions = Sessions::builder(Arc::clone(&store))
            .clock(clock.clone())
            .clients(ClientPolicy::user_agents())
            .build()?;
        Ok(Self { store, sessions, clock })
    }

    async fn open(&self, key: Option<&Key>) -> Result<Session<SessionMap>, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, HeaderValue::try_from("x".repeat(255))?);
        if let Some(key) = key {
            let cookie = format!("__Host-id={}", key.expose());
            headers.insert(header::COOKIE, HeaderValue::try_from(cookie)?);
        }
        Ok(self.sessions.request_session().session(&headers).await?)
    }

    async fn sign_in(&self, number: usize) -> Result<Key, Failure> {
        let mut session = self.open(None).await?;
        session.login(&Principal::new(format!("user-{number}"))?).await?;
        Ok(session.key().ok_or("no key was given out")?.clone())
    }
}

/// What a full store answers 400 days after its sessions have expired.
pub(super) async fn after_expiry() -> Result<Vec<(&'static str, Result<(), Error>)>, Failure> {
    let case = Case::new(1_000, usize::MAX)?;
    for number in 0..1_000 {
        case.sign_in(number).await?;
    }
    case.clock.advance(400 * DAY);
    let mut answers = Vec::new();
    let mut session = case.open(None).await?;
    answers.push(("a sign-in", session.login(&Principal::new("alice")?).await));
    answers.push(("growth of a live session", {
        session.update(|map| map.insert("text", "x".repeat(100_000))).await.map(drop)
    }));
    answers.push(("a new session", case.open(None).await?.start().await));
    answers.push(("health", case.store.health().await.map_err(Error::from)));
    Ok(answers)
}

/// The kinds of value of which a store is filled.
pub(super) const VALUES: [&str; 5] = ["0", "[[]]", "{}", "\"\"", "nothing"];
pub(super) const BOUND: usize = 64 << 20;

/// By how much the process grows while a store is filled with lists of 10,000 such values.
pub(super) async fn growth(value: &str) -> Result<usize, Failure> {
    const MAX: usize = 1_000_000;
    let case = Case::new(MAX, BOUND)?;
    let before = resident()?;
    let value: Option<Value> = serde_json::from_str(value).ok();
    let mut most = 0;
    for _ in 0..MAX {
        let mut session = case.open(None).await?;
        let kept = match &value {
            Some(value) => {
                session.update(|map| map.insert("key", vec![value; 10_000])).await.map(drop)
            }
            None => session.start().await,
        };
        if kept.is_err() {
            break;
        }
        if case.store.len() <= most {
            break;
        }
        most = case.store.len();
    }
    Ok(resident()?.saturating_sub(before))
}

/// How many people sign in with a form that they loaded `delay` seconds before, while `robots` load
/// it each second and keep no cookies; out of how many. Robots have filled the store before.
pub(super) async fn robots(robots: usize, delay: usize) -> Result<(usize, usize), Failure> {
    const SECONDS: usize = 300;
    let case = Case::new(100_000, usize::MAX)?;
    while case.store.len() < 100_000 {
        let _ = case.open(None).await?.csrf_token("sign-in").await?;
        case.clock.advance(Duration::from_millis(1));
    }
    let (mut loaded, mut signed_in) = (Vec::new(), 0);
    for second in 0..SECONDS + delay {
        for _ in 0..robots {
            // Refused ones come again.
            let _ = case.open(None).await?.csrf_token("sign-in").await;
        }
        if second < SECONDS {
            let mut session = case.open(None).await?;
            let token = session.csrf_token("sign-in").await.ok();
            loaded.push(token.and_then(|token| Some((session.key()?.clone(), token.to_string()))));
        }
        let form = second.checked_sub(delay).and_then(|loaded_at| loaded.get(loaded_at)?.as_ref());
        if let Some((key, token)) = form {
            let mut session = case.open(Some(key)).await?;
            let person = Principal::new(format!("person-{second}"))?;
            let is_genuine = session.check_csrf("sign-in", token).is_ok();
            signed_in += usize::from(is_genuine && session.login(&person).await.is_ok());
        }
        case.clock.advance(Duration::from_secs(1));
    }
    Ok((signed_in, SECONDS))
}
