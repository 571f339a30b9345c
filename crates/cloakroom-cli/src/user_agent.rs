//! A user agent in a few words, for the pages and the tool.
//!
//! The text is only shown, never trusted: a client can send any user agent. An application that
//! needs more than the usual browsers can use a crate such as `ua-parser`.

use cloakroom::policy::ClientInfo;

/// The longest name of a program, in characters.
const MAX_CHARS: usize = 60;

/// What a browser's user agent contains, and the browser's name. The first match counts: most
/// browsers also name those they are compatible with.
const BROWSERS: [(&str, &str); 8] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// The same for operating systems.
const SYSTEMS: [(&str, &str); 7] = [
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

/// The browser and its operating system ("Firefox on Linux"); for any other program, the first word
/// of its user agent. `None` if the client sent none.
pub(crate) fn describe(client: &ClientInfo) -> Option<String> {
    let agent = client.user_agent()?;
    let find = |names: &[(&str, &'static str)]| {
        names.iter().find(|(part, _)| agent.contains(part)).map(|(_, name)| *name)
    };
    Some(match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        _ if agent.starts_with("Mozilla/") => "unknown browser".to_owned(),
        _ => agent.split_whitespace().next().unwrap_or_default().chars().take(MAX_CHARS).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_named_with_its_system_and_a_program_by_its_first_word() {
        let long = "x".repeat(200);
        for (agent, name) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/156.0.0.0 Safari/537.36",
                Some("Chrome on Linux"),
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0",
                Some("Edge on Windows"),
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 \
                 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1",
                Some("Safari on iOS"),
            ),
            (
                "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
                Some("unknown browser"),
            ),
            ("curl/7.88.1", Some("curl/7.88.1")),
            ("", None),
            (&long, Some(&long[..MAX_CHARS])),
        ] {
            assert_eq!(describe(&ClientInfo::new().with_user_agent(agent)).as_deref(), name);
        }
    }
}
