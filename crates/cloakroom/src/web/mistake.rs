//! How a mistake of the programmer is told where it is seen: in the log, and in debug builds in the
//! response.

use std::fmt;

use http::StatusCode;

use crate::error::Error;

/// The body of the response to a request that failed with this error.
pub(super) fn body_of(error: &Error) -> Option<String> {
    match error.status() {
        StatusCode::INTERNAL_SERVER_ERROR => report(error),
        // Anyone can send such requests, so they are not logged.
        _ if error.is_specific() => shown(error),
        _ => None,
    }
}

/// Reports an error that is answered with 500. Returns the body of that response: the message in a
/// debug build, and none in a release build.
///
/// It is logged through `tracing`, or in a debug build without a subscriber on the terminal.
#[expect(clippy::print_stderr, reason = "in debug builds, for the developer")]
pub(super) fn report(error: &impl fmt::Display) -> Option<String> {
    let message = error.to_string();
    if !log(&message) && cfg!(debug_assertions) {
        eprintln!("cloakroom: {message}");
    }
    shown(&message)
}

fn shown(message: &impl fmt::Display) -> Option<String> {
    cfg!(debug_assertions).then(|| format!("cloakroom: {message}\n"))
}

/// Returns false if no one receives it.
#[cfg(feature = "tracing")]
fn log(message: &str) -> bool {
    let is_received = tracing::enabled!(target: "cloakroom", tracing::Level::ERROR);
    tracing::error!(target: "cloakroom", "{message}");
    is_received
}

#[cfg(not(feature = "tracing"))]
fn log(_: &str) -> bool {
    false
}
