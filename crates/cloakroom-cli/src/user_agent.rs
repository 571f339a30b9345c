//! A user agent as people call it.
//!
//! `user_agents.json` is the browsers and operating systems of uap-core 0.18.0 (Apache License 2.0), as JSON.

use std::sync::OnceLock;

use ua_parser::{Error, Regexes, os, user_agent};

use cloakroom::policy::ClientInfo;

/// The longest name of a program, in characters.
const LONGEST: usize = 60;

/// The browser and its system ("Firefox on Linux"); of any other program, the first word of its user
/// agent. `None` if the client sent no user agent.
pub(crate) fn describe(client: &ClientInfo) -> Option<String> {
    let agent = client.user_agent()?;
    let program = agent.split_whitespace().next().unwrap_or_default();
    let program = || program.chars().take(LONGEST).collect();
    let Some(list) = list() else { return Some(program()) };
    let browser = list.browsers.extract(agent).map(|browser| browser.family.into_owned());
    let system = list.systems.extract(agent).map(|system| system.os.into_owned());
    Some(match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        // Robots that pass for a browser are called by their own name, programs that don't by theirs with its version.
        (Some(robot), None) if agent.starts_with("Mozilla/") => robot,
        _ => program(),
    })
}

struct List {
    browsers: user_agent::Extractor<'static>,
    systems: os::Extractor<'static>,
}

/// Made when it is first needed. The list is part of this crate, and a test reads it: it is always there.
fn list() -> Option<&'static List> {
    static LIST: OnceLock<Option<List>> = OnceLock::new();
    LIST.get_or_init(|| load().ok()).as_ref()
}

fn load() -> Result<List, Error> {
    const TEXT: &str = include_str!("user_agents.json");
    let none =
        || Regexes { user_agent_parsers: vec![], os_parsers: vec![], device_parsers: vec![] };
    let list: Regexes<'static> = serde_json::from_str(TEXT).unwrap_or_else(|_| none());
    let mut browsers = list.user_agent_parsers.into_iter();
    let mut systems = list.os_parsers.into_iter();
    Ok(List {
        browsers: browsers
            .try_fold(user_agent::Builder::new(), user_agent::Builder::push)?
            .build()?,
        systems: systems.try_fold(os::Builder::new(), os::Builder::push)?.build()?,
    })
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
                Some("Chrome on Linux"),
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 \
                 Safari/537.36 Edg/130.0.0.0",
                Some("Edge on Windows"),
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/19.0 Mobile/15E148 Safari/604.1",
                Some("Mobile Safari on iOS"),
            ),
            (
                "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
                Some("Googlebot"),
            ),
            ("curl/7.88.1", Some("curl/7.88.1")),
            ("", None),
            (&long, Some(&long[..LONGEST])),
        ] {
            assert_eq!(describe(&ClientInfo::new().with_user_agent(agent)).as_deref(), name);
        }
    }

    #[test]
    fn the_list_is_read_whole() {
        let known = load().unwrap();
        assert!(
            known.browsers.extract("Firefox/150.0").is_some()
                && known.systems.extract("Windows NT 10.0").is_some()
        );
    }
}
