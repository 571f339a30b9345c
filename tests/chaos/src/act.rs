//! One operation on a session, as a request would do it.

use cloakroom::store::Page;
use cloakroom::{Error, ErrorKind, Key, NoSession, Principal, Session, Sessions};
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use crate::history::{Action, Answer, Outcome, Refusal};
use crate::store::name_of;
use crate::tally::Tally;

/// What an operation led to, with the key that the client has then.
pub(crate) struct Acted {
    pub(crate) outcome: Outcome,
    pub(crate) key: Option<Key>,
}

/// Does one operation; an increment leaves `number` in the value.
pub(crate) async fn act(
    sessions: &Sessions<Tally>,
    number: u64,
    action: Action,
    principal: &Principal,
    key: Option<&Key>,
) -> Acted {
    let acted = match action {
        Action::RevokeAll => sessions
            .revoke_all(principal)
            .await
            .map(|_| Acted { outcome: Outcome::Done(Answer::default()), key: None }),
        _ => in_session(sessions, number, action, principal, key).await,
    };
    acted.unwrap_or_else(|error| Acted { outcome: outcome_of(action, &error), key: None })
}

async fn in_session(
    sessions: &Sessions<Tally>,
    number: u64,
    action: Action,
    principal: &Principal,
    key: Option<&Key>,
) -> Result<Acted, Error> {
    let request = sessions.request_session().with_method("POST");
    let mut session = request.session(&headers(key)).await?;
    if let Some(no_session) = session.no_session().filter(|_| action != Action::Login) {
        return Ok(Acted { outcome: Outcome::Refused(refusal_of(no_session)), key: None });
    }
    let opened = session.id();
    let mut seen = None;
    match action {
        Action::Increment => {
            let counted = session.update(|tally| {
                tally.add(number);
                tally.clone()
            });
            seen = Some(counted.await?);
        }
        Action::Login => session.login(principal).await?,
        Action::Renew => session.renew().await?,
        Action::Logout => {
            session.logout().await?;
            let ended = opened.map(|id| id.to_string());
            let answer = Answer { session: ended, ..Answer::default() };
            return Ok(Acted { outcome: Outcome::Done(answer), key: None });
        }
        Action::Read | Action::RevokeAll | Action::List | Action::Listed => {}
    }
    Ok(answer(&session, seen))
}

fn answer(session: &Session<Tally>, seen: Option<Tally>) -> Acted {
    let answer = Answer {
        session: session.id().map(|id| id.to_string()),
        key: session.key().map(name_of),
        seen: Some(seen.unwrap_or_else(|| session.value().clone())),
        listed: Vec::new(),
    };
    Acted { outcome: Outcome::Done(answer), key: session.key().cloned() }
}

/// The ids and values of all live sessions of a principal.
pub(crate) async fn list(
    sessions: &Sessions<Tally>,
    principal: &Principal,
) -> Result<Vec<(String, Tally)>, Error> {
    let listed = sessions.list(principal, Page::first(1000)).await?;
    let tally = |value: Option<&Tally>| value.cloned().unwrap_or_default();
    Ok(listed.iter().map(|one| (one.id().to_string(), tally(one.value()))).collect())
}

fn headers(key: Option<&Key>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(key) = key {
        let cookie = format!("__Host-id={}", key.expose());
        headers.insert(COOKIE, HeaderValue::try_from(cookie).expect("a key is ASCII"));
    }
    headers
}

fn outcome_of(action: Action, error: &Error) -> Outcome {
    // It ends one session after the other.
    let is_in_parts = action == Action::RevokeAll;
    if error.may_have_happened() || is_in_parts {
        return Outcome::Unknown;
    }
    Outcome::Refused(match (error.kind(), error.no_session()) {
        (_, Some(no_session)) => refusal_of(no_session),
        (ErrorKind::Superseded, _) => Refusal::NotItsKey("superseded".to_owned()),
        (ErrorKind::Unavailable, _) => Refusal::Unavailable,
        _ => Refusal::Other(error.to_string()),
    })
}

fn refusal_of(no_session: NoSession) -> Refusal {
    match no_session {
        NoSession::Unknown => Refusal::Absent,
        NoSession::Superseded => Refusal::NotItsKey("superseded".to_owned()),
        NoSession::Retired => Refusal::NotItsKey("retired".to_owned()),
        NoSession::WrongSecret => Refusal::NotItsKey(Refusal::WRONG_SECRET.to_owned()),
        NoSession::Ended(reason) => Refusal::Ended(reason.as_str().to_owned()),
        NoSession::Expired => Refusal::Ended("expired".to_owned()),
        other => Refusal::Other(format!("{other:?}")),
    }
}
