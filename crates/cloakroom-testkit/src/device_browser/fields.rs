//! The response headers of Device Bound Session Credentials.

use http::HeaderMap;

/// A registration that a response asks for.
pub(super) struct Registration {
    pub(super) path: String,
    pub(super) challenge: String,
    pub(super) authorization: Option<String>,
}

/// The registrations that a response asks for.
///
/// Without a challenge, a browser sends no proof: such an entry counts as a mistake here.
pub(super) fn registrations(response: &HeaderMap) -> Vec<Registration> {
    members(response, "secure-session-registration")
        .filter_map(|member| {
            let (algorithms, parameters) = member.strip_prefix('(')?.split_once(')')?;
            algorithms.split(' ').find(|algorithm| *algorithm == "ES256")?;
            let path = parameter(parameters, "path")?;
            let challenge = parameter(parameters, "challenge")?;
            let authorization = parameter(parameters, "authorization");
            Some(Registration { path, challenge, authorization })
        })
        .collect()
}

/// Each challenge of a response, and the session that it is for. Without one it is ignored.
pub(super) fn challenges(response: &HeaderMap) -> Vec<(String, String)> {
    members(response, "secure-session-challenge")
        .filter_map(|member| {
            let (challenge, parameters) = member.strip_prefix('"')?.split_once('"')?;
            Some((challenge.to_owned(), parameter(parameters, "id")?))
        })
        .collect()
}

fn members<'a>(response: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    let values = response.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// A parameter that is a string.
fn parameter(parameters: &str, name: &str) -> Option<String> {
    parameters.split(';').find_map(|parameter| {
        let text = parameter.trim().strip_prefix(name)?.strip_prefix("=\"")?.strip_suffix('"')?;
        Some(text.to_owned())
    })
}
