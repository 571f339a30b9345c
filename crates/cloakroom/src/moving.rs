//! From one store to another, while they are in use.

mod directory;
mod feed;
mod journey;
mod scan;
mod store;

use std::fmt;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::store::{Store, StoreError, StoreErrorKind};

use journey::Journey;

/// Two stores as one, while sessions move from the old one to the new: each when it is first used, the rest by
/// [`move_all`](Self::move_all). Nothing is lost or revived, and nobody is signed out.
///
/// Nodes that run different versions share the stores while an application is rolled out, so it takes three steps, of which the
/// first can be taken back at any time, the second by going back to the first:
/// 1. All nodes come to run [`Moving::prepare`]: sessions stay where they are, and those that have moved are followed.
/// 2. All nodes come to run [`Moving::start`], which moves. One of them calls `move_all` until it moves no more.
/// 3. All nodes come to run the new store alone.
///
/// ```
/// # use cloakroom::{Map, MemoryStore, Moving, Sessions};
/// # use std::sync::Arc;
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// let (old, new) = (MemoryStore::new(), MemoryStore::new());
/// let moving = Arc::new(Moving::start(old, new));
/// let sessions: Sessions<Map> = Sessions::new(Arc::clone(&moving))?;
/// let moved = moving.move_all().await?; // in the background, while `sessions` is in use
/// # Ok(()) }
/// ```
///
/// A session is *fenced* in the old store before it is brought to the new one: it has a mark there, and a revision that no write
/// expects. Whoever comes across it completes the move. Then the old store keeps no more of it than that it has moved; drop
/// that store after step 3.
///
/// While it lasts, a session that has not moved costs two or three more round trips, once; limits and revocations hold in both
/// stores. The new store begins empty. Two things stay behind in the old one: why sessions were ended, which is told until
/// step 3, and revocations from before step 1, which a sign-in that began before them meets until then. A use that is noted
/// while its session moves may go unnoted: the session ends up to a tenth of its idle timeout early.
///
/// # Cancellation
/// A move that is dropped is completed by who comes next.
pub struct Moving<Old, New> {
    journey: Arc<Journey<Old, New>>,
    moves: bool,
}

/// Entries that are on their way at once.
const AT_ONCE: usize = 64;

impl<Old: Store, New: Store> Moving<Old, New> {
    /// Leaves sessions where they are: new ones begin in `old`, and those that other nodes have moved are found in `new`.
    pub fn prepare(old: Old, new: New) -> Self {
        Self { journey: Arc::new(Journey { old, new }), moves: false }
    }

    /// Moves each session that is used from `old` to `new`, where new ones begin.
    pub fn start(old: Old, new: New) -> Self {
        Self { journey: Arc::new(Journey { old, new }), moves: true }
    }

    /// Moves all that is in the old store; how many sessions moved now. Zero means that all have.
    ///
    /// Goes through the whole old store, some entries at a time.
    ///
    /// # Errors
    /// [`StoreError`]. What has moved has; call it again. [`Corrupt`](StoreErrorKind::Corrupt) if nothing is left but what
    /// can't be read, which stays where it is.
    pub async fn move_all(&self) -> Result<u64, StoreError> {
        let (mut from, mut moved, mut unreadable) = (None, 0, 0);
        loop {
            let part = self.journey.old.scan(from.as_ref(), 4 * AT_ONCE).await?;
            moved += stream::iter(part.entries)
                .map(|(id, entry)| self.journey.carry(id, entry))
                .buffer_unordered(AT_ONCE)
                .try_fold(0, async |sum, moved| Ok(sum + u64::from(moved)))
                .await?;
            unreadable += part.unreadable.len();
            from = part.next;
            if from.is_none() {
                break;
            }
        }
        if unreadable > 0 && moved == 0 {
            return Err(StoreError::not_sent(StoreErrorKind::Corrupt));
        }
        Ok(moved)
    }

    fn old(&self) -> &Old {
        &self.journey.old
    }

    fn new_store(&self) -> &New {
        &self.journey.new
    }
}

impl<Old: fmt::Debug, New: fmt::Debug> fmt::Debug for Moving<Old, New> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Moving")
            .field("old", &self.journey.old)
            .field("new", &self.journey.new)
            .field("moves", &self.moves)
            .finish()
    }
}
