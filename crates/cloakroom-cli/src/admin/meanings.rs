//! What each event means to an operator.

/// Name and meaning, in the order of [`Event::NAMES`](cloakroom::observe::Event::NAMES).
pub(super) const EVENTS: [(&str, &str); 17] = [
    (
        "session_created",
        "A session was stored for the first time. Many more than visitors: robots that write.",
    ),
    ("session_signed_in", "Somebody signed in."),
    (
        "session_renewed",
        "A session's secret was replaced: on the timer, at sign-in, or as rights changed.",
    ),
    ("session_expired", "A session was ended before its time; the reason is told."),
    ("session_use_after_expire", "A key came in whose session is over. Usual after a pause."),
    (
        "excess_sessions_exceeded",
        "Somebody signed in once more than they may. Often for one: shared credentials.",
    ),
    ("session_login_revoked", "A login was refused, as its password had been changed meanwhile."),
    ("session_key_unknown", "A well-formed key named no session: swept long ago, or made up."),
    (
        "session_key_wrong",
        "A right id with a secret that never was: somebody read ids somewhere, and tries.",
    ),
    (
        "session_key_retired",
        "A secret came in that was replaced. Usual with parallel requests around a sign-in.",
    ),
    (
        "session_key_reused",
        "A secret renewed away long ago came in: two clients hold copies of one key.",
    ),
    (
        "session_keys_multiple",
        "One request carried several keys of one name: a sibling domain may have planted one.",
    ),
    (
        "session_unreadable",
        "A value can't be decoded: a deploy changed its type, or the store is damaged.",
    ),
    (
        "session_write_retried",
        "A write lost races before it won: requests of one visitor write at once.",
    ),
    ("session_write_conflict", "A write lost its races for 10 seconds and was given up."),
    ("sessions_swept", "Expired sessions and old tombstones were removed."),
    ("store_called", "The store answered; with an error, if it failed."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_explained() {
        assert_eq!(EVENTS.map(|(name, _)| name), cloakroom::observe::Event::NAMES);
    }
}
