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
        "a request that an old node answered late put the valid key into the former scope after \
         the wait that the guide asks for",
    ),
];

/// Why this is known to be violated.
pub(crate) fn reason(kind: &str) -> Option<&'static str> {
    KNOWN.iter().find(|(known, _)| kind.starts_with(known)).map(|(_, reason)| *reason)
}
