//! A browser that binds sessions to its device.

mod device;
mod fields;

use std::fmt;

use cloakroom::time::Clock;
use device::Device;
use fields::{challenges, registrations};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use serde_json::Value;

use crate::client::Client;

/// How often a browser answers a challenge with a proof in one refresh, as Chromium does.
const MAX_CHALLENGES: u8 = 5;

/// A [`Client`] that binds sessions to a device, by the algorithms of
/// [Device Bound Session Credentials](https://w3c.github.io/webappsec-dbsc/).
///
/// It does no I/O: it makes the requests that a browser would send by itself, and takes their
/// responses, whenever they arrive. Where the specification leaves the browser a choice, it does
/// what Chromium 156 was seen to do; its keys are ES256.
///
/// ```
/// # use cloakroom_testkit::DeviceBrowser;
/// # use http::{HeaderMap, HeaderValue, Response};
/// let mut browser = DeviceBrowser::new();
/// let mut sign_in = HeaderMap::new();
/// let offer = r#"(ES256 RS256);path="/register";challenge="c""#;
/// sign_in.insert("secure-session-registration", HeaderValue::from_static(offer));
/// let registration = browser.receive("https://shop.example/login", &sign_in).remove(0);
/// assert_eq!(registration.request().uri(), "https://shop.example/register");
/// // .. send it, and pass on its response ..
/// # let response = Response::builder().status(400).body(String::new())?;
/// browser.take_answer(registration, &response);
/// assert!(!browser.is_bound("https://shop.example/"));
/// # Ok::<(), http::Error>(())
/// ```
pub struct DeviceBrowser {
    client: Client,
    sessions: Vec<BoundSession>,
}

/// What the browser keeps of a session that it has bound.
struct BoundSession {
    origin: String,
    id: String,
    refresh_url: String,
    cookie: String,
    device: Device,
    challenge: Option<String>,
}

/// A request that the browser sends by itself: a registration or a refresh.
#[must_use = "send it, and give its response to `DeviceBrowser::take_answer`"]
pub struct DeviceRequest {
    request: Request<()>,
    kind: Kind,
}

enum Kind {
    Registration(Box<Device>),
    /// The session, and how many challenges have been answered.
    Refresh(String, u8),
}

impl DeviceRequest {
    /// The request: a `POST` without a body.
    pub const fn request(&self) -> &Request<()> {
        &self.request
    }

    /// The device's proof, if the request carries one: what an attacker could send again.
    pub fn proof(&self) -> Option<&HeaderValue> {
        self.request.headers().get("secure-session-response")
    }
}

impl fmt::Debug for DeviceRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DeviceRequest").field(&self.request.uri()).finish()
    }
}

impl DeviceBrowser {
    /// A browser without cookies and sessions, on the system's clock.
    pub fn new() -> Self {
        Self { client: Client::new(), sessions: Vec::new() }
    }

    /// The browser on another clock, by which its cookies expire.
    #[must_use = "the changed browser is returned"]
    pub fn with_clock(self, clock: impl Clock) -> Self {
        Self { client: self.client.with_clock(clock), ..self }
    }

