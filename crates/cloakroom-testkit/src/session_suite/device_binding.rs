//! Sessions that are bound to the device that signed in.

mod limits;
mod refreshes;
mod registration;
mod thief;
mod visitor;

pub use limits::*;
pub use refreshes::*;
pub use registration::*;
pub use thief::*;
