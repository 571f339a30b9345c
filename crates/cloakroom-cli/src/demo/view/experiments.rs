//! The buttons that try to break a session, and what each of them did.

use std::time::Duration;

use cloakroom::{NoSession, Session};
use maud::{Markup, html};

use super::super::experiments::{
    KeyAnswer, Moment, Outcome, UPDATES, seconds_left, visitor_or_first,
};
use super::super::live_session::action;
use super::super::visitor::Visitor;
use crate::time;

pub(super) fn experiments(session: &Session<Visitor>) -> Markup {
    let outcome = session.value().outcome.as_ref();
    let principal = visitor_or_first(session);
    let name = principal.as_str();
    let updates_at_once = Experiment {
        name: "updates",
        title: &format!("{UPDATES} updates at once"),
        text: &format!(
            "{UPDATES} requests read your visit counter. When all have read it, each of them \
             counts a visit, all at the same time."
        ),
        button: &format!("Send {UPDATES} updates"),
    }
    .show(session, outcome.and_then(updates));
    let replay = Experiment {
        name: "old-key",
        title: "An old key",
        text: "Your session gets a new key. Then the server receives the old one again, as from \
               someone who has copied your cookie.",
        button: "Replay my old key",
    }
    .show(session, outcome.and_then(old_key));
    let double_click = Experiment {
        name: "sign-in",
        title: "Two sign-ins at once",
        text: &format!(
            "You sign in as {name} with a double click, so two requests arrive with the same key."
        ),
        button: "Sign in twice",
    }
    .show(session, outcome.and_then(|outcome| sign_in(outcome, name)));
    let expires = Experiment {
        name: "expiry",
        title: "A session that expires",
        text: "Your session gets five more seconds. Then it is gone, with its visits and cart.",
        button: "Let my session expire",
    }
    .show(session, expiry(session));
    html! {
        section aria-labelledby="try" {
            h2 #try { "Try to break it" }
            p {
                "Each button does something to your session that goes wrong on real sites. Then \
                 the page says what happened, and why."
            }
            (updates_at_once) (replay) (double_click) (expires)
        }
    }
}

/// A button, and what it does.
struct Experiment<'a> {
    name: &'a str,
    title: &'a str,
    text: &'a str,
    button: &'a str,
}

impl Experiment<'_> {
    /// The redirect after the experiment moves the focus to the result, so that it is read out.
    fn show(&self, session: &Session<Visitor>, result: Option<Markup>) -> Markup {
        let Self { name, title, text, button } = self;
        html! {
            div.experiment {
                h3 { (title) }
                p #(name) { (text) }
                form method="post" action=(action(&format!("/try/{name}"), session)) {
                    button aria-describedby=(name) { (button) }
                }
                @if let Some(result) = result {
                    div.result #{ (name) "-result" } role="status" tabindex="-1" { (result) }
                }
            }
        }
    }
}

fn updates(outcome: &Outcome) -> Option<Markup> {
    let Outcome::Updates { before, after, refused } = outcome else { return None };
    Some(html! {
        p {
            strong {
                "The counter went from " (before) " to " (after) ". "
                @if *refused == 0 {
                    "None of the " (UPDATES) " updates was lost."
                } @else {
                    (refused) " of the " (UPDATES) " updates got an error; none of the others was \
                     lost."
                }
            }
        }
        p {
            "Each request had read the number " (before) ", and yet they did not overwrite one \
             another: " code { "update" } " applies its change to the newest value, and again if \
             another request was faster."
        }
    })
}

fn old_key(outcome: &Outcome) -> Option<Markup> {
    let Outcome::OldKey { answer, later } = outcome else { return None };
    Some(html! {
        p {
            strong {
                @match answer {
                    KeyAnswer::Opens => "The old key opened your session.",
                    KeyAnswer::TryAgain | KeyAnswer::Nothing => {
                        "The old key was refused, and nothing was changed. Your session goes on \
                         with the new key."
                    }
                    KeyAnswer::Ended => "The old key was refused, and your session was ended.",
                }
            }
        }
        p {
            "Once a key is replaced, a copy of it opens nothing. For a minute the refusal says \
             “try again” (409), because your own browser may have sent the request just before it \
             received the new key."
        }
        p {
            "Keys are also renewed every 15 minutes. A response can get lost on the way to your \
             browser, so then the old key works until the new one has been in use for a minute. \
             To show this without waiting, it was run just now on a copy of this site's sessions, \
             in memory, with a clock that can be moved forward:"
        }
        table {
            thead {
                tr { th scope="col" { "Time since renewal" } th scope="col" { "The old key" } }
            }
            tbody { @for moment in later { (row(moment)) } }
        }
    })
}

fn row(moment: &Moment) -> Markup {
    html! {
        tr {
            th scope="row" { (time::duration(Duration::from_secs(moment.seconds))) }
            td {
                @match moment.answer {
                    KeyAnswer::Opens => {
                        "opens the session, and is answered with the new key again."
                    }
                    KeyAnswer::TryAgain => "is refused with “try again” (409).",
                    KeyAnswer::Nothing => "opens nothing. The session goes on.",
                    KeyAnswer::Ended => {
                        "ends the session: a key that is used so late has probably been copied, \
                         and no one can tell which of the two browsers is the owner's. Both are \
                         told why, and the owner can sign in again."
                    }
                }
            }
        }
    }
}

fn sign_in(outcome: &Outcome, name: &str) -> Option<Markup> {
    let Outcome::SignIn { is_same_key } = outcome else { return None };
    Some(html! {
        p {
            strong {
                "Both sign-ins succeeded, and "
                @if *is_same_key { "both got the same new key" } @else { "each got its own key" }
                ". You are signed in as " (name) "."
            }
        }
        @if *is_same_key {
            p {
                "The new key is computed from the old one and a number that the store keeps for a \
                 minute. So it does not matter which answer your browser takes, or whether one \
                 gets lost: you have one session, and your visits and your cart are still there."
            }
        }
    })
}

fn expiry(session: &Session<Visitor>) -> Option<Markup> {
    if let Some(seconds) = seconds_left(session) {
        let left = time::duration(Duration::from_secs(seconds));
        return Some(html! {
            p {
                strong { "Your session ends in " (left) "." }
                " This page is then loaded again."
            }
            div.countdown data-seconds=(seconds) aria-hidden="true" {}
        });
    }
    (session.no_session() == Some(NoSession::Expired)).then(|| {
        html! {
            p { strong { "Your session has expired, and its visits and cart are gone." } }
            p {
                "The store keeps the time; the cookie does not. So your browser could not make the \
                 session last longer, and a copy of the cookie opens nothing either."
            }
        }
    })
}
