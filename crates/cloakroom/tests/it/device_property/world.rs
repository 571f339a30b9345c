//! The browser, the network, two nodes and the attacker.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::device_binding::DeviceBinding;
use cloakroom::{
    Lifetime, MemoryStore, NoSession, Principal, Session, SessionMap, Sessions, Timestamp,
};
use cloakroom_testkit::{
    Client, DeviceBrowser, DeviceRequest, Fault, FaultyStore, ManualClock, OffsetClock,
};
use http::{HeaderMap, HeaderValue, Response};
use proptest::sample::Index;
use proptest::test_runner::TestCaseError;

const PAGE: &str = "https://shop.example/";
const LIFE: Duration = Duration::from_secs(10 * 60);

/// How far the clock of each node is off.
const SKEW: Duration = Duration::from_secs(5);

/// For how long a copy can be good that is made now, with what clocks differ by.
const WORTH: Duration = Duration::from_secs(10 * 60 + 10 + 2 * 5);

/// How long a request and its answer are on their way at most.
const LATEST: Duration = Duration::from_secs(60);

/// What can happen.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Wait(u64),
    /// The browser loads a page, after the refresh that is due.
    Visit,
    /// The browser sends a refresh ahead of need.
    SendRefresh,
    /// A request reaches a node.
    Arrive(Index),
    /// An answer reaches the browser.
    Answer(Index),
    /// A request or its answer is lost.
    Lose(Index),
    /// A request that reached a node before reaches one again.
    ArriveAgain(Index),
    /// The user signs in again.
    SignIn,
    /// Whether the store is down.
    Outage(bool),
    /// The attacker copies the browser's cookies.
    Steal,
    AttackerVisits,
    AttackerRenews,
    AttackerExtends,
    /// The attacker sends a proof of the browser's again.
    AttackerReplays(Index),
    /// The attacker registers a device of their own.
    AttackerRegisters,
}

/// A request of the browser's own, on its way, and its answer.
struct InFlight {
    sent: DeviceRequest,
    since: Timestamp,
    answer: Option<Response<String>>,
}

/// The browser, the network, two nodes and the attacker.
pub(super) struct World {
    clock: ManualClock,
    store: FaultyStore<Arc<MemoryStore>>,
    nodes: [Sessions<SessionMap>; 2],
    turn: usize,
    browser: DeviceBrowser,
    flying: Vec<InFlight>,
    /// Requests that reached a node: their paths and headers.
    seen: Vec<(String, HeaderMap)>,
    attacker: Attacker,
    /// Whether a user signed in while the browser was registering or refreshing.
    was_overtaken: bool,
}

#[derive(Default)]
struct Attacker {
    client: Client,
    /// Until when what was copied can be good; `None` if the session was not bound then.
    until: Option<Timestamp>,
    has_copy: bool,
}

type Outcome = Result<(), TestCaseError>;

impl World {
    /// A user who has signed in, and whose browser has bound the session and used it.
    pub(super) async fn new() -> Self {
        let clock = ManualClock::new();
        let store = FaultyStore::new(Arc::new(MemoryStore::new()));
        let node = |clock: OffsetClock| {
            let builder = Sessions::builder(store.clone()).clock(clock);
            let lifetime = Lifetime::absolute(Duration::from_secs(30 * 24 * 60 * 60));
            let binding = DeviceBinding::offer();
            builder.lifetime(lifetime).device_binding(binding).build().expect("a valid policy")
        };
        let nodes = [OffsetClock::of(clock.clone()), OffsetClock::of(clock.clone())];
        nodes[0].set_ahead(SKEW);
        nodes[1].set_behind(SKEW);
        let nodes = nodes.map(node);
        let browser = DeviceBrowser::new().with_clock(clock.clone());
        let (flying, seen, attacker) = (Vec::new(), Vec::new(), Attacker::default());
        let (turn, was_overtaken) = (0, false);
        let mut world =
            Self { clock, store, nodes, turn, browser, flying, seen, attacker, was_overtaken };
        world.sign_in().await;
        world.deliver_all().await;
        assert_eq!(world.visit().await, None);
        world
    }

