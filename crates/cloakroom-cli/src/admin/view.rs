//! The operator's pages. The templates escape their input, and never see a key.

mod sessions;

use maud::{Markup, html};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::chart;
use super::event_help::EVENTS;
use super::stats::{AGES, StatsHistory};
use super::token::MINUTES;
use crate::page::document;

pub(super) use sessions::{confirm, sessions};

pub(super) fn overview(history: &StatsHistory) -> Markup {
    page(
        "Active sessions",
        &html! {
            (search(""))
            div #live { (live(history)) }
            p #lost.notice.alert role="alert" hidden {
                "Connection lost. The numbers above are no longer updated."
            }
            script src="admin.js" {}
        },
    )
}

/// The part of the overview that the script replaces.
pub(super) fn live(history: &StatsHistory) -> Markup {
    let last = &history.last;
    let tiles = [
        ("active", last.live),
        ("signed in", last.signed_in),
        ("anonymous", last.live - last.signed_in),
        ("expired", last.expired),
        ("ended", last.ended),
    ];
    html! {
        @if let Some(failure) = &history.failure {
            p.notice.alert role="alert" { "The store cannot be read: " (failure) }
        }
        section.tiles aria-label="Number of sessions" {
            @for (name, count) in tiles {
                div { strong { (count) } span { (name) } }
            }
        }
        section aria-labelledby="time" { h2 #time { "Over time" } (chart::draw(&history.points)) }
        div.columns {
            section aria-labelledby="principals" {
                h2 #principals { "By principal" }
                @if last.top_principals.is_empty() { p.hint { "No one is signed in." } }
                table {
                    @for (name, count) in &last.top_principals {
                        tr {
                            th scope="row" { a href={ "sessions?q=" (encode(name)) } { (name) } }
                            td { (count) }
                        }
                    }
                }
                @if last.principals > last.top_principals.len() {
                    p.hint { "The top " (last.top_principals.len()) " of " (last.principals) "." }
                }
            }
            section aria-labelledby="ages" {
                h2 #ages { "By age" }
                table {
                    @for (age, count) in AGES.iter().zip(last.ages) {
                        tr {
                            th scope="row" {
                                a href={ "sessions?age=" (age.name) } { (age.text) }
                            }
                            td { (count) }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn events() -> Markup {
    page(
        "Event reference",
        &html! {
            p.hint {
                "What the events in your application's logs and metrics mean."
            }
            section aria-label="Events" {
                dl.events {
                    @for (name, meaning) in EVENTS { dt { code { (name) } } dd { (meaning) } }
                }
            }
        },
    )
}

pub(super) fn invalid_search() -> Markup {
    page(
        "Invalid search",
        &html! {
            (search(""))
            p.notice {
                "Search for a session ID (32 hexadecimal digits, or the first 8 or more) or a \
                 principal (1 to 255 bytes, without control characters)."
            }
        },
    )
}

pub(super) fn unavailable() -> Markup {
    page(
        "The store cannot be reached",
        &html! {
            p.notice.alert role="alert" {
                "If you were ending sessions, check in a moment whether it was done."
            }
        },
    )
}

/// After the operator signed in. The link leaves the URL with the token behind.
pub(super) fn logged_in() -> Markup {
    frame(
        "Signed in as operator",
        &html! {
            section aria-label="Continue" {
                p { "This browser can now see and end sessions, until you close it." }
                p { a.button href="./" { "Show active sessions" } }
            }
        },
    )
}

/// For anyone but the operator.
pub(super) fn forbidden() -> Markup {
    frame(
        "Operators only",
        &html! {
            section aria-label="How to sign in" {
                p { "To sign in, open the address that the command printed. It works once." }
                p.hint {
                    "If your session has ended, open that address again: it says how to get a new \
                     one."
                }
            }
        },
    )
}

/// For someone who opens an address that signs no one in any more. `is_printed` says that there is
/// another one, on the command's terminal.
pub(super) fn too_late(is_used: bool, is_printed: bool) -> Markup {
    let title = if is_used { "This address was used already" } else { "This address has expired" };
    frame(
        title,
        &html! {
            section aria-label="How to sign in" {
                @if is_used {
                    p {
                        "It signs in one browser. If that was not yours, someone else has opened \
                         it: stop the command."
                    }
                } @else {
                    p { "It works for " (MINUTES) " minutes." }
                }
                @if is_printed {
                    p { "The command has printed a new address on its terminal." }
                } @else {
                    p { "Restart the command to get a new one." }
                }
            }
        },
    )
}

pub(super) fn logged_out() -> Markup {
    frame(
        "Signed out",
        &html! {
            section aria-label="How to sign in" {
                p {
                    "To sign in again, open the address that the command printed first: it says how \
                     to get a new one."
                }
            }
        },
    )
}

/// For a request to a name that is not this server's.
pub(super) fn unknown_host() -> Markup {
    frame(
        "Not served under this name",
        &html! {
            section aria-label="What to do" {
                p {
                    "Open the address that the command printed. To serve the page under another \
                     name, start the command with " code { "--host" } "."
                }
            }
        },
    )
}

fn search(text: &str) -> Markup {
    html! {
        form.row role="search" action="sessions" {
            input #q type="search" name="q" value=(text) placeholder="Principal or session ID"
                aria-label="Principal, or session ID or its first 8 digits" autocomplete="off" spellcheck="false";
            button { "Search" }
        }
    }
}

/// A page for the signed-in operator.
fn page(title: &str, content: &Markup) -> Markup {
    frame(
        title,
        &html! {
            nav aria-label="Pages" {
                a href="./" { "Overview" } " "
                a href="sessions" { "Sessions" } " "
                a href="events" { "Event reference" }
                form method="post" action="logout" { button.quiet { "Sign out" } }
            }
            (content)
        },
    )
}

fn frame(title: &str, content: &Markup) -> Markup {
    document(
        &format!("{title} – Cloakroom"),
        &["style.css", "admin.css"],
        &html! {
            header { h1 { (title) } }
            main { (content) }
            footer {
                p {
                    "A session ID identifies a session and opens nothing. Session keys are never \
                     shown: the store does not have them."
                }
            }
        },
    )
}

/// Percent-encodes a text for a query string.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_in_a_query_string_is_encoded() {
        assert_eq!(encode("a&b c/é"), "a%26b%20c%2F%C3%A9");
    }

    #[test]
    fn pages_escape_their_input() {
        let mut history = StatsHistory::default();
        history.last.top_principals = vec![("<script>\"&".to_owned(), 1)];
        let page = live(&history).into_string();
        assert!(page.contains("&lt;script&gt;&quot;&amp;") && !page.contains("<script>"), "{page}");
        assert!(page.contains("href=\"sessions?q=%3Cscript%3E%22%26\""), "{page}");
    }
}
