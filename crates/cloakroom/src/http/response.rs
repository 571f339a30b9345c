//! The headers of a response that concern the session.

mod storing;
#[cfg(test)]
mod tests;

use http::header::{CACHE_CONTROL, SET_COOKIE, VARY};
use http::{HeaderName, HeaderValue};

use storing::forbid_storing;

use super::site_data::CLEAR_SITE_DATA;
use crate::http::{Channel, Cookie, HeadersMut, LookedAt, MARKER_LIFE, REGISTRATION, SiteData};
use crate::key::Carrier;
use crate::protocol::CookieChange;
use crate::time::Timestamp;

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// For pages that set no cookie: by default, Fastly stores those unless they are `private`.
const PRIVATE: HeaderValue = HeaderValue::from_static("no-store, private");
const COOKIE: HeaderValue = HeaderValue::from_static("cookie");
const AUTHORIZATION: HeaderValue = HeaderValue::from_static("authorization");
const COOKIE_AND_SITE: HeaderValue = HeaderValue::from_static("cookie, sec-fetch-site");

/// The headers that a response must carry for its session, decided in one step.
///
/// - `Set-Cookie`, only when the client's cookie must change;
/// - `Vary`, whenever the session was asked for, since the response then depends on the key;
/// - `Cache-Control: no-store`, when the response changes a cookie (OWASP, "Web Content Caching"),
///   and on [private pages](crate::SessionsBuilder::private_pages);
/// - `Secure-Session-Registration`, at a sign-in, only if the policy offers
///   [device binding](crate::policy::DeviceBinding);
/// - `Clear-Site-Data`, only [if asked for](crate::SessionsBuilder::clear_site_data) and at a
///   sign-out.
///
/// ```
/// # use cloakroom::{MemoryStore, SessionMap, Sessions};
/// let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new())?;
/// let mut response = http::HeaderMap::new();
/// sessions.clear_headers().apply_to(&mut response);
/// assert!(response["set-cookie"].to_str().unwrap().starts_with("__Host-id=; Max-Age=0;"));
/// # Ok::<(), cloakroom::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a response without these headers loses the client's key"]
pub struct ResponseHeaders {
    cookie: Option<HeaderValue>,
    /// Set or remove other cookies, which have names of their own.
    markers: [Option<HeaderValue>; 2],
    /// Removes the cookie in a former scope, unless the response sets one of the name.
    former: Option<HeaderValue>,
    varies_on_cookie: bool,
    varies_on_authorization: bool,
    varies_on: LookedAt,
    /// Forbids caches to store the response.
    cache_control: Option<HeaderValue>,
    clear_site_data: Option<SiteData>,
    /// In a box, as few responses have any.
    device: Option<Box<DeviceHeaders>>,
}

/// What concerns the browser's device.
#[derive(Clone, Debug)]
struct DeviceHeaders {
    /// Asks the browser to register one.
    registration: Option<HeaderValue>,
    /// Sets or removes the cookie that names the bound session which the browser is in.
    marker: Option<HeaderValue>,
}

/// What a request did with its session, as far as the response's headers depend on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SessionOutcome<'a> {
    pub(crate) change: &'a CookieChange,
    /// The request carried the cookie's name more than once.
    pub(crate) repeated: bool,
    /// There is a session, and a principal is signed in on it.
    pub(crate) signed_in: bool,
    /// The request ended a session, or found none to end, whatever it did after that.
    pub(crate) signed_out: bool,
    /// The headers that told which site started the request.
    pub(crate) looked_at: LookedAt,
}

