//! Pages that only say what happened: an ended session, a sign-out, an error.

use cloakroom::NoSession;
use cloakroom::record::EndReason;
use maud::{Markup, html};

use super::page;

/// Why there is no session; `None` if the visitor never had one.
pub(in crate::demo) fn end_notice(no_session: NoSession) -> Option<&'static str> {
    Some(match no_session {
        NoSession::NoKey => return None,
        NoSession::Expired => "Your session has expired.",
        NoSession::Superseded => {
            "Your session key was just replaced by a newer one, perhaps in another tab. Reload \
             the page."
        }
        NoSession::Retired => "Your session key was replaced by a newer one and no longer works.",
        NoSession::Ended(EndReason::SignedOut) => "You signed out, perhaps in another tab.",
        NoSession::Ended(EndReason::SignedInAsAnother) => {
            "Someone else signed in with this browser, so your session was ended."
        }
        NoSession::Ended(EndReason::Revoked) => "An operator of this site ended your session.",
        NoSession::Ended(EndReason::SignedOutElsewhere) => {
            "You were signed out from another of your devices. If it wasn't you, sign in and \
             review your devices."
        }
        NoSession::Ended(EndReason::OverLimit) => {
            "You signed in on more devices than allowed, so this one, the oldest, was signed out."
        }
        NoSession::Ended(EndReason::KeyReused) => {
            "Your session key was used by two browsers, so someone may have copied it. Your \
             session was ended for safety."
        }
        NoSession::Ended(_) => "Your session was ended.",
        NoSession::ProofNeeded => {
            "Your session is bound to your device, and your browser has not proved yet that it has \
             the device's key. Reload the page."
        }
        NoSession::Withheld => {
            "Another site opened this page, so your browser may have kept your cookie back. Reload \
             the page."
        }
        _ => "Your session is not known here. The demo may have been restarted.",
    })
}

/// Instead of the page that a visitor asked for after their session ended.
pub(in crate::demo) fn session_ended(no_session: NoSession) -> Markup {
    let notice = end_notice(no_session).unwrap_or("Your session has ended.");
    page(
        "Your session has ended",
        &html! {
            p.notice.alert role="alert" { (notice) }
            (advice("Your last request was not carried out, and nothing was changed."))
        },
    )
}

/// After signing out.
pub(in crate::demo) fn goodbye() -> Markup {
    page(
        "Signed out",
        &advice("You are signed out. Your session key no longer works, and neither does any copy."),
    )
}

/// An error page. The headline is `message` with a capital letter.
pub(in crate::demo) fn failure(message: &str, text: &str) -> Markup {
    let mut headline = message.to_owned();
    if let Some(first) = headline.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    page(&headline, &advice(text))
}

fn advice(text: &str) -> Markup {
    html! {
        section {
            p { (text) }
            p { a.button href="/" { "Back to the demo" } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_escape_their_input() {
        let page = failure("<b>", "\"&'</p><script>").into_string();
        assert!(page.contains("&lt;b&gt;"), "{page}");
        assert!(!page.contains("<script>"), "{page}");
    }
}
