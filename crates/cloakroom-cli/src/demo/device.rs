//! Where somebody is signed in.

use axum::http::HeaderMap;
use axum::http::header::USER_AGENT;
use cloakroom::{Clock, Error, Page, Session, SessionId, Sessions, SystemClock, Timestamp};
use woothee::parser::Parser;

use super::visitor::Visitor;

/// The most that are shown.
const MOST: usize = 100;
/// The longest description of a program, in characters.
const LONGEST: usize = 60;

/// A session of the visitor's, as they know it.
pub(super) struct Device {
    pub(super) id: SessionId,
    /// It is the one that asks.
    pub(super) current: bool,
    pub(super) created: Timestamp,
    pub(super) signed_in: Timestamp,
    pub(super) last_seen: Timestamp,
    /// The browser or program that signed in.
    pub(super) client: String,
}

/// Where the visitor is signed in, this session first and then the one used last; none if they are not.
pub(super) async fn all(
    sessions: &Sessions<Visitor>,
    session: &Session<Visitor>,
) -> Result<Vec<Device>, Error> {
    let Some(principal) = session.principal() else { return Ok(Vec::new()) };
    let listed = sessions.list(principal, Page::first(MOST)).await?;
    let mut devices: Vec<Device> = listed
        .iter()
        .map(|summary| {
            let current = session.id() == Some(summary.id());
            let seen = if current { Some(SystemClock.now()) } else { summary.last_seen() };
            Device {
                id: summary.id(),
                current,
                created: summary.created(),
                signed_in: summary.authenticated_at().unwrap_or(summary.created()),
                last_seen: seen.unwrap_or(summary.created()),
                client: summary.value().map(|visitor| visitor.client.clone()).unwrap_or_default(),
            }
        })
        .collect();
    devices.sort_by_key(|device| (!device.current, std::cmp::Reverse(device.last_seen)));
    Ok(devices)
}

/// The browser and its system, as people call them; of another program, its own first word.
pub(super) fn client(headers: &HeaderMap) -> String {
    let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    match Parser::new().parse(agent) {
        Some(known) if known.category != "crawler" && known.os != "UNKNOWN" => {
            format!("{} on {}", known.name, known.os)
        }
        _ => match agent.split_whitespace().next() {
            Some(word) => word.chars().filter(|letter| !letter.is_control()).take(LONGEST).collect(),
            None => "unknown program".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_named_as_people_call_it() {
        let long = "x".repeat(200);
        for (agent, name) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
                "Chrome on Linux",
            ),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/19.0 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            ("curl/7.88.1", "curl/7.88.1"),
            ("", "unknown program"),
            (&long, &long[..LONGEST]),
        ] {
            let headers = HeaderMap::from_iter([(USER_AGENT, agent.parse().expect("a valid header"))]);
            assert_eq!(client(&headers), name);
        }
        assert_eq!(client(&HeaderMap::new()), "unknown program");
    }
}
