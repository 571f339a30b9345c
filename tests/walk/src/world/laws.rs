//! What a request must get, and what its answer must not take from the browser.

use cloakroom::{Key, PublicId};
use cloakroom_testkit::{CookieSeen, cookie_of};

use super::{Answer, Revocation, Task, World, keys_of, note};
use crate::command::{Action, Source, USERS};
use crate::ledger::Entry;
use crate::server::View;

/// A write can be given up after others have won for ten seconds.
const CONFLICT_AFTER: u64 = 9_000;
/// How long after a revocation the sign-ins of that user can be refused, since clocks differ.
const REVOKED_FOR: u64 = 120_000;
/// A key that was valid when its request was sent can be retired once that is a minute old.
const SLOW: u64 = 18_000;

impl World {
    /// The request has opened its session, or none.
    pub(super) fn opened(&mut self, task: &mut Task, opened: Result<View, String>) {
        // What it read from the store can have changed long ago.
        let is_slow = self.now > task.sent + SLOW;
        let still_valid: Vec<_> = task
            .valid
            .iter()
            .filter(|key| !is_slow && self.ledger.must_open(key, self.now))
            .filter(|key| !self.is_disturbed(task.number, task.started, key.id()))
            .cloned()
            .collect();
        task.was_valid = task.keys.iter().any(|key| self.ledger.must_open(key, self.now));
        match &opened {
            Ok(view) => {
                self.counts.add("sessions opened");
                note!(self, "  request {} opens {}", task.number, self.ledger.name(view.id));
                self.judge_view(task, view);
                self.ledger.learn(view, task.started, self.step, self.now);
                if !self.is_disturbed(task.number, task.started, view.id) {
                    self.ledger.confirm(&view.key);
                }
            }
            Err(why) => {
                note!(self, "  request {} opens nothing: {why}", task.number);
                if let Some(key) = still_valid.first() {
                    let key = self.ledger.name_key(key);
                    self.violate(format!("locked out: {why}"), format!("with {key}"));
                }
            }
        }
        let expected = task.expected.filter(|id| still_valid.iter().any(|key| key.id() == *id));
        if let (Some(expected), Ok(view)) = (expected, &opened) {
            if self.ledger.get(expected).is_some_and(|entry| entry.user != view.user) {
                let (found, name) = (self.ledger.name(view.id), self.ledger.name(expected));
                self.violate("a sign-in has no effect", format!("{found} opens instead of {name}"));
            }
        }
        if !still_valid.is_empty() {
            self.counts.add("opens judged");
        }
        task.opened = Some(opened);
    }

    fn judge_view(&mut self, task: &Task, view: &View) {
        let name = self.ledger.name(view.id);
        let Some(entry) = self.ledger.get(view.id) else { return };
        if entry.ended.is_some_and(|step| step < task.started) {
            return self.violate("an ended session is opened", name);
        }
        if entry.must_have_expired(task.sent) {
            return self.violate("an expired session is opened", name);
        }
        if entry.is_uncertain || self.is_disturbed(task.number, task.started, view.id) {
            return;
        }
        let missing = task
            .items
            .get(&view.id)
            .and_then(|items| items.iter().find(|item| !view.items.contains(item)).copied());
        if let Some(item) = missing {
            let detail = format!("item {item} of {name}");
            return self.violate("an acknowledged write is lost", detail);
        }
        let expected = entry.user;
        if expected != view.user {
            let shown = |user: Option<usize>| user.map_or("no one", |user| USERS[user]);
            let (expected, found) = (shown(expected), shown(view.user));
            self.violate(
                "the wrong user is signed in",
                format!("{name}: {found} instead of {expected}"),
            );
        }
    }

    /// The action is done.
    pub(super) fn done(&mut self, task: &mut Task, done: &Result<Option<View>, String>) {
        task.is_done = done.is_ok();
        let action = task.send.action;
        match done {
            Ok(view) => {
                if let Some(view) = view {
                    self.acknowledged(task, view);
                }
                if let Some(user) = action.user() {
                    self.judge_sign_in(task, view.as_ref(), user);
                }
                if action == Action::SignOut {
                    self.judge_sign_out(task);
                }
            }
            Err(kind) => {
                note!(self, "  request {} fails: {kind}", task.number);
                self.judge_refusal(task, kind);
            }
        }
    }

