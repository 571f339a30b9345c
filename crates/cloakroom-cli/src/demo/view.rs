//! The pages' text. The templates escape whatever they are given.

use std::time::Duration;

use cloakroom::record::EndReason;
use cloakroom::{NoSession, Session, Timestamp};
use maud::{Markup, html};

use super::device::Device;
use super::users::USERS;
use super::visitor::Visitor;
use crate::page::document;
use crate::when;

/// A visitor is warned this long before their session ends.
const WARNING: Duration = Duration::from_secs(60);

/// The one page: what is remembered of its visitor, and what can be changed.
pub(super) fn home(session: &Session<Visitor>, refusal: Option<&str>) -> Markup {
    page(
        "Cloakroom demo",
        &html! {
            @if let Some(refusal) = refusal {
                p.notice.alert role="alert" { (refusal) }
            }
            @if let Some(reason) = session.no_session().and_then(farewell) {
                p.notice role="status" { (reason) }
            }
            @if let Some(left) = session.expires_within(WARNING) {
                p.notice role="status" { "Your session ends in " (when::span(left)) ". Sign in again to stay." }
            }
            (visits(session))
            (cart(session))
            (account(session))
            (facts(session))
        },
    )
}

/// Instead of what was asked for by somebody whose session is no more.
pub(super) fn signed_out(no_session: NoSession) -> Markup {
    page(
        "Your session has ended",
        &html! {
            p.notice.alert role="alert" { (farewell(no_session).unwrap_or("Your session has ended.")) }
            section {
                p { "What you just asked for was not done, and nothing was changed." }
                p { a.button href="/" { "Back to the counter" } }
            }
        },
    )
}

/// Where the visitor is signed in.
pub(super) fn devices(devices: &[Device], now: Timestamp) -> Markup {
    page(
        "My devices",
        &html! {
            section aria-labelledby="devices" {
                h2 #devices { "Where you are signed in" }
                ul.items {
                    @for device in devices {
                        li {
                            div {
                                strong { (device.label.as_deref().unwrap_or(&device.client)) }
                                @if device.current { " " span.badge { "this one" } }
                                br;
                                span.hint {
                                    "signed in " (when::ago(device.signed_in, now))
                                    @if !device.current { ", last seen " (when::ago(device.last_seen, now)) }
                                    @if device.label.is_some() { ", " (device.client) }
                                    @if let Some(address) = &device.address { ", from " (address) }
                                }
                                br;
                                code.hint { (device.id) }
                            }
                            form method="post" action="/devices/sign-out" {
                                input type="hidden" name="id" value=(device.id);
                                button.quiet aria-label={ "Sign out " (device.client) } { "Sign out" }
                            }
                        }
                    }
                }
            }
            section aria-labelledby="name" {
                h2 #name { "This device" }
                form.row method="post" action="/devices/name" {
                    label for="label" { "Call it" }
                    input #label type="text" name="label" maxlength="60" autocomplete="off" placeholder="Kitchen tablet"
                        value=(devices.iter().find(|device| device.current).and_then(|device| device.label.as_deref()).unwrap_or_default());
                    button { "Save" }
                }
            }
            section aria-labelledby="all" {
                h2 #all { "Something you do not know?" }
                div.row {
                    form method="post" action="/logout/others" { button { "Sign out all others" } }
                    form method="post" action="/logout/everywhere" { button.quiet { "Sign out everywhere" } }
                }
                p.hint {
                    "It holds at once: the next click there finds nobody signed in, and says why. "
                    "Sign in from a second browser to see it."
                }
                p { a href="/" { "Back to the counter" } }
            }
        },
    )
}

/// All that is remembered of the visitor.
pub(super) fn export(session: &Session<Visitor>) -> Markup {
    page(
        "What we know of you",
        &html! {
            section aria-label="All of it" {
                dl {
                    dt { "Visits" } dd { (session.value().visits) }
                    dt { "Cart" } dd { @if session.value().cart.is_empty() { "empty" } @else { (session.value().cart.join(", ")) } }
                }
                p.hint { "Shown only to who signed in within the last five minutes: a browser left open shows it to nobody." }
                p { a.button.quiet href="/" { "Back to the counter" } }
            }
        },
    )
}

/// Asks for the password once more before something sensitive.
pub(super) fn sign_in_again(session: &Session<Visitor>) -> Markup {
    page(
        "Is it you?",
        &html! {
            section aria-label="Sign in again" {
                p { "What you asked for is for who signed in a moment ago." }
                (sign_in("/export", session.principal().map(cloakroom::Principal::as_str)))
            }
        },
    )
}

/// A form that signs in, and goes where `action` leads.
fn sign_in(action: &str, user: Option<&str>) -> Markup {
    html! {
        form.fields method="post" action=(action) {
            label for="user" { "Name" }
            input #user type="text" name="user" required autocomplete="username" autocapitalize="none"
                spellcheck="false" value=(user.unwrap_or_default());
            label for="password" { "Password" }
            input #password type="password" name="password" required autocomplete="current-password";
            label for="remember" { "Keep me signed in" }
            input #remember type="checkbox" name="remember" value="true";
            button { "Sign in" }
        }
    }
}

/// After signing out.
pub(super) fn goodbye() -> Markup {
    page(
        "Signed out",
        &html! {
            section {
                p { "You are signed out. The key your browser held opens nothing any more, nor does any copy of it." }
                p { a.button href="/" { "Back to the counter" } }
            }
        },
    )
}