impl ResponseHeaders {
    /// For a response that depends on the session.
    ///
    /// `now` is asked at most once, and only if a cookie is sent.
    pub(crate) fn new(
        channel: &Channel,
        outcome: SessionOutcome<'_>,
        now: impl FnOnce() -> Timestamp,
    ) -> Self {
        let cache_control = match outcome.change {
            _ if channel.private_pages && outcome.signed_in => Some(PRIVATE),
            CookieChange::Send { .. } | CookieChange::Remove => Some(NO_STORE),
            CookieChange::Keep => None,
        };
        let mut headers = Self {
            varies_on_cookie: channel.cookie.is_some(),
            varies_on_authorization: channel.bearer,
            varies_on: outcome.looked_at,
            cache_control,
            ..Self::default()
        };
        let Some(cookie) = &channel.cookie else { return headers };
        if let (Some(data), true) = (channel.clear_site_data, outcome.signed_out) {
            // Elsewhere, browsers ignore it and warn of it.
            headers.clear_site_data = cookie.is_secure().then_some(data);
        }
        match outcome.change {
            CookieChange::Keep if outcome.repeated && cookie.has_former_scopes() => {
                let now = now();
                headers.former = cookie.former_removal(now);
                headers.markers[0] = channel.marker.as_ref().and_then(|it| it.former_removal(now));
            }
            CookieChange::Send { key, life } if key.carrier() == Carrier::Cookie => {
                let now = now();
                headers.cookie = cookie.set_value(&key.text(), *life, now);
                if let Some(marker) = &channel.marker {
                    // The cookie of a bound session ends long before it.
                    let is_lasting = channel.device.is_some();
                    let life = life.map(|life| if is_lasting { MARKER_LIFE } else { life });
                    headers.markers[0] = marker.set_value(b"1", life, now);
                }
            }
            CookieChange::Keep | CookieChange::Send { .. } => {}
            // The browser is to refresh it: its session goes on.
            CookieChange::Remove if !outcome.signed_out => headers.cookie = cookie.removal(),
            CookieChange::Remove => {
                headers.cookie = cookie.removal();
                headers.markers = [
                    channel.marker.as_ref().and_then(Cookie::removal),
                    channel.private_pages.then(|| cookie.left_marker()).flatten(),
                ];
            }
        }
        headers
    }

    /// The same, with a header that asks the browser to register a device, and one that sets or
    /// removes the cookie which names the bound session that it is in.
    pub(crate) fn with_device(
        mut self,
        registration: Option<HeaderValue>,
        marker: Option<HeaderValue>,
    ) -> Self {
        if registration.is_some() || marker.is_some() {
            self.cache_control.get_or_insert(NO_STORE);
            self.device = Some(Box::new(DeviceHeaders { registration, marker }));
        }
        self
    }

    /// Makes a client remove its cookie.
    pub(crate) fn removal(channel: &Channel) -> Self {
        let outcome = SessionOutcome {
            change: &CookieChange::Remove,
            repeated: false,
            signed_in: false,
            signed_out: true,
            looked_at: LookedAt::Nothing,
        };
        Self::new(channel, outcome, || Timestamp::EPOCH)
    }

    /// For a session that is kept in the cookie itself.
    #[cfg(feature = "encrypted-cookie")]
    pub(crate) fn encrypted_cookie(
        cookie: Option<HeaderValue>,
        former: Option<HeaderValue>,
    ) -> Self {
        let cache_control = cookie.is_some().then_some(NO_STORE);
        Self { cookie, former, varies_on_cookie: true, cache_control, ..Self::default() }
    }

