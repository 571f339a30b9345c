//! The list of sessions, and the confirmation before any are ended.

use cloakroom::record::Record;
use cloakroom::{PublicId, Timestamp};
use maud::{Markup, html};

use super::super::lookup::{Filter, Results};
use super::{encode, page, search};
use crate::{time, user_agent};

/// Sessions shown before they are ended; the others are counted.
const PREVIEWED: usize = 5;

/// The sessions found. `notice` says what was just done.
pub(in crate::admin) fn sessions(
    filter: &Filter,
    results: &Results,
    notice: Option<&str>,
    now: Timestamp,
) -> Markup {
    let (title, term) = match filter {
        Filter::All => ("All sessions".to_owned(), String::new()),
        Filter::Principal(principal) => (format!("Sessions of {principal}"), principal.to_string()),
        Filter::Age(age) => (format!("Sessions created {} ago", age.text), String::new()),
        Filter::Id(id) => ("Session".to_owned(), id.to_string()),
        Filter::Prefix(digits) => {
            (format!("Session IDs that begin with {digits}"), digits.to_string())
        }
    };
    let next_page = match filter {
        Filter::Age(age) => format!("sessions?age={}&after=", age.name),
        _ => format!("sessions?q={}&after=", encode(&term)),
    };
    page(
        &title,
        &html! {
            (search(&term))
            @if let Some(notice) = notice { p.notice role="status" { (notice) } }
            @if let Filter::Principal(principal) = filter {
                @if !results.sessions.is_empty() || results.next.is_some() {
                    p {
                        a.button.quiet href={ "revoke?principal=" (encode(principal.as_str())) } {
                            "End all sessions of " (principal)
                        }
                    }
                }
            }
            section aria-label="Sessions" {
                @if results.sessions.is_empty() { p.hint { "No sessions found." } }
                ul.items {
                    @for (id, record) in &results.sessions {
                        li {
                            (session(*id, record, now))
                            a.button.quiet href={ "revoke?id=" (id) "&q=" (encode(&term)) }
                                aria-label={ "End session " (id) } { "End" }
                        }
                    }
                }
                @if let Some(next) = &results.next {
                    p { a href={ (next_page) (next) } { "More" } }
                }
            }
        },
    )
}

/// Asks for confirmation before sessions are ended.
///
/// `from` is the search that led here.
pub(in crate::admin) fn confirm(
    filter: &Filter,
    results: &Results,
    from: &str,
    now: Timestamp,
) -> Markup {
    let count = results.sessions.len();
    let (question, button) = match (filter, count) {
        (_, 0) => ("No sessions to end".to_owned(), ""),
        (Filter::Principal(principal), _) => {
            (format!("End all sessions of {principal}?"), "End all sessions")
        }
        _ => ("End this session?".to_owned(), "End session"),
    };
    page(
        &question,
        &html! {
            section aria-label="Sessions to end" {
                ul.items {
                    @for (id, record) in results.sessions.iter().take(PREVIEWED) {
                        li { (session(*id, record, now)) }
                    }
                }
                @if count > PREVIEWED {
                    p.hint {
                        "and " (count - PREVIEWED) @if results.next.is_some() { " or more" }
                        " others"
                    }
                }
                @if count > 0 {
                    p.hint {
                        "This takes effect at once and cannot be undone. On the next request the \
                         visitor learns that an operator ended the session."
                    }
                }
                div.row {
                    @if count > 0 {
                        form method="post" action="revoke" {
                            @match filter {
                                Filter::Principal(principal) =>
                                    input type="hidden" name="principal" value=(principal);,
                                Filter::Id(id) => {
                                    input type="hidden" name="id" value=(id);
                                    input type="hidden" name="q" value=(from);
                                }
                                _ => {}
                            }
                            button { (button) }
                        }
                    }
                    a.button.quiet href={ "sessions?q=" (encode(from)) } { "Cancel" }
                }
            }
        },
    )
}

/// What an operator sees of a session.
fn session(id: PublicId, record: &Record, now: Timestamp) -> Markup {
    let client = record.client();
    html! {
        div {
            strong {
                @if let Some(principal) = record.principal() {
                    a href={ "sessions?q=" (encode(principal.as_str())) } { (principal) }
                } @else {
                    "anonymous"
                }
            }
            @if let Some(label) = client.label() { " – " (label) }
            @if let Some(program) = user_agent::describe(client) { " – " (program) }
            @if let Some(address) = client.address() { " – " (address) }
            br;
            span.hint {
                "created " (time::ago(record.created(), now))
                @if let Some(at) = record.authenticated_at() {
                    ", signed in " (time::ago(at, now))
                    @if record.assurance().level() > 0 {
                        " at assurance level " (record.assurance())
                    }
                }
                @if let Some(at) = record.last_seen() { ", last seen " (time::ago(at, now)) }
                @if let Some(at) = record.renewed_at() { ", key renewed " (time::ago(at, now)) }
                @if record.device().is_some_and(|device| device.is_confirmed) {
                    ", bound to its device"
                }
                ", expires " (time::until(record.expires_at(), now))
            }
            br;
            code.hint { (id) }
        }
    }
}
