//! The demo's pages. The templates escape their input.

mod devices;
mod experiments;
mod messages;

use std::time::Duration;

use cloakroom::device_binding::BoundDevice;
use cloakroom::{Principal, Session};
use maud::{Markup, html};

use super::live_session::action;
use super::users::USERS;
use super::visitor::Visitor;
use crate::page::document;
use crate::time;

pub(super) use devices::devices;
pub(super) use messages::{end_notice, failure, goodbye, session_ended};

/// How long before the session expires the visitor is warned.
const WARNING: Duration = Duration::from_secs(60);

/// The home page, with an error message if a form was refused.
pub(super) fn home(session: &Session<Visitor>, error: Option<&str>) -> Markup {
    page(
        "Cloakroom demo",
        &html! {
            @if let Some(error) = error {
                p.notice.alert role="alert" { (error) }
            }
            @if let Some(notice) = session.no_session().and_then(end_notice) {
                p.notice role="status" { (notice) }
            }
            @if let Some(left) = session.expires_within(WARNING) {
                p.notice role="status" {
                    "Your session expires in " (time::duration(left)) ". Sign in again to continue."
                }
            }
            (visits(session))
            (cart(session))
            (account(session))
            (facts(session))
            (experiments::experiments(session))
        },
    )
}

fn visits(session: &Session<Visitor>) -> Markup {
    html! {
        section aria-labelledby="visits" {
            h2 #visits { "Visits" }
            p.count { strong { (session.value().visits) } " counted" }
            form method="post" action=(action("/visit", session)) { button { "Count a visit" } }
            p.hint {
                "Only the button writes. Viewing a page creates no session and sets no cookie, so \
                 bots leave nothing behind."
            }
        }
    }
}

fn cart(session: &Session<Visitor>) -> Markup {
    html! {
        section aria-labelledby="cart" {
            h2 #cart { "Cart" }
            @if session.value().cart.is_empty() {
                p.hint { "Your cart is empty." }
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
            form.row method="post" action=(action("/cart", session)) {
                label for="item" { "Item" }
                input #item type="text" name="item" required maxlength=(Visitor::MAX_ITEM_CHARS)
                    autocomplete="off";
                button { "Add" }
            }
            @if !session.value().cart.is_empty() {
                form method="post" action="/cart/empty" { button.quiet { "Empty cart" } }
            }
        }
    }
}

fn account(session: &Session<Visitor>) -> Markup {
    html! {
        section aria-labelledby="account" {
            h2 #account { "Account" }
            @if let Some(principal) = session.principal() {
                p { "Signed in as " strong { (principal) } "." }
                div.row {
                    form method="post" action="/logout" { button { "Sign out" } }
                    a.button.quiet href="/devices" { "Your devices" }
                    a.button.quiet href="/export" { "Your data" }
                }
                p.hint {
                    "Signing in gave you a new session key, so a key that was copied before no \
                     longer works. Your cart was kept."
                }
            } @else {
                (sign_in("/login", None))
                p.hint {
                    "Sign in as "
                    @for (index, (user, password)) in USERS.iter().enumerate() {
                        @if index > 0 { " or " }
                        code { (user) } " with the password " code { (password) }
                    }
                    "."
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
                    dt { "Expires" }
                    dd { "in " (time::duration(session.expires_in())) ", unless you use it" }
                    dt { "Session ID" }
                    dd { code { (id) } }
                    @if let Some(device) = session.device() {
                        dt { "Device" }
                        dd { (binding(&device, session.proof_needed_in())) }
                    }
                }
                p.hint {
                    "The session ID appears in logs and opens nothing. The session key is in your \
                     cookie and is never shown."
                }
            } @else {
                p.hint { "You have no session yet. Your first change starts one." }
            }
        }
    }
}

/// What is known of the device that the session is bound to.
fn binding(device: &BoundDevice, proof_needed_in: Option<Duration>) -> Markup {
    html! {
        @if device.is_confirmed {
            "bound by its " (device.algorithm().name()) " key"
            @if let Some(left) = proof_needed_in {
                "; a copy of your cookie is good for " (time::duration(left))
            }
        } @else {
            "being bound"
        }
    }
}

/// The visitor's data.
pub(super) fn export(session: &Session<Visitor>) -> Markup {
    let visitor = session.value();
    page(
        "Your data",
        &html! {
            section aria-label="Your data" {
                dl {
                    dt { "Visits" }
                    dd { (visitor.visits) }
                    dt { "Cart" }
                    dd {
                        @if visitor.cart.is_empty() { "empty" } @else { (visitor.cart.join(", ")) }
                    }
                }
                p.hint {
                    "This page requires a sign-in within the last five minutes, so that it stays \
                     private in a browser left open."
                }
                div.row {
                    a.button href="/api/export" download="cloakroom-demo.json" {
                        "Download my data"
                    }
                    a.button.quiet href="/" { "Back to the demo" }
                }
            }
        },
    )
}

/// Asks for the password again before something sensitive.
pub(super) fn sign_in_again(session: &Session<Visitor>) -> Markup {
    page(
        "Confirm it's you",
        &html! {
            section aria-label="Sign in again" {
                p { "Your data is shown only within five minutes of signing in." }
                (sign_in("/export", session.principal().map(Principal::as_str)))
            }
        },
    )
}

/// A sign-in form that posts to `action`.
fn sign_in(action: &str, user: Option<&str>) -> Markup {
    html! {
        form.fields method="post" action=(action) {
            label for="user" { "Name" }
            input #user type="text" name="user" required autocomplete="username"
                autocapitalize="none" spellcheck="false" value=(user.unwrap_or_default());
            label for="password" { "Password" }
            input #password type="password" name="password" required
                autocomplete="current-password";
            label.check {
                input type="checkbox" name="remember" value="true";
                "Keep me signed in"
            }
            button { "Sign in" }
        }
    }
}

/// A page of the demo.
fn page(title: &str, content: &Markup) -> Markup {
    document(
        title,
        &["/style.css"],
        &html! {
            header {
                h1 { (title) }
                p {
                    "Your browser holds one cookie. Everything else stays on the server. "
                    a href="/#try" { "Try to break it." }
                }
            }
            main { (content) }
            footer {
                p {
                    "The cookie holds a random key and no data. It is HttpOnly and SameSite=Lax, \
                     and Secure on a site that is served over TLS."
                }
                p { "JSON API: " code { "GET /api/session" } ", " code { "GET /api/devices" } "." }
            }
        },
    )
}
