//! Mutants: wrong decisions, orders, stores and requests, one at a time. A check that misses one
//! proves nothing.

mod keys;
mod orders;
mod requests;
mod sessions;
mod sign_ins;
mod sites;
mod store;

use cloakroom::protocol::Protocol;

use crate::context::Decisions;
use crate::flaws::{Flaw, Twist, sound};
use crate::scenarios::Scenario;

/// A wrong decision, order, store or request, and the scenario that must catch it.
#[derive(Clone, Copy)]
pub(crate) struct Mutant {
    pub(crate) name: &'static str,
    pub(crate) rules: &'static Decisions,
    pub(crate) flaw: Flaw,
    pub(crate) twist: Option<Twist>,
    pub(crate) scenario: fn() -> Scenario,
}

/// All mutants.
pub(crate) fn all() -> impl Iterator<Item = Mutant> {
    let decisions = [keys::ALL, sessions::ALL, sign_ins::ALL, sites::ALL].into_iter();
    let others = [requests::ALL, store::ALL, orders::ALL].into_iter();
    decisions.chain(others).flatten().copied()
}

impl Mutant {
    const fn decision(
        name: &'static str,
        scenario: fn() -> Scenario,
        rules: &'static Decisions,
    ) -> Self {
        Self { name, rules, flaw: sound, twist: None, scenario }
    }

    const fn order(name: &'static str, scenario: fn() -> Scenario, flaw: Flaw) -> Self {
        Self { name, rules: &Protocol, flaw, twist: None, scenario }
    }

    const fn request(name: &'static str, scenario: fn() -> Scenario, twist: Twist) -> Self {
        Self { name, rules: &Protocol, flaw: sound, twist: Some(twist), scenario }
    }
}

/// Declares wrong decisions: a name, the scenario, and the one method that differs.
macro_rules! decisions {
    ($($kind:ident $name:literal in $scenario:ident { $method:item })*) => {
        $(struct $kind; impl cloakroom::protocol::Rules for $kind { $method })*

        pub(super) const ALL: &[super::Mutant] = &[
            $(super::Mutant::decision($name, crate::scenarios::$scenario, &$kind)),*
        ];
    };
}

/// Declares wrong answers: a name, the scenario, the question, and what happens instead.
macro_rules! flaws {
    ($($name:literal in $scenario:ident |$asked:ident, $store:ident| $answer:expr;)*) => {
        pub(super) const ALL: &[super::Mutant] = &[
            $(super::Mutant::order($name, crate::scenarios::$scenario, |$asked, $store| $answer)),*
        ];
    };
}

use decisions;
use flaws;
