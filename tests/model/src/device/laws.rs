//! The laws, and where each is judged.

/// How many there are.
pub(super) const COUNT: usize = 9;

pub(super) const WORTH: &str = "a copy is worth the rest of its minutes";
pub(super) const USUAL_KEYS_RETIRE: &str =
    "a minute after a binding was first used, no usual key opens the session";
pub(super) const NOT_STOLEN: &str =
    "no device is registered but that of the browser that signed in";
pub(super) const PROOFS_MOVE: &str = "only a proof leads to a later deadline of a secret";
pub(super) const NO_USE: &str = "a registration or a refresh is no use of the session";
pub(super) const NOT_REPLACED: &str = "a binding that was used is dropped by a sign-in only";
pub(super) const BOUNDED: &str = "no secret is good for longer than its minutes, and four at most";
pub(super) const NOT_LOCKED_OUT: &str = "no browser with its device's key is locked out";
pub(super) const NOT_SUSPECTED: &str = "no key of the browser itself is taken for a wrong one";
