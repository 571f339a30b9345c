//! What is known to be violated today.

/// Each kind of violation with its reason.
const KNOWN: &[(&str, &str)] = &[
    (
        "a request with two sessions loses one of them",
        "the first of two valid sessions wins, and its renewal replaces the cookie of the other",
    ),
    ("a sign-in has no effect", "the first of two valid sessions wins, signed in or not"),
];

/// Why this is known to be violated.
pub(crate) fn reason(kind: &str) -> Option<&'static str> {
    KNOWN.iter().find(|(known, _)| *known == kind).map(|(_, reason)| *reason)
}