/// Instead of what was asked for.
pub(super) fn failure(headline: &str, advice: &str) -> Markup {
    let mut headline = headline.to_owned();
    if let Some(first) = headline.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    page(
        &headline,
        &html! {
            section {
                p { (advice) }
                p { a.button href="/" { "Back to the counter" } }
            }
        },
    )
}

fn visits(session: &Session<Visitor>) -> Markup {
    html! {
        section aria-labelledby="visits" {
            h2 #visits { "Visits" }
            p.count { strong { (session.value().visits) } " counted" }
            form method="post" action="/visit" { button { "Count a visit" } }
            p.hint { "Only the button counts. Looking writes nothing, so a robot costs no record and no cookie." }
        }
    }
}

fn cart(session: &Session<Visitor>) -> Markup {
    html! {
        section aria-labelledby="cart" {
            h2 #cart { "Cart" }
            @if session.value().cart.is_empty() {
                p.hint { "Nothing in it yet." }
            } @else {
                ul.items {
                    @for item in &session.value().cart {
                        li {
                            span { (item) }
                            form method="post" action="/cart/remove" {
                                input type="hidden" name="item" value=(item);
                                button.quiet aria-label={ "Remove " (item) } { "Remove" }
                            }
                        }
                    }
                }
            }
            form.row method="post" action="/cart" {
                label for="item" { "Item" }
                input #item type="text" name="item" required maxlength=(Visitor::LONGEST_ITEM) autocomplete="off";
                button { "Add" }
            }
            @if !session.value().cart.is_empty() {
                form method="post" action="/cart/empty" { button.quiet { "Empty the cart" } }
            }
        }
    }
}

fn account(session: &Session<Visitor>) -> Markup {
    html! {
        section aria-labelledby="account" {
            h2 #account { "Who you are" }
            @if let Some(principal) = session.principal() {
                p { "Signed in as " strong { (principal) } "." }
                div.row {
                    form method="post" action="/logout" { button { "Sign out" } }
                    a.button.quiet href="/devices" { "My devices" }
                    a.button.quiet href="/export" { "What you know of me" }
                }
                p.hint { "Signing in replaced your key: one that somebody saw before opens nothing. Your cart stayed." }
            } @else {
                (sign_in("/login", None))
                p.hint {
                    "Try "
                    @for (index, (user, password)) in USERS.iter().enumerate() {
                        @if index > 0 { " or " }
                        code { (user) } " with " code { (password) }
                    }
                    ". Names and passwords stand in the program's text, which only a demo may do."
                }
            }
        }
    }
}

fn facts(session: &Session<Visitor>) -> Markup {
    html! {
        section aria-labelledby="session" {
            h2 #session { "Your session" }
            @if let Some(id) = session.id() {
                dl {
                    dt { "Ends" }
                    dd { "in " (when::span(session.expires_in())) ", unless you use it" }
                    dt { "Its name" }
                    dd { code { (id) } }
                }
                p.hint {
                    "The name is what logs and operators see; knowing it opens nothing. "
                    "The key is in your cookie, and shown nowhere."
                }
            } @else {
                p.hint { "You have none. The first change you make here begins one." }
            }
        }
    }
}

/// Why a session is no more; nothing to say to who never had one.
pub(super) fn farewell(no_session: NoSession) -> Option<&'static str> {
    Some(match no_session {
        NoSession::NoKey => return None,
        NoSession::Expired => "Your session has expired.",
        NoSession::Superseded => {
            "Your key was replaced by a newer one, perhaps in another tab. Load this page again in a moment."
        }
        NoSession::Retired => {
            "Your key was replaced by a newer one some time ago and opens nothing any more."
        }
        NoSession::Ended(EndReason::SignedOut) => "You signed out, perhaps in another tab.",
        NoSession::Ended(EndReason::SignedInAsAnother) => {
            "Somebody else signed in with this browser, so your session was ended."
        }
        NoSession::Ended(EndReason::Revoked) => "An operator of this site ended your session.",
        NoSession::Ended(EndReason::SignedOutElsewhere) => {
            "You were signed out here from another of your devices. If that was not you, sign in and look."
        }
        NoSession::Ended(EndReason::OverLimit) => {
            "You signed in on more devices than you may at a time, so this one, the first of them, was signed out."
        }
        NoSession::Ended(EndReason::KeyReused) => {
            "Two browsers used copies of one key. Which of them is yours cannot be known, so the session was ended."
        }
        NoSession::Ended(_) => "Your session was ended.",
        _ => "The key your browser sent opens nothing here: perhaps the demo was started anew.",
    })
}

fn page(title: &str, content: &Markup) -> Markup {
    document(
        title,
        &["/style.css"],
        &html! {
            header {
                h1 { (title) }
                p { "Your browser keeps a ticket. Everything else stays behind the counter." }
            }
            main { (content) }
            footer {
                p {
                    "The ticket is a cookie: HttpOnly, SameSite=Lax, and Secure wherever a site is served over TLS. "
                    "It carries a key and nothing else."
                }
                p { "For programs: " code { "GET /api/session" } ", " code { "GET /api/devices" } "." }
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_page_is_given_is_escaped() {
        let page = failure("<b>", "\"&'</p><script>").into_string();
        assert!(page.contains("&lt;b&gt;"), "{page}");
        assert!(!page.contains("<script>"), "{page}");
    }
}
