//! What is known to be violated today.

/// Each kind of violation with its reason.
const KNOWN: &[(&str, &str)] = &[
    ("a repeated sign-in loses the session", "sign-ins do not converge yet"),
    ("a repeated sign-in gets another key", "sign-ins do not converge yet"),
    ("a sign-in page fails: Superseded", "tokens need a valid key yet"),
    ("a sign-in form fails: Superseded", "tokens need a valid key yet"),
    ("a sign-in form fails: Forged", "tokens need a valid key yet"),
    (
        "a session is ended as \"signed in as another\" without a right",
        "the end of a session is not yet conditional",
    ),
    (
        "a session is ended as \"signed out\" without a right",
        "the end of a session is not yet conditional",
    ),
    ("a session is ended as \"ended\" without a right", "the end is not yet conditional"),
    (
        "a session is ended as \"key reused\" without a right",
        "keys are judged one after the other, not all first",
    ),
    ("locked out: Some(Ended(KeyReused))", "keys are judged one after the other, not all first"),
    ("a sign-out leaves a session whose key it was given", "only the first is ended yet"),
    ("a revocation leaves a session", "the revocation does not yet allow for clocks ahead"),
    ("an answer removes the cookie of a live session", "navigations remove dead cookies yet"),
    (
        "an answer to another site's request replaces the cookie of a live session",
        "cross-site requests begin sessions yet",
    ),
    ("another site signs the browser in", "cross-site sign-ins are not refused yet"),
    (
        "a request with two sessions loses one of them",
        "the first of two valid sessions wins, and its renewal replaces the cookie of the other",
    ),
    ("a prefetch takes a message", "prefetches are not told apart yet"),
    ("a message is never shown", "prefetches are not told apart yet"),
    ("a sign-in has no effect", "the first of two valid sessions wins, signed in or not"),
];

/// Why this is known to be violated.
pub(crate) fn reason(kind: &str) -> Option<&'static str> {
    KNOWN.iter().find(|(known, _)| *known == kind).map(|(_, reason)| *reason)
}