    pub(super) async fn play(&mut self, op: Op) -> Outcome {
        match op {
            Op::Wait(seconds) => {
                self.clock.advance(Duration::from_secs(seconds));
                let now = self.clock.now();
                self.flying.retain(|it| now.since(it.since) < LATEST);
            }
            Op::Visit => drop(self.visit().await),
            Op::SendRefresh => {
                let (refresh, since) = (self.browser.refresh(PAGE), self.clock.now());
                self.flying.extend(refresh.map(|sent| InFlight { sent, since, answer: None }));
            }
            Op::Arrive(index) => {
                if let Some(at) = self.pick(index) {
                    self.arrive(at).await;
                }
            }
            Op::Answer(index) => {
                if let Some(at) = self.pick(index) {
                    self.answer(at);
                }
            }
            Op::Lose(index) => {
                if let Some(at) = self.pick(index) {
                    drop(self.flying.remove(at));
                }
            }
            Op::ArriveAgain(index) => {
                if !self.seen.is_empty() {
                    let (path, headers) = index.get(&self.seen).clone();
                    drop(self.send(&path, &headers).await);
                }
            }
            Op::SignIn => self.sign_in().await,
            Op::Outage(is_down) => self.store.fail_all(is_down.then_some(Fault::NotSent)),
            Op::Steal => self.steal().await,
            Op::AttackerVisits => return self.attacker_visits().await,
            Op::AttackerRenews => {
                self.attacker_does(async |session| drop(session.renew().await)).await;
            }
            Op::AttackerExtends => {
                let week = Duration::from_secs(7 * 24 * 60 * 60);
                self.attacker_does(async |session| drop(session.extend(week).await)).await;
            }
            Op::AttackerReplays(index) => self.attacker_replays(index).await,
            Op::AttackerRegisters => self.attacker_registers().await,
        }
        Ok(())
    }

    /// Nothing is lost any more: the browser is signed in.
    pub(super) async fn calm_down(&mut self) -> Outcome {
        self.store.fail_all(None);
        self.deliver_all().await;
        self.attacker_visits().await?;
        // What was replaced a moment ago begins nothing for a minute.
        self.clock.advance(Duration::from_secs(61) + 2 * SKEW);
        let mut why = self.visit().await;
        if why == Some(NoSession::ProofNeeded) {
            // The cookie is taken back, so that the browser refreshes.
            why = self.visit().await;
        }
        if why.is_some() && self.was_overtaken {
            // An answer for the binding before came after that to the sign-in, whose own
            // registration was lost: the user signs in once more, as after any late answer.
            self.sign_in().await;
            self.deliver_all().await;
            why = self.visit().await;
        }
        proptest::prop_assert_eq!(why, None, "the honest browser is locked out");
        self.clock.advance(LIFE + 2 * SKEW);
        self.attacker_visits().await?;
        proptest::prop_assert_eq!(self.visit().await, None, "after its next refresh");
        Ok(())
    }

    fn pick(&self, index: Index) -> Option<usize> {
        (!self.flying.is_empty()).then(|| index.index(self.flying.len()))
    }

    fn node(&mut self) -> Sessions<SessionMap> {
        self.turn += 1;
        self.nodes[self.turn % 2].clone()
    }

    async fn send(&mut self, path: &str, headers: &HeaderMap) -> Response<String> {
        let node = self.node();
        let endpoint = node.device_endpoint(path).expect("an endpoint");
        node.answer_device(endpoint, "POST", headers).await
    }

    async fn arrive(&mut self, at: usize) {
        let request = self.flying[at].sent.request();
        let (path, headers) = (request.uri().path().to_owned(), request.headers().clone());
        let answer = self.send(&path, &headers).await;
        self.seen.push((path, headers));
        self.flying[at].answer.get_or_insert(answer);
    }

    fn answer(&mut self, at: usize) {
        if self.flying[at].answer.is_some() {
            let InFlight { sent, answer, .. } = self.flying.remove(at);
            let answer = answer.expect("there is one");
            let (next, since) = (self.browser.take_answer(sent, &answer), self.clock.now());
            self.flying.extend(next.map(|sent| InFlight { sent, since, answer: None }));
        }
    }

    async fn deliver_all(&mut self) {
        while !self.flying.is_empty() {
            self.arrive(0).await;
            self.answer(0);
        }
    }

    /// A page, as a browser loads it: a bound cookie that is gone is refreshed before.
    async fn visit(&mut self) -> Option<NoSession> {
        let mut skipped = None;
        let mut refresh = self.browser.refresh_if_due(PAGE);
        while let Some(sent) = refresh {
            let (path, headers) = (sent.request().uri().path(), sent.request().headers().clone());
            let path = path.to_owned();
            let answer = self.send(&path, &headers).await;
            self.seen.push((path, headers));
            if answer.status().is_server_error() {
                skipped = self.browser.skipped(PAGE, "server_error");
            }
            refresh = self.browser.take_answer(sent, &answer);
            if refresh.is_none() && skipped.is_none() {
                // It may have keys of other sessions.
                refresh = self.browser.refresh_if_due(PAGE);
            }
        }
        let client = self.browser.client().clone();
        let look = async |session: &mut Session<SessionMap>| session.no_session();
        let (why, response) = self.request(&client, skipped, look).await?;
        self.take_page(&response);
        why
    }

