//! What is known to be violated today.

/// Each kind of violation, as its name begins, with its reason.
const KNOWN: &[(&str, &str)] = &[
    (
        "a request with two sessions loses one of them (",
        "of two valid sessions in two scopes the first wins, and its renewal replaces the cookie \
         of the other",
    ),
    ("a sign-in has no effect (", "of two valid sessions in two scopes the first wins"),
    (
        "an answer removes the cookie of a live session (the scope has changed)",
        "the former scope is removed also if the valid key is there, and not in the new scope",
    ),
    ("a marker without a key (", "the marker in a former scope is not removed"),
    (
        "a sign-in that the limit refuses ends its session",
        "the limit is looked at again once the sign-in is written, and a refusal then ends the \
         session",
    ),
    (
        "a handler is stuck",
        "a sign-in that is overtaken twice by sign-ins of the same user waits for a turn that it \
         has",
    ),
];

/// Why this is known to be violated.
pub(crate) fn reason(kind: &str) -> Option<&'static str> {
    KNOWN.iter().find(|(known, _)| kind.starts_with(known)).map(|(_, reason)| *reason)
}
