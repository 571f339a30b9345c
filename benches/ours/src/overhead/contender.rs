//! The contenders of this package; `cloakroom-compare` adds its own.

use std::future::Future;
use std::pin::Pin;

use cloakroom::{MemoryStore, Sessions, SessionsBuilder};

use super::case::Case;
use super::server::{Serve, on_router};
use super::{apps, baseline, observed};
use crate::Failure;
use crate::visitor::Visitor;

/// A way to serve the same routes.
#[derive(Clone, Copy, Debug)]
pub struct Contender {
    pub name: &'static str,
    /// The same server without sessions, whose cost is subtracted.
    pub bare: &'static str,
    pub sets_cookie: SetsCookie,
    pub open: fn() -> Opening,
}

pub type Opening = Pin<Box<dyn Future<Output = Result<Box<dyn Serve>, Failure>>>>;

impl Contender {
    #[must_use]
    pub fn keeps_sessions(&self) -> bool {
        self.name != self.bare
    }
}

/// When a response sets the session cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetsCookie {
    Never,
    /// When a session begins.
    OnNew,
    /// When a session begins or its value changes.
    OnChange,
    /// Always: every request begins a session or extends one.
    Always,
}

impl SetsCookie {
    pub(super) fn in_case(self, case: Case) -> bool {
        match self {
            Self::Never => false,
            Self::OnNew => case == Case::New,
            Self::OnChange => matches!(case, Case::ReadWrite | Case::New),
            Self::Always => true,
        }
    }
}

/// A contender on axum.
#[must_use]
pub const fn on_axum(
    name: &'static str,
    sets_cookie: SetsCookie,
    open: fn() -> Opening,
) -> Contender {
    Contender { name, bare: PLAIN, sets_cookie, open }
}

pub const PLAIN: &str = "plain";
pub const BASELINE: &str = "baseline";
pub const CLOAKROOM: &str = "cloakroom";
pub const ENCODED: &str = "cloakroom encoded";
pub const OBSERVED: &str = "cloakroom observed";

/// axum alone, the hand-written baseline, and cloakroom over a `MemoryStore`: with typed values,
/// with encoded ones as a remote store has them, and with all observers.
pub const OURS: [Contender; 5] = [
    on_axum(PLAIN, SetsCookie::Never, || Box::pin(async { Ok(on_router(apps::plain())) })),
    on_axum(BASELINE, SetsCookie::OnNew, || {
        Box::pin(async {
            let (router, layer) = baseline::app()?;
            Ok(on_router(router.layer(layer)))
        })
    }),
    on_axum(CLOAKROOM, SetsCookie::OnNew, || {
        cloakroom(|| Ok(Sessions::builder(MemoryStore::new())))
    }),
    on_axum(ENCODED, SetsCookie::OnNew, || {
        cloakroom(|| Ok(Sessions::builder(MemoryStore::new().with_encoded_values())))
    }),
    on_axum(OBSERVED, SetsCookie::OnNew, || cloakroom(observed::builder)),
];

fn cloakroom(builder: fn() -> Result<SessionsBuilder<Visitor>, Failure>) -> Opening {
    Box::pin(async move {
        let (router, layer) = apps::cloakroom(builder()?)?;
        Ok(on_router(router.layer(layer)))
    })
}