    fn take_page(&mut self, response: &HeaderMap) {
        let since = self.clock.now();
        let registrations = self.browser.receive(PAGE, response).into_iter();
        self.flying.extend(registrations.map(|sent| InFlight { sent, since, answer: None }));
    }

    async fn sign_in(&mut self) {
        self.was_overtaken |= !self.flying.is_empty();
        let client = self.browser.client().clone();
        let alice = Principal::new("alice").expect("a short name");
        let login = async |session: &mut Session<SessionMap>| session.login(&alice).await.is_ok();
        if let Some((true, response)) = self.request(&client, None, login).await {
            self.take_page(&response);
        }
    }

    /// One request with a client's cookies; `None` if the store is down.
    async fn request<R>(
        &mut self,
        client: &Client,
        skipped: Option<HeaderValue>,
        handler: impl AsyncFnOnce(&mut Session<SessionMap>) -> R,
    ) -> Option<(R, HeaderMap)> {
        let mut headers = HeaderMap::new();
        headers.extend(client.cookies_for(PAGE).map(|cookies| (http::header::COOKIE, cookies)));
        let name = http::HeaderName::from_static("secure-session-skipped");
        headers.extend(skipped.map(|skipped| (name, skipped)));
        let request_session = self.node().request_session().with_method("POST");
        let mut session = request_session.session(&headers).await.ok()?;
        let result = handler(&mut session).await;
        let mut response = HeaderMap::new();
        request_session.finish(&mut response);
        Some((result, response))
    }

    /// The attacker has what the browser has, and keeps it.
    async fn steal(&mut self) {
        let copy = self.browser.client().clone();
        let confirmed = async |session: &mut Session<SessionMap>| {
            session.device().is_some_and(|device| device.is_confirmed)
        };
        let Some((is_bound, _)) = self.request(&copy, None, confirmed).await else { return };
        let frozen = ManualClock::new();
        frozen.set(self.clock.now());
        self.attacker.client = copy.with_clock(frozen);
        self.attacker.has_copy = true;
        self.attacker.until = is_bound.then(|| self.clock.now().after(WORTH));
    }

    async fn attacker_visits(&mut self) -> Outcome {
        let attacker = self.attacker.client.clone();
        let look = async |session: &mut Session<SessionMap>| session.principal().is_some();
        let opened = self.request(&attacker, None, look).await.is_some_and(|(opened, _)| opened);
        if let Some(until) = self.attacker.until.filter(|_| self.attacker.has_copy) {
            let is_over = until.has_passed(self.clock.now());
            proptest::prop_assert!(!(opened && is_over), "the copy is good for too long");
        }
        Ok(())
    }

    /// The attacker keeps the cookies that they are sent.
    ///
    /// With the key of a session that is not bound, they could take it over.
    async fn attacker_does(&mut self, act: impl AsyncFnOnce(&mut Session<SessionMap>)) {
        if self.attacker.until.is_none() {
            return;
        }
        let attacker = self.attacker.client.clone();
        if let Some(((), response)) = self.request(&attacker, None, act).await {
            self.attacker.client.absorb(PAGE, &response);
        }
    }

    /// The attacker sends again what the browser has sent, and keeps the cookies of the answer.
    async fn attacker_replays(&mut self, index: Index) {
        if self.seen.is_empty() {
            return;
        }
        let (path, headers) = index.get(&self.seen).clone();
        if path.ends_with("register") {
            // With the key of the sign-in, from before the session was bound.
            return;
        }
        let answer = self.send(&path, &headers).await;
        let mut cookies = answer.headers().get_all("set-cookie").iter();
        if cookies.any(|cookie| cookie.as_bytes().starts_with(b"__Host-id=")) {
            self.attacker.client.absorb(PAGE, answer.headers());
            // A proof that is sent again leads to no later deadline than the first, which is past.
            self.attacker.has_copy = true;
            self.attacker.until = Some(self.clock.now().after(WORTH));
        }
    }

    /// The attacker asks to be registered with the cookie that they have.
    async fn attacker_registers(&mut self) {
        let mut device = DeviceBrowser::new();
        let offer = HeaderValue::from_static(
            "(ES256);path=\"/.cloakroom/device/register\";challenge=\"AAAAAAAAAAAAAAAAAAAAAA\"",
        );
        let mut response = HeaderMap::new();
        response.insert("secure-session-registration", offer);
        *device.client_mut() = self.attacker.client.clone();
        let registration = device.receive(PAGE, &response).remove(0);
        let request = registration.request();
        let (path, headers) = (request.uri().path().to_owned(), request.headers().clone());
        let answer = self.send(&path, &headers).await;
        assert!(!answer.status().is_success(), "without an authorization");
    }
}
