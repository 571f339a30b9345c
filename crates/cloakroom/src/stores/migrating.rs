//! From one store to another, while they are in use.

mod directory;
mod feed;
mod journey;
mod scan;
mod store;

use std::fmt;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt};

use crate::store::{Store, StoreError, StoreErrorKind};

use journey::Journey;

/// Two stores as one, while sessions move from the old one to the new: each when it is first used, the rest by
/// [`move_all`](Self::move_all). Nothing is lost or revived, and nobody is signed out.
///
/// Nodes that run different versions share the stores while an application is rolled out, so it takes three steps. The first can
/// be taken back until a node runs the second, and the second by going back to the first:
/// 1. All nodes come to run [`MigratingStore::prepare`]: sessions stay where they are, and those that have moved are followed.
/// 2. All nodes come to run [`MigratingStore::start`], which moves. One of them calls `move_all` until it moves no more, within a day of
///    the first of them: so long the new store remembers what was ended in it, which a move that stopped half-way must find.
/// 3. All nodes come to run the new store alone.
///
/// ```
/// # use cloakroom::{MemoryStore, SessionMap, Sessions};
/// # use cloakroom::stores::MigratingStore;
/// # use std::sync::Arc;
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// let (old, new) = (MemoryStore::new(), MemoryStore::new());
/// let moving = Arc::new(MigratingStore::start(old, new));
/// let sessions: Sessions<SessionMap> = Sessions::new(Arc::clone(&moving))?;
/// let moved = moving.move_all().await?; // in the background, while `sessions` is in use
/// # Ok(()) }
/// ```
///
/// A session is *fenced* in the old store before it is brought to the new one: it has a mark there, and a revision that no write
/// expects. Whoever comes across it completes the move. Then the old store keeps no more of it than that it has moved; drop
/// that store after step 3.
///
/// While it lasts, a session that has not moved costs two or three more round trips, once; limits and revocations hold in both
/// stores, and both must be there. The new store begins empty, and takes sessions as large as the old. Neither is itself one that
/// moves. Two things stay behind in the old one: why sessions were ended, which is told until
/// step 3, and revocations from before step 1, which a sign-in that began before them meets until then. A use that is noted
/// while its session moves may go unnoted: the session ends up to a tenth of its idle timeout early.
///
/// # Cancellation
/// A move that is dropped is completed by who comes next.
pub struct MigratingStore<Old, New> {
    journey: Arc<Journey<Old, New>>,
    moves: bool,
}

/// Entries that are on their way at once.
const AT_ONCE: usize = 64;

impl<Old: Store, New: Store> MigratingStore<Old, New> {
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
    /// Goes through the absolute_timeout old store, some entries at a time.
    ///
    /// # Errors
    /// [`StoreError`]. What has moved has; call it again. What can't be moved keeps nothing else from moving: of it the first
    /// error is told once nothing else is left, [`Corrupt`](StoreErrorKind::Corrupt) of what can't be read.
    pub async fn move_all(&self) -> Result<u64, StoreError> {
        let (mut from, mut moved, mut failure) = (None, 0, None);
        loop {
            let part = self.journey.old.scan(from.as_ref(), 4 * AT_ONCE).await?;
            let mut moving = stream::iter(part.entries)
                .map(|(id, entry)| self.journey.carry(id, entry))
                .buffer_unordered(AT_ONCE);
            while let Some(carried) = moving.next().await {
                match carried {
                    Ok(has_moved) => moved += u64::from(has_moved),
                    Err(error) if error.kind() == StoreErrorKind::Unavailable => return Err(error),
                    Err(error) => failure = failure.or(Some(error)),
                }
            }
            if !part.unreadable.is_empty() {
                failure = failure.or(Some(StoreError::not_sent(StoreErrorKind::Corrupt)));
            }
            from = part.next;
            if from.is_none() {
                break;
            }
        }
        match failure {
            Some(error) if moved == 0 => Err(error),
            _ => Ok(moved),
        }
    }

    fn old(&self) -> &Old {
        &self.journey.old
    }

    fn new_store(&self) -> &New {
        &self.journey.new
    }
}

impl<Old: fmt::Debug, New: fmt::Debug> fmt::Debug for MigratingStore<Old, New> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MigratingStore")
            .field("old", &self.journey.old)
            .field("new", &self.journey.new)
            .field("moves", &self.moves)
            .finish()
    }
}
