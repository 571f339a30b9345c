//! What the application has decided: another policy in each world.

use std::time::Duration;

use cloakroom::http::{CookieScope, SameSite};
use cloakroom::policy::ReusePolicy;
use cloakroom::{CookiePolicy, SessionLimit, Transport};

use crate::random::Random;

const DOMAIN: &str = "app.example";

/// The policy of a world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    pub(crate) same_site: SameSite,
    pub(crate) scopes: Scopes,
    pub(crate) limit: Option<Limit>,
    pub(crate) reaction: Reaction,
    /// How many minutes after its retirement a key counts as a copy.
    pub(crate) reuse_after: u64,
    pub(crate) accepts_bearer: bool,
    pub(crate) private_pages: bool,
    /// How many kinds of session there are.
    pub(crate) kinds: usize,
}

/// The scopes in which the nodes set the cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scopes {
    /// Always the same.
    One,
    /// Nodes set it with or without a Domain, now and then.
    Mixed,
    /// The scope changes once, as the documentation asks: when all nodes use the new scope, the
    /// former one is named.
    Changed { to_host: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    pub(crate) max: u8,
    pub(crate) rejects_new: bool,
    pub(crate) across_kinds: bool,
}

/// What happens when a retired key turns up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reaction {
    End,
    Refuse,
    Report,
}

impl Policy {
    pub(crate) fn draw(random: &mut Random) -> Self {
        Self {
            same_site: match random.within(0..10) {
                0..=4 => SameSite::Lax,
                5..=8 => SameSite::Strict,
                _ => SameSite::None,
            },
            scopes: match random.within(0..10) {
                0..=4 => Scopes::One,
                5..=6 => Scopes::Mixed,
                _ => Scopes::Changed { to_host: random.percent(50) },
            },
            limit: random.percent(80).then(|| Limit {
                max: random.pick(&[1, 2, 3]),
                rejects_new: random.percent(40),
                across_kinds: random.percent(30),
            }),
            reaction: random.pick(&[
                Reaction::End,
                Reaction::End,
                Reaction::Refuse,
                Reaction::Report,
            ]),
            reuse_after: random.pick(&[1, 5, 5, 15]),
            accepts_bearer: random.percent(50),
            private_pages: random.percent(30),
            kinds: if random.percent(50) { 1 } else { 2 },
        }
    }

    /// How the key travels to and from a node of this version: 0 is the oldest, 2 the newest.
    pub(crate) fn transport(self, version: u8) -> Transport {
        let (is_host, names_former) = match self.scopes {
            Scopes::One => (true, false),
            Scopes::Mixed => (version != 1, false),
            Scopes::Changed { to_host } => ((version > 0) == to_host, version == 2),
        };
        let mut cookie = CookiePolicy::secure("id").with_same_site(self.same_site);
        if !is_host {
            cookie = cookie.with_domain(DOMAIN);
        }
        if names_former {
            let other = if is_host { CookieScope::domain(DOMAIN) } else { CookieScope::host() };
            cookie = cookie.formerly(other);
        }
        if self.accepts_bearer {
            Transport::cookie_or_bearer(cookie)
        } else {
            Transport::cookie(cookie)
        }
    }

    pub(crate) fn session_limit(self) -> Option<SessionLimit> {
        self.limit.map(|limit| {
            let session_limit = if limit.rejects_new {
                SessionLimit::reject_new(limit.max)
            } else {
                SessionLimit::end_oldest(limit.max)
            };
            if limit.across_kinds { session_limit.across_kinds() } else { session_limit }
        })
    }

    pub(crate) fn reuse(self) -> ReusePolicy {
        let policy = match self.reaction {
            Reaction::End => ReusePolicy::end(),
            Reaction::Refuse => ReusePolicy::refuse(),
            Reaction::Report => ReusePolicy::report(),
        };
        policy.after(Duration::from_secs(60 * self.reuse_after))
    }
}
