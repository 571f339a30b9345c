//! The nodes: the library on one store, and an application whose handlers can pause at each call.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cloakroom::observe::{Event, Observer};
use cloakroom::record::EndReason;
use cloakroom::store::{Call, StoreError};
use cloakroom::{
    CookiePolicy, Error, Flash, Io, Key, MemoryStore, Principal, PublicId, Session, SessionLimit,
    Sessions, Store, Timestamp, Transport, decorate_store,
};
use cloakroom_testkit::{BrowserRequest, ManualClock, SeededEntropy};
use http::HeaderMap;
use serde::{Deserialize, Serialize};

use crate::command::{Action, NODES, USERS};

pub(crate) const LIMIT: u8 = 3;
/// The name of the cookie.
pub(crate) const COOKIE: &str = "__Secure-id";

/// A session's value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cart {
    pub(crate) items: Vec<u32>,
    pub(crate) news: Flash<u32>,
}

/// Suspends its caller once before and once after each operation of the store.
#[derive(Debug)]
struct Pausing<S>(S);

impl<S: Store> Pausing<S> {
    fn around<'a, T: Send + 'a>(
        &'a self,
        _: Call,
        operation: impl FnOnce(&'a S) -> Io<'a, Result<T, StoreError>> + Send + 'a,
    ) -> Io<'a, Result<T, StoreError>> {
        Io::future(async move {
            pause().await;
            let answer = operation(&self.0).await;
            pause().await;
            answer
        })
    }
}

decorate_store!(Pausing);

/// Is pending once.
async fn pause() {
    let mut is_first = true;
    std::future::poll_fn(|_| {
        if std::mem::take(&mut is_first) { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
}

/// What the library said about the end and the beginning of sessions.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Seen {
    Created(PublicId),
    Ended(PublicId, EndReason),
}

#[derive(Clone, Debug, Default)]
struct Recorder(Arc<Mutex<Vec<Seen>>>);

impl Observer for Recorder {
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::Created { id } => lock(&self.0).push(Seen::Created(*id)),
            Event::Ended { id, reason } => lock(&self.0).push(Seen::Ended(*id, *reason)),
            _ => {}
        }
    }
}

/// Two nodes on one store, each with a clock of its own.
#[derive(Debug)]
pub(crate) struct Servers {
    clocks: [ManualClock; NODES],
    ahead: [i64; NODES],
    /// For each node, the sessions whose cookie has no `Domain`, and those whose cookie has one.
    sessions: [[Sessions<Cart>; 2]; NODES],
    with_domain: [bool; NODES],
    recorder: Recorder,
}

impl Servers {
    pub(crate) fn new() -> Self {
        let store = Arc::new(Pausing(MemoryStore::new()));
        let recorder = Recorder::default();
        let clocks = [(); NODES].map(|()| ManualClock::new());
        let entropy = SeededEntropy::new(7);
        let sessions = clocks.each_ref().map(|clock| {
            let host = CookiePolicy::secure("id");
            let domain = host.clone().with_domain("app.example");
            [host, domain].map(|policy| {
                Sessions::builder(Arc::clone(&store))
                    .clock(clock.clone())
                    .entropy(entropy.clone())
                    .observer(recorder.clone())
                    .limit(SessionLimit::end_oldest(LIMIT))
                    .transport(Transport::cookie(policy))
                    .build()
                    .expect("a valid policy")
            })
        });
        Self { clocks, ahead: [0; NODES], sessions, with_domain: [false; NODES], recorder }
    }

    pub(crate) fn set_time(&self, now: u64) {
        for (clock, ahead) in self.clocks.iter().zip(self.ahead) {
            clock.set(Timestamp::from_millis(now.saturating_add_signed(ahead)));
        }
    }

    pub(crate) fn set_clock(&mut self, node: usize, ahead: i64, now: u64) {
        self.ahead[node] = ahead;
        self.set_time(now);
    }

    pub(crate) fn deploy(&mut self, node: usize, with_domain: bool) {
        self.with_domain[node] = with_domain;
    }

    pub(crate) fn node(&self, node: usize) -> &Sessions<Cart> {
        &self.sessions[node][usize::from(self.with_domain[node])]
    }

    /// What has been said since the last call.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut lock(&self.recorder.0))
    }
}

pub(crate) fn principal(user: usize) -> Principal {
    Principal::new(USERS[user]).expect("a valid name")
}

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

fn view(session: &Session<Cart>) -> Option<View> {
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

/// What a handler is given in addition to the request.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) action: Action,
    pub(crate) item: u32,
    pub(crate) token: String,
}

impl Handler {
    pub(crate) fn new(sessions: &Sessions<Cart>, request: &BrowserRequest, input: Input) -> Self {
        let progress = Arc::<Mutex<Progress>>::default();
        let future = serve(sessions.clone(), request.clone(), input, Arc::clone(&progress));
        Self { future: Box::pin(future), progress }
    }

    /// True once the handler is done.
    pub(crate) fn poll(&mut self) -> bool {
        self.future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    pub(crate) fn progress(&self) -> MutexGuard<'_, Progress> {
        lock(&self.progress)
    }
}

async fn serve(
    sessions: Sessions<Cart>,
    request: BrowserRequest,
    input: Input,
    progress: Arc<Mutex<Progress>>,
) {
    let request_session = sessions.request_session().with_method(request.method().as_str());
    match request_session.session(request.headers()).await {
        Err(error) => lock(&progress).opened = Some(Err(kind(&error))),
        Ok(mut session) => {
            let opened = view(&session).ok_or_else(|| format!("{:?}", session.no_session()));
            lock(&progress).opened = Some(opened);
            pause().await;
            let done = act(&mut session, &input, &progress).await;
            let done = done.map(|()| view(&session)).map_err(|error| kind(&error));
            lock(&progress).done = Some(done);
            pause().await;
        }
    }
    let mut response = HeaderMap::new();
    request_session.finish(&mut response);
    lock(&progress).response = Some(response);
}

async fn act(
    session: &mut Session<Cart>,
    input: &Input,
    progress: &Mutex<Progress>,
) -> Result<(), Error> {
    match input.action {
        Action::Read => {}
        Action::Add => session.update(|cart| cart.items.push(input.item)).await?,
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