    /// The browser's cookies. A clone is an attacker's copy: it has no device.
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// The browser's cookies, to be changed by responses that bind nothing.
    pub const fn client_mut(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Whether the browser has a bound session for this page.
    pub fn is_bound(&self, url: &str) -> bool {
        self.session_of(url).is_some()
    }

    /// Forgets all keys, as when the user deletes the site's data.
    pub fn lose_keys(&mut self) {
        self.sessions.clear();
    }

    /// Takes the response from `url`: keeps cookies and challenges, and returns the registrations
    /// that it asks for.
    pub fn receive(&mut self, url: &str, response: &HeaderMap) -> Vec<DeviceRequest> {
        self.client.absorb(url, response);
        self.keep_challenges(url, response);
        registrations(response)
            .into_iter()
            .map(|asked| {
                let device = Device::new();
                let proof = device.registration(&asked.challenge, asked.authorization.as_deref());
                let request = self.post(&resolve(url, &asked.path)).header(PROOF, proof);
                let request = request.body(()).expect("the request is valid");
                DeviceRequest { request, kind: Kind::Registration(Box::new(device)) }
            })
            .collect()
    }

    /// The refresh without which no request is sent to this page: its bound cookie is gone.
    pub fn refresh_if_due(&self, url: &str) -> Option<DeviceRequest> {
        let session = self.session_of(url)?;
        let cookies = self.client.cookies_for(url);
        let cookies = cookies.as_ref().and_then(|cookies| cookies.to_str().ok()).unwrap_or("");
        let name = format!("{}=", session.cookie);
        let has_cookie = cookies.split("; ").any(|cookie| cookie.starts_with(&name));
        (!has_cookie).then(|| self.refresh_of(session, 0))
    }

    /// A refresh ahead of need, which browsers may send at any time.
    pub fn refresh(&self, url: &str) -> Option<DeviceRequest> {
        self.session_of(url).map(|session| self.refresh_of(session, 0))
    }

    /// Takes the answer to a request of the browser's own. Returns the one that follows, if a
    /// challenge has to be signed.
    pub fn take_answer(
        &mut self,
        sent: DeviceRequest,
        answer: &Response<String>,
    ) -> Option<DeviceRequest> {
        let url = sent.request.uri().to_string();
        let (status, headers) = (answer.status(), answer.headers());
        match sent.kind {
            Kind::Registration(device) => {
                self.client.absorb(&url, headers);
                if status.is_success() {
                    self.register(&url, *device, answer.body());
                    self.keep_challenges(&url, headers);
                }
                None
            }
            Kind::Refresh(id, answered) => {
                self.client.absorb(&url, headers);
                self.keep_challenges(&url, headers);
                if status == StatusCode::FORBIDDEN {
                    let session = self.sessions.iter().find(|session| session.id == id)?;
                    session.challenge.as_ref()?;
                    let goes_on = answered < MAX_CHALLENGES;
                    return goes_on.then(|| self.refresh_of(session, answered + 1));
                }
                let is_temporary =
                    status.is_server_error() || matches!(status.as_u16(), 300..=399 | 407 | 429);
                let goes_on = is_temporary
                    || (status.is_success() && is_for(answer.body(), &id).unwrap_or(false));
                if !goes_on {
                    self.sessions.retain(|session| session.id != id);
                }
                None
            }
        }
    }

    /// What a request to this page says if the refresh before it failed for this reason.
    pub fn skipped(&self, url: &str, reason: &str) -> Option<HeaderValue> {
        let session = self.session_of(url)?;
        let text = format!("{reason};session_identifier=\"{}\"", session.id);
        HeaderValue::try_from(text).ok()
    }

    fn register(&mut self, url: &str, device: Device, body: &str) {
        let Ok(instructions) = serde_json::from_str::<Value>(body) else { return };
        let text =
            |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let credential = &instructions["credentials"][0];
        let is_complete = instructions["scope"]["include_site"].is_boolean()
            && credential["type"] == "cookie"
            && instructions["continue"] != false;
        let (Some(id), Some(cookie)) =
            (text(&instructions["session_identifier"]), text(&credential["name"]))
        else {
            return;
        };
        if !is_complete {
            return;
        }
        let refresh = text(&instructions["refresh_url"]);
        let refresh_url = refresh.map_or_else(|| url.to_owned(), |path| resolve(url, &path));
        self.sessions.retain(|session| session.id != id);
        let (origin, challenge) = (origin_of(url), None);
        self.sessions.push(BoundSession { origin, id, refresh_url, cookie, device, challenge });
    }

    fn keep_challenges(&mut self, url: &str, response: &HeaderMap) {
        let origin = origin_of(url);
        for (challenge, id) in challenges(response) {
            let mut sessions = self.sessions.iter_mut();
            if let Some(session) =
                sessions.find(|session| session.origin == origin && session.id == id)
            {
                session.challenge = Some(challenge);
            }
        }
    }

    fn refresh_of(&self, session: &BoundSession, answered: u8) -> DeviceRequest {
        let request = self.post(&session.refresh_url).header("sec-secure-session-id", &session.id);
        let request = match &session.challenge {
            Some(challenge) => request.header(PROOF, session.device.refresh(challenge)),
            None => request,
        };
        let request = request.body(()).expect("the request is valid");
        DeviceRequest { request, kind: Kind::Refresh(session.id.clone(), answered) }
    }

    fn post(&self, url: &str) -> http::request::Builder {
        self.client
            .request(Method::POST, url)
            .header("origin", origin_of(url))
            .header("sec-fetch-site", "same-origin")
            .header("sec-fetch-mode", "no-cors")
            .header("sec-fetch-dest", "empty")
    }

    fn session_of(&self, url: &str) -> Option<&BoundSession> {
        let origin = origin_of(url);
        self.sessions.iter().find(|session| session.origin == origin)
    }
}

const PROOF: &str = "secure-session-response";

/// Whether the answer to a refresh keeps this session; `None` if it cannot be read.
fn is_for(body: &str, id: &str) -> Option<bool> {
    if body.is_empty() {
        return Some(true);
    }
    let instructions: Value = serde_json::from_str(body).ok()?;
    Some(instructions["session_identifier"] == id && instructions["continue"] != false)
}

/// `https://shop.example` of `https://shop.example/cart`.
fn origin_of(url: &str) -> String {
    url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
}

fn resolve(url: &str, path: &str) -> String {
    if path.starts_with('/') { format!("{}{path}", origin_of(url)) } else { path.to_owned() }
}

impl Default for DeviceBrowser {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for DeviceBrowser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.sessions.iter().map(|session| &session.id).collect();
        f.debug_struct("DeviceBrowser").field("sessions", &ids).finish_non_exhaustive()
    }
}