    fn acknowledged(&mut self, task: &Task, view: &View) {
        let action = task.send.action;
        if action.user().is_some() || action == Action::Renew {
            let is_replaced = |key: &&Key| action.user().is_some() && key.id() == view.id;
            let replaced = task.keys.iter().find(is_replaced);
            self.ledger.start_again(&view.key, replaced, task.started, self.step, self.now);
        }
        self.ledger.learn(view, task.started, self.step, self.now);
        let (step, now) = (self.step, self.now);
        // A checkout at the same time can have removed the item.
        let is_disturbed = self.is_disturbed(task.number, task.started, view.id);
        let entry = self.ledger.entry(view.id, now);
        match action {
            Action::Add => {
                entry.items.extend((!is_disturbed).then_some(task.item));
                self.counts.add("writes");
            }
            Action::Checkout => entry.items.clear(),
            Action::Extend(_) => self.ledger.extend(view, is_disturbed, step, now),
            Action::SignIn(user) | Action::SignInForm(user) => {
                (entry.user, entry.authenticated) = (Some(user), view.authenticated);
                self.counts.add("sign-ins");
            }
            _ => {}
        }
    }

    /// A message stays until a page shows it. A prefetch and a `HEAD` show nothing.
    pub(super) fn judge_messages(
        &mut self,
        task: &Task,
        done: &Result<Option<View>, String>,
        shown: &[u32],
    ) {
        let Ok(Some(view)) = done else { return };
        let shows_nothing = matches!(task.send.source, Source::Prefetch | Source::OwnFetch);
        let is_shared = self.tasks.iter().any(|other| {
            other.send.action == Action::Show && other.keys.iter().any(|key| key.id() == view.id)
        });
        let is_disturbed = is_shared || self.is_disturbed(task.number, task.started, view.id);
        let (step, now) = (self.step, self.now);
        let entry = self.ledger.entry(view.id, now);
        let is_first = !is_disturbed && entry.shown < task.started && !entry.is_uncertain;
        match task.send.action {
            Action::Notify if is_first => {
                // A session keeps a limited number of messages.
                if entry.news.len() > 16 {
                    entry.news.clear();
                }
                entry.news.push(task.item);
            }
            Action::Show if shows_nothing && shown.is_empty() => {}
            Action::Show if shows_nothing => self.violate("a message is taken and not shown", ""),
            Action::Show => {
                let missing = task.news.get(&view.id).and_then(|news| {
                    news.iter().find(|item| entry.news.contains(*item) && !shown.contains(*item))
                });
                let missing = missing.copied().filter(|_| is_first);
                entry.news.clear();
                entry.shown = step;
                if !shown.is_empty() {
                    self.counts.add("messages shown");
                }
                if let Some(item) = missing {
                    self.violate("a message is never shown", format!("message {item}"));
                }
            }
            _ => {}
        }
    }

    fn judge_sign_in(&mut self, task: &mut Task, view: Option<&View>, user: usize) {
        let Some(view) = view else {
            return self.violate("a sign-in leads to no session", USERS[user]);
        };
        if view.user != Some(user) {
            return self.violate("the wrong user is signed in", "after a sign-in");
        }
        task.signed_in = Some(view.id);
        let Some(expected) = &task.convergence else { return };
        let is_live = self.ledger.get(expected.id).is_some_and(|entry| entry.must_live(self.now));
        let is_late = self.now > task.sent + SLOW;
        if is_live && !is_late && !self.is_disturbed(task.number, task.started, expected.id) {
            self.counts.add("repeated sign-ins judged");
            let name = self.ledger.name(expected.id);
            if view.id != expected.id {
                self.violate("a repeated sign-in loses the session", name);
            } else if expected.key.as_ref().is_some_and(|key| *key != view.key) {
                self.violate("a repeated sign-in gets another key", name);
            }
        }
    }

    /// A sign-out ends every session whose valid key the request presented.
    fn judge_sign_out(&mut self, task: &Task) {
        let left = task.valid.iter().find(|key| {
            self.ledger.must_open(key, self.now)
                && !self.is_disturbed(task.number, task.started, key.id())
        });
        if let Some(key) = left {
            let name = self.ledger.name_key(key);
            self.violate("a sign-out leaves a session whose key it was given", name);
        }
    }

    /// An operator's revocation ends what it is about.
    pub(super) fn judge_revocation(&mut self, what: Revocation, started: u64) {
        let of_user = what.user.into_iter().flat_map(|user| self.ledger.of_user(user));
        let left = what.id.into_iter().chain(of_user).find(|id| {
            let is_meant = |entry: &Entry| what.at.is_none() || entry.authenticated != what.at;
            let entry = self.ledger.get(*id);
            entry.is_some_and(|entry| entry.must_live(self.now) && is_meant(entry))
                && !self.is_disturbed(self.next_task, started, *id)
        });
        if let Some(id) = left {
            let name = self.ledger.name(id);
            self.violate("a revocation leaves a session", name);
        }
    }

