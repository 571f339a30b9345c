//! A store in memory, stores that wrap other stores, and batches for stores of your own.

pub mod batch;

mod blocking;
mod cached;
#[doc(hidden)]
pub mod derived_index;
mod instrumented;
mod memory;
#[cfg(feature = "tokio")]
mod timeout;

pub use blocking::BlockingStore;
pub use cached::{CachedStore, CachedStoreBuilder};
pub use instrumented::InstrumentedStore;
pub use memory::{MemoryStore, PrincipalIndex};
#[cfg(feature = "tokio")]
pub use timeout::TimeoutStore;
