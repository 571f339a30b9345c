//! Other libraries' sessions on axum, as their documentation has them used.

pub(crate) mod axum_session;
pub(crate) mod ruts;
pub(crate) mod tower_sessions;
