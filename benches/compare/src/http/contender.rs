//! The servers that are measured.

use cloakroom_bench::Failure;
use cloakroom_bench::overhead::contender::SetsCookie;

/// A program that serves the same routes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contender {
    pub(super) name: &'static str,
    /// The same framework without sessions.
    pub(super) bare: &'static str,
    pub(super) sets_cookie: SetsCookie,
}

impl Contender {
    pub(super) fn keeps_sessions(&self) -> bool {
        self.name != self.bare
    }

    pub(super) fn is_on_node(&self) -> bool {
        self.bare == EXPRESS
    }
}

pub(super) const AXUM: &str = "axum";
pub(super) const AXUM_CLOAKROOM: &str = "axum, cloakroom";
pub(super) const AXUM_BASELINE: &str = "axum, baseline";
pub(super) const AXUM_TOWER_SESSIONS: &str = "axum, tower-sessions";
pub(super) const AXUM_SESSION: &str = "axum, axum_session";
pub(super) const ACTIX: &str = "actix-web";
pub(super) const ACTIX_CLOAKROOM: &str = "actix-web, cloakroom";
pub(super) const ACTIX_SESSION: &str = "actix-web, actix-session";
pub(super) const EXPRESS: &str = "express";
pub(super) const EXPRESS_SESSION: &str = "express, express-session";

/// In the order of a table's rows.
pub(super) static ALL: [Contender; 10] = [
    contender(AXUM, AXUM, SetsCookie::Never),
    contender(AXUM_CLOAKROOM, AXUM, SetsCookie::OnNew),
    contender(AXUM_BASELINE, AXUM, SetsCookie::OnNew),
    contender(AXUM_TOWER_SESSIONS, AXUM, SetsCookie::OnChange),
    contender(AXUM_SESSION, AXUM, SetsCookie::Always),
    contender(ACTIX, ACTIX, SetsCookie::Never),
    contender(ACTIX_CLOAKROOM, ACTIX, SetsCookie::OnNew),
    contender(ACTIX_SESSION, ACTIX, SetsCookie::OnChange),
    contender(EXPRESS, EXPRESS, SetsCookie::Never),
    contender(EXPRESS_SESSION, EXPRESS, SetsCookie::OnChange),
];

const fn contender(name: &'static str, bare: &'static str, sets_cookie: SetsCookie) -> Contender {
    Contender { name, bare, sets_cookie }
}

pub(super) fn named(name: &str) -> Result<&'static Contender, Failure> {
    let found = ALL.iter().find(|contender| contender.name == name);
    found.ok_or_else(|| format!("no contender is called `{name}`").into())
}
