//! An application under tower-sessions' middleware, and a client of it.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{Request, StatusCode, header};
use axum::{Router, routing::get};
use cloakroom::Store;
use cloakroom_tower_sessions::TowerSessionStore;
use time::Duration;
use tokio::sync::Notify;
use tower::ServiceExt;
use tower_sessions::cookie::Cookie;
use tower_sessions::session::Error;
use tower_sessions::{Expiry, Session, SessionManagerLayer};

use crate::bridge::Bridge;

type Layer = SessionManagerLayer<TowerSessionStore>;
type Answered = Result<String, StatusCode>;

pub(crate) struct App {
    pub(crate) bridge: Bridge,
    pub(crate) pause: Arc<Pause>,
    router: Router,
}

/// Holds a handler until the test lets it continue.
#[derive(Default)]
pub(crate) struct Pause {
    pub(crate) reached: Notify,
    pub(crate) over: Notify,
}

/// A response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: String,
    pub(crate) cookies: Vec<Cookie<'static>>,
}

impl App {
    /// Sessions of an hour.
    pub(crate) fn on(store: impl Store) -> Self {
        Self::with(store, |layer| layer.with_expiry(Expiry::OnInactivity(Duration::hours(1))))
    }

    pub(crate) fn with(store: impl Store, adjust: impl FnOnce(Layer) -> Layer) -> Self {
        let bridge = Bridge::with_system_time(store);
        let pause = Arc::<Pause>::default();
        let layer = adjust(SessionManagerLayer::new(bridge.sessions.clone()));
        let router = Router::new()
            .route("/idle", get(|_: Session| async { "idle" }))
            .route("/put", get(put))
            .route("/get", get(read))
            .route("/remove", get(remove))
            .route("/cycle", get(cycle))
            .route("/flush", get(flush))
            .route("/clear-then-put", get(clear_then_put))
            .route("/put-then-delete", get(put_then_delete))
            .route("/read-then-put", get(read_then_put))
            .route("/for-a-day", get(async |session: Session| expire(&session, Some(DAY))))
            .route("/until-closed", get(async |session: Session| expire(&session, None)))
            .layer(layer)
            .with_state(Arc::clone(&pause));
        Self { bridge, pause, router }
    }

    /// Sends a GET request, with the cookie if given.
    pub(crate) async fn get(&self, path: &str, cookie: Option<&Cookie<'_>>) -> Answer {
        let mut request = Request::builder().uri(path);
        if let Some(cookie) = cookie {
            request =
                request.header(header::COOKIE, format!("{}={}", cookie.name(), cookie.value()));
        }
        let answer =
            self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let cookies = answer.headers().get_all(header::SET_COOKIE).iter();
        let cookies =
            cookies.map(|text| Cookie::parse(text.to_str().unwrap().to_owned()).unwrap()).collect();
        let status = answer.status();
        let body = to_bytes(answer.into_body(), 1 << 16).await.unwrap();
        Answer { status, body: String::from_utf8(body.to_vec()).unwrap(), cookies }
    }

    /// The cookie of a session that holds 42.
    pub(crate) async fn visitor(&self) -> Cookie<'static> {
        self.get("/put", None).await.cookie()
    }

    /// What a request with the cookie reads.
    pub(crate) async fn read(&self, cookie: &Cookie<'_>) -> String {
        self.get("/get", Some(cookie)).await.body
    }
}

impl Answer {
    /// The one Set-Cookie of the response.
    pub(crate) fn cookie(self) -> Cookie<'static> {
        assert_eq!(self.cookies.len(), 1, "{self:?}");
        self.cookies.into_iter().next().unwrap()
    }
}

pub(crate) fn is_removal(cookie: &Cookie<'_>) -> bool {
    cookie.value().is_empty() && cookie.max_age() == Some(Duration::ZERO)
}

const DAY: Expiry = Expiry::OnInactivity(Duration::days(1));

async fn put(session: Session) -> Answered {
    done(session.insert("value", 42).await)
}

async fn read(session: Session) -> Answered {
    let value = session.get::<u64>("value").await.map_err(unavailable)?;
    Ok(value.map_or("nothing".to_owned(), |value| value.to_string()))
}

async fn remove(session: Session) -> Answered {
    done(session.remove::<u64>("value").await)
}

async fn cycle(session: Session) -> Answered {
    done(session.cycle_id().await)
}

async fn flush(session: Session) -> Answered {
    done(session.flush().await)
}

async fn clear_then_put(session: Session) -> Answered {
    session.clear().await;
    put(session).await
}

async fn put_then_delete(session: Session) -> Answered {
    put(session.clone()).await?;
    done(session.delete().await)
}

async fn read_then_put(State(pause): State<Arc<Pause>>, session: Session) -> Answered {
    read(session.clone()).await?;
    pause.reached.notify_one();
    pause.over.notified().await;
    done(session.insert("value", 43).await)
}

fn expire(session: &Session, expiry: Option<Expiry>) {
    session.set_expiry(expiry);
}

fn done<T>(result: Result<T, Error>) -> Answered {
    result.map(|_| "done".to_owned()).map_err(unavailable)
}

fn unavailable(_: Error) -> StatusCode {
    StatusCode::SERVICE_UNAVAILABLE
}
