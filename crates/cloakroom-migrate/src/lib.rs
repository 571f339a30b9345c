//! Moves live sessions from one store to another without signing anyone out.
//!
//! - [`MigratingStore`] serves both stores as one while the application keeps running.
//! - [`import_entry`] copies a single entry, for tools that copy while the application is stopped,
//!   as `cloakroom copy` does.

mod import;
mod index;
mod migrate;
mod scan;
mod store;
mod subscribe;

pub use import::{Imported, import_entry};
pub use store::MigratingStore;
