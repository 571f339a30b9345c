//! Where browsers register devices, and refresh the cookies of bound sessions.

mod answer;

use answer::{Answer, RESPONSE, SESSION_ID};
use http::header::SET_COOKIE;

use super::Sessions;
use crate::device_binding::{DeviceEndpoint, SignedToken};
use crate::error::Error;
use crate::http::{Headers, session_id};
use crate::key::PublicId;
use crate::observe::{Event, ProofRefusal};
use crate::protocol::steps::{
    Credential, DeviceOutcome, DeviceProof as _, RefreshDevice, RegisterDevice, Reload,
    SessionState, Write, Written,
};
use crate::protocol::{Failure, is_being_bound};
use crate::value::{SessionKind, SessionValue};

impl<V: SessionValue, K: SessionKind> Sessions<V, K> {
    /// The endpoint of [device binding](crate::device_binding) at this path, if it is one.
    ///
    /// `SessionLayer::serving_device_binding` and `SessionMiddleware::serving_device_binding` serve
    /// both. With any other server, ask before your own routes:
    ///
    /// ```
    /// # use cloakroom::{MemoryStore, SessionMap, Sessions};
    /// # use cloakroom::device_binding::DeviceBinding;
    /// # async fn route(_: http::Request<()>) -> http::Response<String> { Default::default() }
    /// async fn serve(
    ///     sessions: Sessions<SessionMap>,
    ///     request: http::Request<()>,
    /// ) -> http::Response<String> {
    ///     match sessions.device_endpoint(request.uri().path()) {
    ///         Some(endpoint) => {
    ///             let method = request.method().as_str();
    ///             sessions.answer_device(endpoint, method, request.headers()).await
    ///         }
    ///         None => route(request).await,
    ///     }
    /// }
    /// # cloakroom::Io::future(async {
    /// # let sessions: Sessions<SessionMap> =
    /// #     Sessions::builder(MemoryStore::new()).device_binding(DeviceBinding::offer()).build()?;
    /// # let request = http::Request::post("/.cloakroom/device/refresh").body(())?;
    /// # assert_eq!(serve(sessions, request).await.status(), 400);
    /// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
    /// # }).wait().unwrap();
    /// ```
    pub fn device_endpoint(&self, path: &str) -> Option<DeviceEndpoint> {
        let paths = self.manager.channel.device.as_ref()?;
        match path {
            _ if path == &*paths.register => Some(DeviceEndpoint::Register),
            _ if path == &*paths.refresh => Some(DeviceEndpoint::Refresh),
            _ => None,
        }
    }

    /// The response to a browser's request to an endpoint of device binding.
    ///
    /// The request's body is not read. Every failure has a response: 403 if a challenge has to be
    /// signed, 503 if the store does not answer, and 400 for what no browser sends, which makes one
    /// forget the binding.
    ///
    /// # Security
    /// Leave the response as it is. A proxy that replaces the body or the headers of a 403 makes
    /// browsers end the session.
    pub async fn answer_device(
        &self,
        endpoint: DeviceEndpoint,
        method: &str,
        request: &(impl Headers + ?Sized),
    ) -> http::Response<String> {
        if method != "POST" {
            return Answer::wrong_method();
        }
        let channel = &self.manager.channel;
        let Some(device) = &channel.device else { return Answer::not_served() };
        let now = || self.manager.now();
        let mut left = None;
        let answer = match endpoint {
            DeviceEndpoint::Register => {
                // Not by its cookie, of which an attacker can have a copy; nor by what another
                // site's response has offered, which would sign the browser in as another user.
                self.register(token_of(request), &device.marked(request)).await
            }
            DeviceEndpoint::Refresh => {
                let mut ids = request.values(&SESSION_ID);
                let id = ids.next().and_then(session_id).filter(|_| ids.next().is_none());
                match id {
                    Some(id) => {
                        let is_in_it = device.marked(request).contains(&id);
                        left = is_in_it.then(|| device.marker.removal()).flatten();
                        self.refresh(id, is_in_it, token_of(request)).await
                    }
                    None => Ok(Answer::Refused(None, ProofRefusal::NoSession)),
                }
            }
        };
        let answer = answer.unwrap_or_else(Answer::of_failure);
        self.report(&answer);
        let mut response = answer.response(channel, now);
        if let (Some(removal), true) = (left, answer.is_end()) {
            response.headers_mut().append(SET_COOKIE, removal);
        }
        response
    }

