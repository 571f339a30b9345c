//! The headers of Device Bound Session Credentials
//! ([W3C draft](https://w3c.github.io/webappsec-dbsc/)).

use std::ops::RangeInclusive;
use std::time::Duration;

use http::header::COOKIE;
use http::{HeaderName, HeaderValue};

use crate::http::{Cookie, CookiePolicy, Headers};
use crate::key::PublicId;
use crate::observe::SkipReason;
use crate::policy::DeviceBinding;
use crate::protocol::{MAX_BOUND_LIFE, MAX_SKIPPED, Registration, SkippedRefresh};

/// Asks a browser to register a device.
pub(crate) static REGISTRATION: HeaderName = HeaderName::from_static("secure-session-registration");
static SKIPPED: HeaderName = HeaderName::from_static("secure-session-skipped");

/// How long a cookie of a bound session can live.
const LIFE: RangeInclusive<Duration> = Duration::from_secs(60)..=MAX_BOUND_LIFE;

/// How long a marker lasts that must not end before its session: as long as browsers keep a cookie
/// (RFC 6265bis section 5.5).
pub(crate) const MARKER_LIFE: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// The longest `Secure-Session-Skipped` that is read.
const MAX_SKIPPED_LEN: usize = 1_024;

/// Where and how sessions are bound.
#[derive(Clone, Debug)]
pub(crate) struct DeviceChannel {
    /// The path at which browsers register.
    pub(crate) register: Box<str>,
    /// The path at which they refresh.
    #[cfg_attr(
        not(feature = "device-binding"),
        expect(dead_code, reason = "the endpoints read it")
    )]
    pub(crate) refresh: Box<str>,
    /// The cookie that names the bound session which the browser is in.
    ///
    /// A browser keeps refreshing a session after another one has taken its cookie's place. Without
    /// this, the refresh of one could bring it back in place of the other: of another user, even.
    pub(crate) marker: Cookie,
}

impl DeviceChannel {
    /// The paths of this policy for the kind called `kind`, checked against its cookie.
    ///
    /// # Errors
    /// Why browsers could not bind sessions under it.
    pub(crate) fn new(
        policy: &DeviceBinding,
        cookie: &CookiePolicy,
        kind: &str,
    ) -> Result<Self, String> {
        let of_kind = |last: &str| match kind {
            "" => format!("/.cloakroom/device/{last}").into_boxed_str(),
            kind => format!("/.cloakroom/device/{kind}/{last}").into(),
        };
        let (register, refresh) = match policy.paths() {
            Some((register, refresh)) => (register.into(), refresh.into()),
            None => (of_kind("register"), of_kind("refresh")),
        };
        cookie.check_bindable()?;
        if !LIFE.contains(&policy.cookie_life()) {
            return Err("the cookie of a bound session lives from one minute to 60".into());
        }
        let is_path = |path: &str| {
            let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"\\?#".contains(&byte);
            path.starts_with('/')
                && !path.starts_with("//")
                && path.bytes().all(is_plain)
                && cookie.covers(path)
        };
        if register == refresh || !is_path(&register) || !is_path(&refresh) {
            return Err(
                "the endpoints of device binding need two paths of plain ASCII that begin \
                with `/` and lie below the path of the cookie"
                    .into(),
            );
        }
        let marker = cookie.compile_bound_marker(kind).map_err(|error| error.to_string())?;
        Ok(Self { register, refresh, marker })
    }

    /// The bound sessions that the browser says it is in: one, unless it is a strange browser.
    pub(crate) fn marked(&self, request: &(impl Headers + ?Sized)) -> Vec<PublicId> {
        let values = request.values(&COOKIE).flat_map(|header| self.marker.values(header));
        values.filter_map(session_id).take(MAX_SKIPPED).collect()
    }

