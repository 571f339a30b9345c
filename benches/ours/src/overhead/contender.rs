//! The contenders of this package; `cloakroom-compare` adds its own.

use std::future::Future;
use std::pin::Pin;

use cloakroom::{MemoryStore, Sessions};

use super::case::Case;
use super::server::{Mount, Serve, tower};
use super::{apps, baseline, observed};
use crate::Failure;

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
pub const BASELINE_OUTER: &str = "baseline outer";
pub const CLOAKROOM_OUTER: &str = "cloakroom outer";

/// axum alone, the hand-written baseline, and cloakroom over a `MemoryStore`: with typed values,
/// with encoded ones as a remote store has them, and with all observers.
pub const OURS: [Contender; 7] = [
    on_axum(PLAIN, SetsCookie::Never, || Box::pin(async { Ok(tower(apps::plain())) })),
    on_axum(BASELINE, SetsCookie::OnNew, || baseline_at(Mount::Inner)),
    on_axum(CLOAKROOM, SetsCookie::OnNew, || cloakroom_at(Mount::Inner)),
    on_axum(ENCODED, SetsCookie::OnNew, || {
        Box::pin(async {
            let store = MemoryStore::new().with_encoded_values();
            let (router, layer) = apps::cloakroom(Sessions::builder(store))?;
            Ok(Mount::Inner.service(router, layer))
        })
    }),
    on_axum(OBSERVED, SetsCookie::OnNew, || {
        Box::pin(async {
            let (router, layer) = apps::cloakroom(observed::builder()?)?;
            Ok(Mount::Inner.service(router, layer))
        })
    }),
    on_axum(BASELINE_OUTER, SetsCookie::OnNew, || baseline_at(Mount::Outer)),
    on_axum(CLOAKROOM_OUTER, SetsCookie::OnNew, || cloakroom_at(Mount::Outer)),
];

fn baseline_at(mount: Mount) -> Opening {
    Box::pin(async move {
        let (router, layer) = baseline::app()?;
        Ok(mount.service(router, layer))
    })
}

fn cloakroom_at(mount: Mount) -> Opening {
    Box::pin(async move {
        let (router, layer) = apps::cloakroom(Sessions::builder(MemoryStore::new()))?;
        Ok(mount.service(router, layer))
    })
}
