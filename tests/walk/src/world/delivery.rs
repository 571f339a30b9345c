//! What an answer must not take from the browser.

use cloakroom::{Key, PublicId};
use cloakroom_testkit::{CookieSeen, cookie_of};

use super::laws::SLOW;
use super::requests::keys_of;
use super::{Answer, World};
use crate::command::Action;

impl World {
    /// An answer may take the cookie of a live session from the browser only if the user signed out
    /// or in, or if it is older than that cookie.
    pub(super) fn judge_delivery(&mut self, answer: &Answer, before: &[Key]) {
        let after = self.valid_keys(answer.browser, answer.kind);
        let is_new = |key: &&Key| before.iter().all(|known| known.id() != key.id());
        let user_of = |key: &Key| self.ledger.get(key.id()).and_then(|entry| entry.user);
        if answer.is_forged && after.iter().filter(is_new).any(|key| user_of(key).is_some()) {
            self.violate("another site signs the browser in", format!("{:?}", answer.action));
        }
        let is_under_way = |id: &PublicId| {
            let user = self.ledger.get(*id).and_then(|entry| entry.user);
            self.drastic
                .iter()
                .filter(|drastic| drastic.to.is_none())
                .any(|drastic| drastic.ids.contains(id) || (user.is_some() && drastic.user == user))
        };
        let is_lost = |id: &PublicId| after.iter().all(|key| key.id() != *id);
        let lost = before.iter().map(Key::id).find(|id| is_lost(id) && !is_under_way(id));
        let Some(id) = lost else { return };
        let name = self.ledger.name(id);
        let is_own = !answer.is_forged;
        match (answer.action, cookie_of(&answer.headers)) {
            (Action::SignOut | Action::End, _) if is_own => {}
            (action, CookieSeen::Set { .. })
                if is_own
                    && answer.is_done
                    && (action.user().is_some()
                        || matches!(action, Action::Renew | Action::Land)) => {}
            (action, CookieSeen::Set { key, .. }) => {
                let since =
                    self.browsers[answer.browser].kinds[answer.kind].holds.get(&id).copied();
                let is_late = since.is_none_or(|since| answer.started < since);
                let is_of_same = key.id() == id;
                // Its key had been replaced: before it arrived, or by a sign-in whose answer took
                // longer than a replaced key is refused for.
                let was_stale = is_own
                    && !answer.was_valid
                    && (self.is_slow(answer)
                        || self.is_disturbed(answer.number, answer.started, id));
                let was_presented = answer.valid.contains(&id) && !is_of_same;
                if was_presented && is_own && !was_stale {
                    let name_of_key = self.ledger.name_key(&key);
                    self.violate(
                        "a request with two sessions loses one of them".to_owned()
                            + self.policy.scopes.suffix(),
                        format!("{action:?}: {name_of_key} instead of {name}"),
                    );
                } else if is_of_same || is_late || was_stale {
                    self.counts.add("late answers that replaced a newer cookie");
                } else {
                    let from = if is_own { "" } else { " to another site's request" };
                    self.violate(
                        format!("an answer{from} replaces the cookie of a live session"),
                        format!("{action:?}: {} instead of {name}", self.ledger.name_key(&key)),
                    );
                }
            }
            (action, _) => self.violate(
                "an answer removes the cookie of a live session".to_owned()
                    + self.policy.scopes.suffix(),
                format!("{action:?}: {name}"),
            ),
        }
        debug_assert!(
            keys_of(&self.browsers[answer.browser].client, answer.kind).len() < 3,
            "two scopes"
        );
    }

    fn is_slow(&self, answer: &Answer) -> bool {
        self.now > answer.sent + SLOW
    }
}