    /// Binds the session whose sign-in the browser was authorized by.
    async fn register(
        &self,
        token: Option<SignedToken>,
        marked: &[PublicId],
    ) -> Result<Answer, Failure> {
        let claimed = token.and_then(|token| Some((token.claimed_authorization()?.id(), token)));
        let Some((id, token)) = claimed else {
            return Ok(Answer::Refused(None, ProofRefusal::Invalid));
        };
        if !marked.contains(&id) {
            return Ok(Answer::Refused(Some(id), ProofRefusal::NotOffered));
        }
        let loaded = self.manager.run(Reload::from_store(Credential::Id(id))).await?;
        let write = Write::new(SessionState::Live(loaded), RegisterDevice::new(token));
        let written = self.manager.run(write).await?;
        let Written { cookie, result, .. } = written;
        Ok(match result {
            DeviceOutcome::Accepted(challenge) => Answer::Bound { id, cookie, challenge },
            DeviceOutcome::Challenge(..) => Answer::Refused(Some(id), ProofRefusal::Invalid),
            DeviceOutcome::Refused(refusal) => Answer::Refused(Some(id), refusal),
        })
    }

    /// Gives the bound session with this id another secret, unless the browser has left it: the
    /// refresh would bring it back in place of another.
    async fn refresh(
        &self,
        id: PublicId,
        is_in_it: bool,
        token: Option<SignedToken>,
    ) -> Result<Answer, Failure> {
        let loaded = match self.manager.run(Reload::from_store(Credential::Id(id))).await {
            Ok(loaded) => loaded,
            Err(Failure::NoSession(_)) => return Ok(Answer::Over(id)),
            Err(failure) => return Err(failure),
        };
        if !is_in_it {
            let is_being_bound = is_being_bound(&loaded.record, self.manager.now());
            return Ok(if is_being_bound {
                Answer::Refused(Some(id), ProofRefusal::Overtaken)
            } else {
                Answer::Over(id)
            });
        }
        let write = Write::new(SessionState::Live(loaded), RefreshDevice::new(token));
        let written = match self.manager.run(write).await {
            Ok(written) => written,
            Err(Failure::NoSession(_)) => return Ok(Answer::Over(id)),
            Err(failure) => return Err(failure),
        };
        let Written { cookie, result, .. } = written;
        Ok(match result {
            DeviceOutcome::Accepted(challenge) => Answer::Refreshed { id, cookie, challenge },
            DeviceOutcome::Challenge(challenge, refusal) => {
                Answer::Challenge { id, challenge, refusal }
            }
            DeviceOutcome::Refused(ProofRefusal::NoSession) => Answer::Over(id),
            DeviceOutcome::Refused(refusal) => Answer::Refused(Some(id), refusal),
        })
    }

    fn report(&self, answer: &Answer) {
        match *answer {
            Answer::Bound { id, .. } => self.manager.observe(&Event::Bound { id }),
            Answer::Refreshed { id, .. } => self.manager.observe(&Event::ProofAccepted { id }),
            Answer::Challenge { id, refusal: Some(refusal), .. } => {
                self.manager.observe(&Event::ProofRefused { id: Some(id), refusal });
            }
            Answer::Refused(id, refusal) => {
                self.manager.observe(&Event::ProofRefused { id, refusal });
            }
            Answer::Over(id) => {
                let refusal = ProofRefusal::NoSession;
                self.manager.observe(&Event::ProofRefused { id: Some(id), refusal });
            }
            Answer::Challenge { refusal: None, .. } | Answer::Failed(_) => {}
        }
    }
}

impl Answer {
    fn of_failure(failure: Failure) -> Self {
        match failure {
            // Its key was replaced a moment ago, or it ended meanwhile.
            Failure::NoSession(_) | Failure::Superseded | Failure::ProofNeeded => {
                Self::Refused(None, ProofRefusal::NoSession)
            }
            failure => Self::Failed(Error::from(failure)),
        }
    }
}

/// What the browser has signed, if it has.
fn token_of(request: &(impl Headers + ?Sized)) -> Option<SignedToken> {
    let mut tokens = request.values(&RESPONSE);
    let token = tokens.next()?;
    tokens.next().is_none().then(|| SignedToken::new(token))
}
