//! How one session gets from the old store to the new.

use crate::codec::CodecError;
use crate::key::SessionId;
use crate::lifetime::LONGEST;
use crate::payload::Payload;
use crate::record::{Record, Revision, Stored};
use crate::store::{Store, StoreError, Swap, bring};

/// How the value of a session begins that is on its way or has gone: a format that no codec may have.
const FENCE: u8 = 0x7f;
/// What tells its revision from all that anybody expects.
const FLIP: u64 = 1 << 63;

/// What a record in the old store stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// A session that is here.
    Here,
    /// A session that nobody may write any more and that is on its way, or there already.
    Fenced,
    /// Nothing any more: it has moved. What is left keeps its place in its principal's directory.
    Moved,
}

pub(super) fn state_of(record: &Record) -> State {
    match record.payload().as_bytes() {
        Some([FENCE]) => State::Moved,
        Some([FENCE, ..]) => State::Fenced,
        _ => State::Here,
    }
}

fn fenced(record: &Record) -> Result<Record, CodecError> {
    let value = record.payload().to_bytes()?;
    let (is_set, bytes) = (u8::from(value.is_some()), value.as_deref().unwrap_or_default());
    let payload = Payload::from_bytes([&[FENCE, is_set], bytes].concat());
    Ok(record.clone().with_payload(payload).with_revision(flipped(record.revision())))
}

/// A session as it was before it was fenced: whoever read it then expects that.
pub(super) fn freed(record: Record) -> Record {
    let payload = match record.payload().as_bytes() {
        Some([FENCE, 1, value @ ..]) => Payload::from_bytes(value),
        Some([FENCE, ..]) => Payload::unset(),
        _ => return record,
    };
    let revision = flipped(record.revision());
    record.with_payload(payload).with_revision(revision)
}

/// What is left of a session that was fenced, for longer than any move takes.
fn left(fenced: &Record) -> Record {
    let until = fenced.absolute_deadline().after(LONGEST);
    fenced.clone().with_payload(Payload::from_bytes([FENCE])).with_deadlines(until)
}

const fn flipped(revision: Revision) -> Revision {
    Revision::new(revision.count() ^ FLIP, revision.token())
}

/// The two stores.
pub(super) struct Journey<Old, New> {
    pub(super) old: Old,
    pub(super) new: New,
}

impl<Old: Store, New: Store> Journey<Old, New> {
    /// Brings the session that the old store had under `id` a moment ago to the new one; whether it moved now.
    ///
    /// Any number of nodes may do so at once, and any of them may stop anywhere.
    pub(super) async fn carry(&self, id: SessionId, entry: Stored) -> Result<bool, StoreError> {
        let Stored::Live(mut record) = entry else { return Ok(false) };
        while state_of(&record) == State::Here {
            let fence = fenced(&record)?;
            record = match self.old.replace(id, record.revision(), fence.clone()).await? {
                Swap::Done => fence,
                Swap::Stale(found) => found,
                // It was ended.
                Swap::Gone => return Ok(false),
            };
        }
        if state_of(&record) == State::Moved {
            return Ok(false);
        }
        let (expected, left) = (record.revision(), left(&record));
        bring(&self.new, id, Stored::Live(freed(record))).await?;
        // If another was faster, there is nothing left to do.
        let _ = self.old.replace(id, expected, left).await?;
        Ok(true)
    }
}