    /// Writes the headers into a response.
    ///
    /// `Set-Cookie` replaces an earlier one for the same cookie name (RFC 6265bis section 4.1.1
    /// allows one per name), and `Vary` is added to an existing one. `no-store` replaces every
    /// field that could let a cache store the response: `Cache-Control`, `Expires` and `Pragma`;
    /// targeted fields, whose names end in `-Cache-Control` (RFC 9213: `CDN-Cache-Control` and
    /// those of single vendors); `Surrogate-Control` (Fastly, Varnish), `Edge-Control` (Akamai),
    /// `X-Accel-Expires` (nginx) and `CF-Edge-Cache` (Cloudflare).
    ///
    /// `Clear-Site-Data` is added to an existing one: browsers clear what any of them names.
    ///
    /// A response with so many headers that its map is full loses one of the others.
    pub fn apply_to(self, response: &mut impl HeadersMut) {
        let is_stored = self.cache_control.is_none();
        if let Some(value) = self.cache_control {
            forbid_storing(response, value);
        }
        for cookie in self.cookie.into_iter().chain(self.markers.into_iter().flatten()) {
            set_cookie(response, cookie);
        }
        if let Some(former) = self.former {
            let name = name_of(former.as_bytes());
            if !response.values(&SET_COOKIE).any(|other| name_of(other) == name) {
                response.append(SET_COOKIE, former);
                if is_stored {
                    forbid_storing(response, NO_STORE);
                }
            }
        }
        if let Some(data) = self.clear_site_data {
            response.append(CLEAR_SITE_DATA.clone(), data.header());
        }
        if let Some(device) = self.device {
            device.write(response);
        }
        let is_usual = self.varies_on_cookie && !self.varies_on_authorization;
        if is_usual && self.varies_on == LookedAt::Site && !response.values(&VARY).any(|_| true) {
            // One line for all, in the case that most first visits are.
            response.append(VARY, COOKIE_AND_SITE);
            return;
        }
        if self.varies_on_cookie {
            vary_on(response, COOKIE);
        }
        if self.varies_on_authorization {
            vary_on(response, AUTHORIZATION);
        }
        for name in self.varies_on.names() {
            vary_on(response, HeaderValue::from_static(name));
        }
    }

    /// Name and value of each header, for responses that are built by hand.
    ///
    /// The values are ASCII. Use [`apply_to`](ResponseHeaders::apply_to) where the response has
    /// headers already: these do not replace what contradicts them.
    pub fn iter(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> + '_ {
        let (bound, registration) = match self.device.as_deref() {
            Some(device) => (&device.marker, device.registration.clone()),
            None => (&None, None),
        };
        let [here, left] = &self.markers;
        let cookies = [&self.cookie, here, left, bound, &self.former].into_iter().flatten();
        let cookies = cookies.map(|cookie| (SET_COOKIE, cookie.clone()));
        let vary = [(self.varies_on_cookie, COOKIE), (self.varies_on_authorization, AUTHORIZATION)];
        let vary = vary.into_iter().filter_map(|(varies, name)| varies.then_some((VARY, name)));
        let cache_control = self.cache_control.clone();
        let cache_control = cache_control.or_else(|| self.former.is_some().then_some(NO_STORE));
        let looked_at = self.varies_on.names().iter();
        let looked_at = looked_at.map(|name| (VARY, HeaderValue::from_static(name)));
        cookies
            .chain(vary)
            .chain(looked_at)
            .chain(cache_control.map(|value| (CACHE_CONTROL, value)))
            .chain(self.clear_site_data.map(|data| (CLEAR_SITE_DATA.clone(), data.header())))
            .chain(registration.map(|value| (REGISTRATION.clone(), value)))
    }
}

impl DeviceHeaders {
    #[cold]
    fn write(self, response: &mut impl HeadersMut) {
        if let Some(marker) = self.marker {
            set_cookie(response, marker);
        }
        if let Some(registration) = self.registration {
            response.append(REGISTRATION.clone(), registration);
        }
    }
}

/// Sets a cookie, in place of one of the same name.
fn set_cookie(response: &mut impl HeadersMut, cookie: HeaderValue) {
    response.retain(&SET_COOKIE, |other| name_of(other) != name_of(cookie.as_bytes()));
    response.append(SET_COOKIE, cookie);
}

/// The name of the cookie that a `Set-Cookie` sets.
fn name_of(set_cookie: &[u8]) -> &[u8] {
    set_cookie.split(|byte| *byte == b'=').next().unwrap_or_default()
}

fn vary_on(response: &mut impl HeadersMut, name: HeaderValue) {
    if !response.values(&VARY).any(|vary| lists(vary, name.as_bytes())) {
        response.append(VARY, name);
    }
}

/// True if this `Vary` says that the response depends on the header `name`.
fn lists(vary: &[u8], name: &[u8]) -> bool {
    let mut listed = vary.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    listed.any(|listed| listed == b"*" || listed.eq_ignore_ascii_case(name))
}
