//! The application's handlers, which can pause at each call of the store.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Waker};
use std::time::Duration;

use cloakroom::key::Carrier;
use cloakroom::{Error, Key, Login, PublicId, Session, SessionKind, Sessions, Timestamp};
use http::{HeaderMap, Method};

use crate::command::{Action, USERS};
use crate::fault::Fault;
use crate::server::{Cart, Node, lock, pause, principal};

/// A session as a handler sees it.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) id: PublicId,
    pub(crate) key: Key,
    pub(crate) user: Option<usize>,
    pub(crate) authenticated: Option<Timestamp>,
    pub(crate) items: Vec<u32>,
    pub(crate) expires_in: Duration,
}

impl View {
    /// True if the key travels as a bearer token.
    pub(crate) fn is_bearer(&self) -> bool {
        self.key.carrier() == Carrier::Bearer
    }
}

fn view<K: SessionKind>(session: &Session<Cart, K>) -> Option<View> {
    let user = session.principal().map(|principal| {
        USERS.iter().position(|user| *user == principal.as_str()).expect("a known user")
    });
    Some(View {
        id: session.id()?,
        key: session.key()?.clone(),
        user,
        authenticated: session.authenticated_at(),
        items: session.value().items.clone(),
        expires_in: session.expires_in(),
    })
}

/// How far a handler has come.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// The session that the request opened, or why it opened none.
    pub(crate) opened: Option<Result<View, String>>,
    /// The session after the action, or the kind of error.
    pub(crate) done: Option<Result<Option<View>, String>>,
    /// The messages that a page shows.
    pub(crate) shown: Vec<u32>,
    /// The token of a sign-in page.
    pub(crate) token: Option<String>,
    pub(crate) response: Option<HeaderMap>,
}

/// A handler under way.
pub(crate) struct Handler {
    future: Pin<Box<dyn Future<Output = ()> + Send>>,
    progress: Arc<Mutex<Progress>>,
}

/// What a handler is given.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) kind: usize,
    pub(crate) action: Action,
    /// Whether the request counts as a use of the session.
    pub(crate) touches: bool,
    pub(crate) item: u32,
    /// The anti-forgery token.
    pub(crate) token: String,
    pub(crate) fault: Fault,
}

impl Handler {
    pub(crate) fn new(node: &Node, input: Input) -> Self {
        let progress = Arc::<Mutex<Progress>>::default();
        let shared = Arc::clone(&progress);
        let future: Pin<Box<dyn Future<Output = ()> + Send>> = if input.kind == 0 {
            Box::pin(serve(node.shop.clone(), input, shared))
        } else {
            Box::pin(serve(node.staff.clone(), input, shared))
        };
        Self { future, progress }
    }

    /// True once the handler is done.
    pub(crate) fn poll(&mut self) -> bool {
        self.future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    pub(crate) fn progress(&self) -> MutexGuard<'_, Progress> {
        lock(&self.progress)
    }
}

async fn serve<K: SessionKind>(
    sessions: Sessions<Cart, K>,
    input: Input,
    progress: Arc<Mutex<Progress>>,
) {
    let mut request_session = sessions.request_session().with_method(input.method.as_str());
    if !input.touches && input.fault != Fault::TouchesAlways {
        request_session = request_session.without_touch();
    }
    let mut has_session = false;
    match request_session.session(&input.headers).await {
        Err(error) => lock(&progress).opened = Some(Err(kind(&error))),
        Ok(mut session) => {
            let opened = view(&session).ok_or_else(|| format!("{:?}", session.no_session()));
            has_session = opened.is_ok();
            lock(&progress).opened = Some(opened);
            if input.fault == Fault::BeginsCrossSite {
                session.begin_cross_site();
            }
            pause().await;
            let done = act(&mut session, &input, &progress).await;
            let done = done.map(|()| view(&session)).map_err(|error| kind(&error));
            lock(&progress).done = Some(done);
            pause().await;
        }
    }
    let mut response = HeaderMap::new();
    request_session.finish(&mut response);
    if input.fault == Fault::RemovesOnRead && input.action == Action::Read && !has_session {
        sessions.clear_headers().apply_to(&mut response);
    }
    lock(&progress).response = Some(response);
}

async fn act<K: SessionKind>(
    session: &mut Session<Cart, K>,
    input: &Input,
    progress: &Mutex<Progress>,
) -> Result<(), Error> {
    match input.action {
        Action::Read => {}
        Action::Add => session.update(|cart| cart.add(input.item)).await?,
        Action::Checkout => session.update(|cart| cart.items.clear()).await?,
        Action::Notify => session.update(|cart| cart.news.push(input.item)).await?,
        Action::Show => {
            let shown = session.update(|cart| cart.news.take()).await?;
            lock(progress).shown = shown;
        }
        Action::SignInPage => {
            let token = session.csrf_token("sign-in").await?.to_string();
            lock(progress).token = Some(token);
        }
        Action::SignInForm(user) => {
            session.check_csrf("sign-in", &input.token)?;
            session.login(&principal(user)).await?;
        }
        Action::SignIn(user) => session.login(&principal(user)).await?,
        Action::SignInWith(user) => {
            let item = input.item;
            session.login_with(&principal(user), |cart| cart.add(item)).await?;
        }
        Action::SignInVerified(user) => {
            session.login(Login::of(&principal(user)).cross_site_verified()).await?;
        }
        Action::SignInBearer(user) => {
            session.login(Login::of(&principal(user)).bearer()).await?;
        }
        Action::Land => {
            session.begin_cross_site();
            session.update(|cart| cart.add(input.item)).await?;
        }
        Action::SignOutOthers => {
            session.logout_others().await?;
        }
        Action::SignOut => session.logout().await?,
        Action::End => session.end().await?,
        Action::Renew => session.renew().await?,
        Action::Extend(minutes) => session.extend(Duration::from_secs(minutes * 60)).await?,
    }
    Ok(())
}

fn kind(error: &Error) -> String {
    format!("{:?}", error.kind())
}