    /// The header that asks a browser to register.
    ///
    /// The order says which algorithm is preferred: browsers take the first that they can do.
    pub(crate) fn registration(&self, registration: &Registration) -> Option<HeaderValue> {
        let (path, challenge) = (&self.register, registration.challenge.text());
        let authorization = registration.authorization.text();
        let text = format!(
            "(ES256 RS256);path=\"{path}\";challenge=\"{challenge}\";\
            authorization=\"{authorization}\""
        );
        HeaderValue::try_from(text).ok()
    }
}

/// The sessions whose cookies the browser says that it could not refresh.
pub(crate) fn skipped(request: &(impl Headers + ?Sized)) -> Vec<SkippedRefresh> {
    let mut all = Vec::new();
    for value in request.values(&SKIPPED) {
        let Some(text) = value.get(..value.len().min(MAX_SKIPPED_LEN)) else { continue };
        let members = text.split(|byte| *byte == b',').filter_map(skipped_one);
        all.extend(members.take(MAX_SKIPPED - all.len()));
    }
    all
}

/// One member of the list: `quota_exceeded;session_identifier="ID"`.
fn skipped_one(member: &[u8]) -> Option<SkippedRefresh> {
    let member = std::str::from_utf8(member).ok()?;
    let mut parts = member.split(';').map(str::trim);
    let reason = match parts.next()? {
        "unreachable" => SkipReason::Unreachable,
        "server_error" => SkipReason::ServerError,
        "quota_exceeded" => SkipReason::QuotaExceeded,
        _ => return None,
    };
    let id = parts.find_map(|part| part.strip_prefix("session_identifier="))?;
    Some(SkippedRefresh { id: session_id(id.as_bytes())?, reason })
}

/// A session's id, as a string of a structured field or bare: Chromium sends it bare.
pub(crate) fn session_id(value: &[u8]) -> Option<PublicId> {
    let id: PublicId = std::str::from_utf8(unquoted(value)).ok()?.parse().ok()?;
    Some(id)
}

/// The text of a string of a structured field (RFC 9651 section 3.3.3), or the bare text.
///
/// What we read contains nothing that would have to be escaped.
pub(crate) fn unquoted(value: &[u8]) -> &[u8] {
    let value = value.trim_ascii();
    match value {
        [b'"', text @ .., b'"'] => text,
        bare => bare,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "000102030405060708090a0b0c0d0e0f";

    fn read(values: &[&str]) -> Vec<SkipReason> {
        let headers: Vec<_> =
            values.iter().map(|value| ("Secure-Session-Skipped", *value)).collect();
        skipped(&headers).iter().map(|skipped| skipped.reason).collect()
    }

    #[test]
    fn skipped_refreshes_are_read_quoted_or_bare_alone_or_in_a_list() {
        let quoted = format!("quota_exceeded;session_identifier=\"{ID}\"");
        let bare = format!("unreachable; session_identifier={ID}");
        let other = format!("server_error;session_identifier=\"123\", {bare}");
        assert_eq!(read(&[&quoted]), [SkipReason::QuotaExceeded]);
        assert_eq!(read(&[&bare]), [SkipReason::Unreachable]);
        assert_eq!(read(&[&quoted, &other]), [SkipReason::QuotaExceeded, SkipReason::Unreachable]);
        for nothing in
            ["", ",;,", "bored;session_identifier=\"1\"", "unreachable", "unreachable;\u{e9}"]
        {
            assert_eq!(read(&[nothing]), []);
        }
    }

    #[test]
    fn no_more_than_a_few_skipped_refreshes_are_read() {
        let many = vec![format!("unreachable;session_identifier=\"{ID}\""); 50].join(", ");
        assert_eq!(read(&[&many, &many]).len(), MAX_SKIPPED);
    }

    #[test]
    fn an_id_is_read_quoted_and_bare_and_nothing_else_is() {
        assert!(session_id(ID.as_bytes()).is_some());
        assert!(session_id(format!(" \"{ID}\" ").as_bytes()).is_some());
        for text in [&format!("\"{ID}"), &format!("{ID}\""), "\"", "\"\"", "", "x"] {
            assert_eq!(session_id(text.as_bytes()), None, "{text}");
        }
    }
}
