//! The mark on a session that leaves a store: no write expects its revision, and whoever comes across it knows where it went.

use super::{Record, Revision};
use crate::policy::LONGEST;
use crate::value::{CodecError, FENCE, Payload};

/// What tells its revision from all that anybody expects.
const FLIP: u64 = 1 << 63;

/// What a record in the old store stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// A session that is here.
    Here,
    /// A session that nobody may write any more and that is on its way, or there already.
    Fenced,
    /// Nothing any more: it has moved. What is left keeps its place in its principal's directory.
    Moved,
}

pub(crate) fn state_of(record: &Record) -> State {
    match record.payload().as_bytes() {
        Some([FENCE]) => State::Moved,
        Some([FENCE, ..]) => State::Fenced,
        _ => State::Here,
    }
}

pub(crate) fn fenced(record: &Record) -> Result<Record, CodecError> {
    let value = record.payload().to_bytes()?;
    let (is_set, bytes) = (u8::from(value.is_some()), value.as_deref().unwrap_or_default());
    let payload = Payload::from_bytes([&[FENCE, is_set], bytes].concat());
    Ok(marked(record, payload, flipped(record.revision())))
}

/// A session as it was before it was fenced: whoever read it then expects that.
pub(crate) fn freed(record: Record) -> Record {
    let payload = match record.payload().as_bytes() {
        Some([FENCE, 1, value @ ..]) => Payload::from_bytes(value),
        Some([FENCE, ..]) => Payload::unset(),
        _ => return record,
    };
    marked(&record, payload, flipped(record.revision()))
}

/// What is left of a session that was fenced, for longer than any move takes.
pub(crate) fn left(fenced: &Record) -> Record {
    let until = fenced.absolute_deadline().after(LONGEST);
    fenced.with(|fields| {
        fields.payload = Payload::from_bytes([FENCE]);
        (fields.idle_deadline, fields.absolute_deadline) = (until, until);
    })
}

fn marked(record: &Record, payload: Payload, revision: Revision) -> Record {
    record.with(|fields| (fields.payload, fields.revision) = (payload, revision))
}

const fn flipped(revision: Revision) -> Revision {
    Revision::new(revision.count() ^ FLIP, revision.token())
}
