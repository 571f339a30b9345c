//! A store in memory, and stores around other stores.

pub mod batch;

mod blocking;
mod cached;
mod instrumented;
mod memory;
mod migrating;
#[cfg(feature = "tokio")]
mod timeout;

pub use blocking::BlockingStore;
pub use cached::{CachedStore, CachedStoreBuilder};
pub use instrumented::InstrumentedStore;
pub use memory::{MemoryStore, PrincipalIndex};
pub use migrating::MigratingStore;
#[cfg(feature = "tokio")]
pub use timeout::TimeoutStore;
