//! Who is measured.

use crate::Failure;

/// A program that serves the same routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contender {
    Axum,
    AxumCloakroom,
    /// What cloakroom does, written by hand for this one program: see `benches/overhead`.
    AxumLimit,
    AxumTowerSessions,
    AxumSession,
    Actix,
    ActixCloakroom,
    ActixSession,
    Express,
    ExpressSession,
}

impl Contender {
    /// In the order of a table's rows.
    pub(crate) const ALL: [Self; 10] = [
        Self::Axum,
        Self::AxumCloakroom,
        Self::AxumLimit,
        Self::AxumTowerSessions,
        Self::AxumSession,
        Self::Actix,
        Self::ActixCloakroom,
        Self::ActixSession,
        Self::Express,
        Self::ExpressSession,
    ];

    /// Those on axum, which a curve compares.
    pub(crate) const ON_AXUM: [Self; 5] =
        [Self::Axum, Self::AxumCloakroom, Self::AxumLimit, Self::AxumTowerSessions, Self::AxumSession];

    pub(crate) fn parse(name: &str) -> Result<Self, Failure> {
        let found = Self::ALL.into_iter().find(|contender| contender.name() == name);
        found.ok_or_else(|| format!("no contender is called `{name}`").into())
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Axum => "axum",
            Self::AxumCloakroom => "axum, cloakroom",
            Self::AxumLimit => "axum, limit",
            Self::AxumTowerSessions => "axum, tower-sessions",
            Self::AxumSession => "axum, axum_session",
            Self::Actix => "actix-web",
            Self::ActixCloakroom => "actix-web, cloakroom",
            Self::ActixSession => "actix-web, actix-session",
            Self::Express => "express",
            Self::ExpressSession => "express, express-session",
        }
    }

    /// The same framework without sessions.
    pub(crate) const fn bare(self) -> Self {
        match self {
            Self::Axum
            | Self::AxumCloakroom
            | Self::AxumLimit
            | Self::AxumTowerSessions
            | Self::AxumSession => Self::Axum,
            Self::Actix | Self::ActixCloakroom | Self::ActixSession => Self::Actix,
            Self::Express | Self::ExpressSession => Self::Express,
        }
    }

    /// Whether it keeps sessions at all.
    pub(crate) fn keeps(self) -> bool {
        self != self.bare()
    }

    /// Whether it is a program for node.
    pub(crate) fn is_on_node(self) -> bool {
        self.bare() == Self::Express
    }

    /// Whether it begins a session for whoever has none: by its defaults, `axum_session` does.
    pub(crate) fn greets_everybody(self) -> bool {
        self == Self::AxumSession
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_back_to_its_contender() {
        for contender in Contender::ALL {
            assert_eq!(Contender::parse(contender.name()).unwrap(), contender);
        }
    }
}
