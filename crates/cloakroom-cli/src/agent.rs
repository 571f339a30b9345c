//! A user agent as people call it.

use woothee::parser::Parser;

/// The longest description of a program, in characters.
const LONGEST: usize = 60;

/// The browser and its system; of another program, its own first word.
pub(crate) fn describe(agent: &str) -> String {
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
            assert_eq!(describe(agent), name);
        }
    }
}
