//! What each event means, in a sentence or two; `docs/events.md` has the fields and the metrics.

/// Name and meaning, in the order of [`Event::NAMES`](cloakroom::observe::Event::NAMES).
pub(super) const EVENTS: [(&str, &str); 26] = [
    (
        "session_created",
        "A session was stored for the first time. Many more than visitors: bots that cause writes.",
    ),
    ("session_signed_in", "Someone signed in."),
    ("session_renewed", "A session got a new secret, on the timer or at sign-in."),
    ("session_expired", "A session was ended before its deadline. The event gives the reason."),
    (
        "session_use_after_expire",
        "A key was presented whose session has ended. Normal after a pause.",
    ),
    (
        "session_limit_exceeded",
        "A principal signed in at their session limit. If often for one: shared credentials.",
    ),
    (
        "session_login_revoked",
        "A sign-in was refused because the password was changed while it was under way.",
    ),
    ("session_key_unknown", "A well-formed key named no session: expired long ago, or made up."),
    (
        "session_key_wrong",
        "The id is right and the secret never was: someone has ids and tries secrets.",
    ),
    (
        "session_key_retired",
        "A secret was presented that has been replaced. Normal with parallel requests at sign-in.",
    ),
    (
        "session_key_reused",
        "A secret retired minutes ago was presented: two clients hold copies of one key.",
    ),
    ("session_bound", "A browser registered a device key for its session."),
    (
        "session_proof_accepted",
        "A device proved that it has its key, and the session got a secret for some minutes.",
    ),
    (
        "session_proof_refused",
        "A device's proof led to nothing. An old challenge is normal; an invalid one is not.",
    ),
    (
        "session_proof_skipped",
        "A browser could not refresh a bound cookie, and sent the request without it.",
    ),
    ("session_unbound", "A sign-in dropped the binding to a device, and offered a new one."),
    (
        "session_keys_multiple",
        "One request carried several keys of one name: a sibling domain may have set one.",
    ),
    (
        "session_keys_ambiguous",
        "One request carried the keys of two live sessions. The first one was used.",
    ),
    (
        "session_cookie_lost",
        "Cookies do not come back: a Secure one over plain http, or clients without a jar.",
    ),
    (
        "session_import_withheld",
        "The old library's cookie came along with a session of ours, which stayed.",
    ),
    ("session_import_unknown", "A token of the old library led to no session: gone, or guessed."),
    (
        "session_unreadable",
        "A value cannot be decoded: a deployment changed its type, or the store is damaged.",
    ),
    (
        "session_write_retried",
        "A write lost races before it succeeded: concurrent requests of one visitor.",
    ),
    ("session_write_conflict", "A write lost its races for 10 seconds and was given up."),
    ("sessions_swept", "Expired sessions and old tombstones were removed."),
    ("store_called", "The store answered, or failed with an error."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_explained() {
        assert_eq!(EVENTS.map(|(name, _)| name), cloakroom::observe::Event::NAMES);
    }
}
