//! Buttons that do to a visitor's own session what goes wrong on real sites.
//!
//! Each handler stores what happened in the session and redirects to the page that tells it.

mod client;
mod old_key;
mod outcome;

use std::time::Duration;

use axum::Router;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use cloakroom::{Error, Principal, Session, Sessions};
use tokio::task::JoinSet;

use super::live_session::LiveSession;
use super::users;
use super::visitor::Visitor;
use client::Client;

pub(super) use outcome::{KeyAnswer, Moment, Outcome};

/// How many updates are sent at once.
pub(super) const UPDATES: usize = 20;
/// How long the session of a visitor who lets it expire still lasts.
const LAST_MOMENTS: Duration = Duration::from_secs(5);

pub(super) fn routes() -> Router {
    let to_page = || get(async || Redirect::to("/#try"));
    Router::new()
        .route("/try/updates", to_page().post(send_updates))
        .route("/try/old-key", to_page().post(replay_old_key))
        .route("/try/sign-in", to_page().post(sign_in_twice))
        .route("/try/expiry", to_page().post(let_expire))
}

/// Opens the session in many requests, and changes it in all of them only then.
async fn send_updates(
    sessions: Sessions<Visitor>,
    headers: HeaderMap,
    LiveSession(mut session): LiveSession,
) -> Result<Redirect, Error> {
    session.start().await?;
    let before = session.value().visits;
    let client = Client::after(&headers, &session);
    let mut requests = Vec::new();
    for _ in 0..UPDATES {
        requests.push(client.request(&sessions).await?);
    }
    let mut updates = JoinSet::new();
    for mut request in requests {
        updates.spawn(async move { request.update(Visitor::count_visit).await.is_err() });
    }
    let refused = updates.join_all().await.into_iter().filter(|is_refused| *is_refused).count();
    session
        .update(|visitor| {
            visitor.outcome = Some(Outcome::Updates { before, after: visitor.visits, refused });
        })
        .await?;
    Ok(Redirect::to("/#updates-result"))
}

/// Gives the session a new key, and sends the old one again.
async fn replay_old_key(
    sessions: Sessions<Visitor>,
    headers: HeaderMap,
    LiveSession(mut session): LiveSession,
) -> Result<Redirect, Response> {
    let replayed = replay(&sessions, &headers, &mut session).await;
    let answer = replayed.map_err(IntoResponse::into_response)?;
    let later = old_key::later().await?;
    let store = session.update(|visitor| {
        visitor.outcome = Some(Outcome::OldKey { answer, later: later.clone() });
    });
    store.await.map_err(IntoResponse::into_response)?;
    Ok(Redirect::to("/#old-key-result"))
}

async fn replay(
    sessions: &Sessions<Visitor>,
    headers: &HeaderMap,
    session: &mut Session<Visitor>,
) -> Result<KeyAnswer, Error> {
    session.start().await?;
    let old = Client::after(headers, session);
    session.renew().await?;
    let mut request = old.request(sessions).await?;
    let answer = KeyAnswer::of(&request);
    // It opens nothing to read; this is to see that it changes nothing either.
    if answer == KeyAnswer::TryAgain && request.update(Visitor::count_visit).await.is_ok() {
        return Ok(KeyAnswer::Opens);
    }
    Ok(answer)
}

/// Signs in twice with the same key, as a double click on a form does.
async fn sign_in_twice(
    sessions: Sessions<Visitor>,
    headers: HeaderMap,
    LiveSession(mut session): LiveSession,
) -> Result<Redirect, Error> {
    session.start().await?;
    let client = Client::after(&headers, &session);
    let mut second = client.request(&sessions).await?;
    let login = users::with_password(&visitor_or_first(&session), sessions.now());
    let (first, also) = tokio::join!(session.login(login.clone()), second.login(login));
    first.and(also)?;
    let outcome = Outcome::SignIn { is_same_key: session.key() == second.key() };
    session.update(|visitor| visitor.outcome = Some(outcome.clone())).await?;
    Ok(Redirect::to("/#sign-in-result"))
}

/// Who signs in twice: the visitor, or the first user if no one is signed in.
pub(super) fn visitor_or_first(session: &Session<Visitor>) -> Principal {
    session.principal().cloned().unwrap_or_else(users::first)
}

/// Leaves the session only a few seconds.
async fn let_expire(LiveSession(mut session): LiveSession) -> Result<Redirect, Error> {
    session.update(|visitor| visitor.outcome = Some(Outcome::Expiry)).await?;
    session.extend(LAST_MOMENTS).await?;
    Ok(Redirect::to("/#expiry-result"))
}

/// How long a session that its visitor lets expire still lasts, in seconds, rounded up.
pub(super) fn seconds_left(session: &Session<Visitor>) -> Option<u64> {
    let left = session.expires_within(LAST_MOMENTS)?;
    let seconds = left.as_millis().div_ceil(1000).try_into().ok()?;
    (session.value().outcome == Some(Outcome::Expiry)).then_some(seconds)
}
