//! Wrong orders: questions that an operation leaves out, or whose answer it makes up.

use cloakroom::protocol::steps::{Answer, Ask};
use cloakroom::record::Record;

use crate::store::Store;

/// A question that is about to be answered.
pub(crate) struct Asked<'a> {
    pub(crate) operation: &'static str,
    /// The question before it, and the kind of its answer.
    pub(crate) last: Option<&'static str>,
    /// The record that the request read last.
    pub(crate) read: Option<&'a Record>,
    pub(crate) ask: &'a Ask,
}

/// Something that a request does wrongly around its operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twist {
    /// Only the first key is read.
    FirstKeyOnly,
    /// A key is read in either way, however it traveled.
    EitherCarrier,
    /// Where the request came from is not looked at.
    OriginIgnored,
    /// A read that is no use counts as one.
    PeekTouches,
    /// A key that is opened outside its request is opened as in one.
    OutsideAsInside,
    /// A response to keys that open nothing removes the cookie.
    DeadCookiesRemoved,
    /// A key that was replaced is treated like one that was never known.
    FormerForgotten,
    /// The other sessions that a request's keys open are forgotten.
    OthersForgotten,
    /// The key that the request presented is forgotten once it is replaced.
    PresentedForgotten,
}

/// Answers one question wrongly, if this is the one.
pub(crate) type Flaw = fn(&Asked<'_>, &mut Store) -> Option<Answer>;

/// Answers none.
pub(crate) fn sound(_: &Asked<'_>, _: &mut Store) -> Option<Answer> {
    None
}
