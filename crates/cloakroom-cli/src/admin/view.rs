//! The pages' text. The templates escape whatever they are given; no key ever reaches them.

use cloakroom::record::Record;
use cloakroom::{PublicId, Timestamp};
use maud::{Markup, html};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::census::{AGES, Counts};
use super::chart;
use super::lookup::{Found, Which};
use super::meanings::EVENTS;
use crate::page::document;
use crate::when;

pub(super) fn overview(counts: &Counts) -> Markup {
    page(
        "Who is inside",
        &html! {
            (search(""))
            div #live { (live(counts)) }
            p #lost.notice.alert role="alert" hidden { "The connection is lost: what you see is what was." }
            script src="/admin.js" {}
        },
    )
}

/// The part of the page that changes by itself.
pub(super) fn live(counts: &Counts) -> Markup {
    let last = &counts.last;
    let tiles = [
        ("live", last.live),
        ("signed in", last.signed_in),
        ("anonymous", last.live - last.signed_in),
        ("expired, to be swept", last.expired),
        ("ended", last.ended),
    ];
    html! {
        @if let Some(failure) = &counts.failure {
            p.notice.alert role="alert" { "The store can't be read: " (failure) }
        }
        section.tiles aria-label="Sessions" {
            @for (name, count) in tiles {
                div { strong { (count) } span { (name) } }
            }
        }
        section aria-labelledby="time" { h2 #time { "Over time" } (chart::draw(&counts.history)) }
        div.columns {
            section aria-labelledby="principals" {
                h2 #principals { "By principal" }
                @if last.most.is_empty() { p.hint { "Nobody is signed in." } }
                table {
                    @for (name, count) in &last.most {
                        tr {
                            th scope="row" { a href={ "/sessions?q=" (encoded(name)) } { (name) } }
                            td { (count) }
                        }
                    }
                }
                @if last.principals > last.most.len() { p.hint { "of " (last.principals) " principals" } }
            }
            section aria-labelledby="ages" {
                h2 #ages { "By age" }
                table {
                    @for (age, count) in AGES.iter().zip(last.ages) {
                        tr {
                            th scope="row" { a href={ "/sessions?age=" (age.name) } { (age.text) } }
                            td { (count) }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn sessions(which: &Which, found: &Found, now: Timestamp) -> Markup {
    let (title, query) = match which {
        Which::All => ("All sessions".to_owned(), String::new()),
        Which::Of(principal) => (format!("Sessions of {principal}"), encoded(principal.as_str())),
        Which::Aged(age) => (format!("Sessions begun {} ago", age.text), String::new()),
        Which::One(id) => ("One session".to_owned(), id.to_string()),
    };
    let more = match which {
        Which::Aged(age) => format!("/sessions?age={}&after=", age.name),
        _ => format!("/sessions?q={query}&after="),
    };
    page(
        &title,
        &html! {
            (search(&match which { Which::Of(principal) => principal.to_string(), Which::One(id) => id.to_string(), _ => String::new() }))
            @if let Which::Of(principal) = which {
                p { a.button.quiet href={ "/revoke?principal=" (encoded(principal.as_str())) } { "End all of them" } }
            }
            section aria-label="Sessions" {
                @if found.sessions.is_empty() { p.hint { "None here." } }
                ul.items {
                    @for (id, record) in &found.sessions {
                        li {
                            (session(*id, record, now))
                            a.button.quiet href={ "/revoke?id=" (id) } aria-label={ "End session " (id) } { "End" }
                        }
                    }
                }
                @if let Some(next) = &found.next { p { a href={ (more) (next) } { "More" } } }
            }
        },
    )
}

fn session(id: PublicId, record: &Record, now: Timestamp) -> Markup {
    let client = record.client();
    html! {
        div {
            @match record.principal() {
                Some(principal) => strong { a href={ "/sessions?q=" (encoded(principal.as_str())) } { (principal) } },
                None => strong { "not signed in" },
            }
            @if let Some(label) = client.label() { " – " (label) }
            @if let Some(device) = crate::user_agent::describe(client) { " – " (device) }
            @if let Some(address) = client.address() { " – " (address) }
            br;
            span.hint {
                "begun " (when::ago(record.created(), now))
                @if let Some(at) = record.authenticated_at() {
                    ", signed in " (when::ago(at, now))
                    @if record.assurance().level() > 0 { " at level " (record.assurance()) }
                }
                @if let Some(at) = record.last_seen() { ", seen " (when::ago(at, now)) }
                @if let Some(at) = record.renewed_at() { ", key renewed " (when::ago(at, now)) }
                ", ends in " (when::span(record.expires_at().since(now)))
            }
            br;
            code.hint { (id) }
        }
    }
}

/// Asks before anything is ended.
pub(super) fn confirm(which: &Which, found: &Found, now: Timestamp) -> Markup {
    let count = found.sessions.len();
    let question = match (which, count) {
        (_, 0) => "There is nothing to end".to_owned(),
        (Which::Of(principal), _) => format!("End all sessions of {principal}?"),
        _ => "End this session?".to_owned(),
    };
    page(
        &question,
        &html! {
            section aria-label="What would be ended" {
                @for (id, record) in found.sessions.iter().take(5) { (session(*id, record, now)) }
                @if count > 5 {
                    p.hint { "and " (count - 5) @if found.next.is_some() { " or more" } " others" }
                }
                @if count > 0 {
                    p { "It holds at once: the next click there finds the session ended, and says so. It can't be undone." }
                }
                div.row {
                    @if count > 0 {
                        form method="post" action="/revoke" {
                            @match which {
                                Which::Of(principal) => input type="hidden" name="principal" value=(principal);,
                                Which::One(id) => input type="hidden" name="id" value=(id);,
                                _ => {}
                            }
                            button { "End " @if let Which::Of(_) = which { "them" } @else { "it" } }
                        }
                    }
                    a.button.quiet href="/sessions" { "Leave it" }
                }
            }
        },
    )
}

pub(super) fn events() -> Markup {
    page(
        "What each event means",
        &html! {
            section aria-label="Events" {
                dl.events {
                    @for (name, meaning) in EVENTS { dt { code { (name) } } dd { (meaning) } }
                }
            }
            p.hint { "The names stand in the log and in the measures of every application that uses Cloakroom." }
        },
    )
}

pub(super) fn nobody_is_called_that() -> Markup {
    page(
        "Nobody is called that",
        &html! {
            (search(""))
            p.notice { "A name has 1 to 255 bytes, and no control characters." }
        },
    )
}

pub(super) fn unavailable() -> Markup {
    page(
        "The store can't be asked",
        &html! { p.notice.alert role="alert" { "Perhaps nothing was done. Look again in a moment." } },
    )
}

/// After the token was taken: one click from here, so that the address with the token is left behind.
pub(super) fn entered() -> Markup {
    page("You are in", &html! { p { a.button href="/" { "See who is inside" } } })
}

pub(super) fn closed() -> Markup {
    frame(
        "Operators only",
        &html! {
            section aria-label="How to come in" {
                p { "Open the address that the command printed: it lets one browser in, once." }
                p.hint { "Somebody used it already, or your session has ended? Start the command again." }
            }
        },
    )
}

fn search(typed: &str) -> Markup {
    html! {
        form.row role="search" action="/sessions" {
            label for="q" { "Find" }
            input #q type="search" name="q" value=(typed) placeholder="a principal, or a session's name" autocomplete="off"
                spellcheck="false";
            button { "Find" }
        }
    }
}

fn page(title: &str, content: &Markup) -> Markup {
    frame(
        title,
        &html! {
            nav aria-label="Pages" {
                a href="/" { "Overview" } " " a href="/sessions" { "All sessions" } " " a href="/events" { "Events" }
            }
            (content)
        },
    )
}

fn frame(title: &str, content: &Markup) -> Markup {
    document(
        &format!("{title} – Cloakroom"),
        &["/style.css", "/admin.css"],
        &html! {
            header { h1 { (title) } }
            main { (content) }
            footer { p { "Names of sessions open nothing. Keys are shown nowhere: the store does not have them." } }
        },
    )
}

/// A text as it stands in an address.
fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_an_address_stays_one() {
        assert_eq!(encoded("a&b c/é"), "a%26b%20c%2F%C3%A9");
    }

    #[test]
    fn whatever_a_page_is_given_is_escaped() {
        let mut counts = Counts::default();
        counts.last.most = vec![("<script>\"&".to_owned(), 1)];
        let page = live(&counts).into_string();
        assert!(page.contains("&lt;script&gt;&quot;&amp;") && !page.contains("<script>"), "{page}");
        assert!(page.contains("href=\"/sessions?q=%3Cscript%3E%22%26\""), "{page}");
    }
}
