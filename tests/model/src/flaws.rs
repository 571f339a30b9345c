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

/// Answers one question wrongly, if this is the one.
pub(crate) type Flaw = fn(&Asked<'_>, &mut Store) -> Option<Answer>;

/// Answers none.
pub(crate) fn sound(_: &Asked<'_>, _: &mut Store) -> Option<Answer> {
    None
}
