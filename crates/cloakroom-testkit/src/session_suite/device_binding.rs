//! Sessions that are bound to the device that signed in.

mod copies;
mod limits;
mod refreshes;
mod registration;
mod unrefreshed;
mod visitor;

pub use copies::*;
pub use limits::*;
pub use refreshes::*;
pub use registration::*;
pub use unrefreshed::*;