    fn judge_refusal(&mut self, task: &Task, kind: &str) {
        if task.send.source.is_cross_site() {
            return;
        }
        let action = task.send.action;
        let is_disturbed =
            task.keys.iter().any(|key| self.is_disturbed(task.number, task.started, key.id()));
        let is_valid = task.valid.iter().any(|key| self.ledger.must_open(key, self.now));
        let took = self.now - task.sent;
        match action {
            Action::SignIn(user) => self.judge_refused_sign_in(task, user, kind),
            Action::SignInPage if !is_disturbed && took < SLOW => {
                self.violate(format!("a sign-in page fails: {kind}"), self.names(&task.keys));
            }
            Action::SignInForm(user) if kind != "Forged" && kind != "Superseded" => {
                self.judge_refused_sign_in(task, user, kind);
            }
            Action::SignInForm(_) if task.is_form_of_page && !is_disturbed && took < SLOW => {
                self.violate(format!("a sign-in form fails: {kind}"), self.names(&task.keys));
            }
            Action::Add
                if is_valid && !is_disturbed && (kind != "Conflict" || took < CONFLICT_AFTER) =>
            {
                self.violate(format!("a write fails: {kind}"), self.names(&task.keys));
            }
            _ => {}
        }
    }

    /// True if a sign-in of this user that began at `at` can be refused.
    pub(super) fn was_revoked(&self, user: usize, at: u64) -> bool {
        self.revoked.get(&user).is_some_and(|revoked| at < revoked + REVOKED_FOR)
    }

    fn judge_refused_sign_in(&mut self, task: &Task, user: usize, kind: &str) {
        let is_slow = self.now - task.sent > CONFLICT_AFTER;
        match kind {
            "LoginRevoked" if self.was_revoked(user, task.sent) => {}
            "Conflict" if is_slow => {}
            _ => self.violate(format!("a sign-in fails: {kind}"), USERS[user]),
        }
    }

    /// An answer may take the cookie of a live session from the browser only if the user signed out
    /// or in, or if it is older than that cookie.
    pub(super) fn judge_delivery(&mut self, answer: &Answer, before: &[Key]) {
        let after = self.valid_keys(answer.browser);
        let is_new = |key: &&Key| before.iter().all(|known| known.id() != key.id());
        let user_of = |key: &Key| self.ledger.get(key.id()).and_then(|entry| entry.user);
        if answer.is_forged && after.iter().filter(is_new).any(|key| user_of(key).is_some()) {
            self.violate("another site signs the browser in", format!("{:?}", answer.action));
        }
        let is_under_way = |id| {
            self.drastic.iter().any(|drastic| drastic.to.is_none() && drastic.ids.contains(&id))
        };
        let is_lost = |id: &PublicId| after.iter().all(|key| key.id() != *id);
        let lost = before.iter().map(Key::id).find(|id| is_lost(id) && !is_under_way(*id));
        let Some(id) = lost else { return };
        let name = self.ledger.name(id);
        let is_own = !answer.is_forged;
        match (answer.action, cookie_of(&answer.headers)) {
            (Action::SignOut | Action::End, _) if is_own => {}
            (Action::SignIn(_) | Action::SignInForm(_) | Action::Renew, CookieSeen::Set { .. })
                if is_own && answer.is_done => {}
            (action, CookieSeen::Set { key, .. }) => {
                let since = self.browsers[answer.browser].holds.get(&id).copied();
                let is_late = since.is_none_or(|since| answer.started < since);
                let is_of_same = key.id() == id;
                let was_stale = is_own && !answer.was_valid && self.is_slow(answer);
                let was_presented = answer.valid.contains(&id) && !is_of_same;
                if was_presented && is_own {
                    let name_of_key = self.ledger.name_key(&key);
                    self.violate(
                        "a request with two sessions loses one of them",
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
                "an answer removes the cookie of a live session",
                format!("{action:?}: {name}"),
            ),
        }
        debug_assert!(keys_of(&self.browsers[answer.browser].client).len() < 3, "two scopes");
    }

    fn is_slow(&self, answer: &Answer) -> bool {
        self.now > answer.sent + SLOW
    }

    /// True if another operation that ends sessions or replaces keys ran at the same time.
    pub(super) fn is_disturbed(&self, task: u64, started: u64, id: PublicId) -> bool {
        let user = self.ledger.get(id).and_then(|entry| entry.user);
        self.drastic.iter().any(|drastic| {
            drastic.task != task
                && drastic.to.is_none_or(|to| to >= started)
                && (drastic.ids.contains(&id) || (user.is_some() && drastic.user == user))
        })
    }
}
