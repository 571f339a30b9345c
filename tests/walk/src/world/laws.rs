//! What a request must get.

use cloakroom::{Key, PublicId};

use super::{Revocation, Task, World, note};
use crate::command::{Action, Source, USERS};
use crate::handler::View;
use crate::ledger::Entry;

/// A write can be given up after others have won for ten seconds, by a clock that may jump by nine.
const CONFLICT_AFTER: u64 = 1_000;
/// How long after a revocation the sign-ins of that user can be refused, since clocks differ.
const REVOKED_FOR: u64 = 120_000;
/// A key that was valid when its request was sent can be retired once that is a minute old.
pub(super) const SLOW: u64 = 18_000;

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
        task.was_valid =
            !is_slow && task.keys.iter().any(|key| self.ledger.must_open(key, self.now));
        match &opened {
            Ok(view) => {
                self.counts.add("sessions opened");
                note!(self, "  request {} opens {}", task.number, self.ledger.name(view.id));
                self.judge_view(task, view);
                if is_slow {
                    self.ledger.used_late(view.id, self.now);
                }
                self.ledger.learn(view, task.send.touches, task.started, self.step, self.now);
                if task.send.action == Action::SignOutOthers {
                    let drastic = self.drastic.iter_mut();
                    for drastic in drastic.filter(|drastic| drastic.task == task.number) {
                        drastic.user = view.user;
                    }
                }
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
                self.violate(
                    "a sign-in has no effect".to_owned() + self.policy.scopes.suffix(),
                    format!("{found} opens instead of {name}"),
                );
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
        if entry.must_have_expired(task.send.touches, task.sent) {
            return self.violate("an expired session is opened", name);
        }
        if entry.is_uncertain || self.is_disturbed(task.number, task.started, view.id) {
            return;
        }
        let mut own = task.keys.iter().filter(|key| key.id() == view.id).peekable();
        if own.peek().is_some() && own.all(|key| self.ledger.is_replaced(key, task.started)) {
            return self.violate("a key that a sign-in has replaced opens its session", name);
        }
        let is_used = self
            .tasks
            .iter()
            .any(|other| other.send.touches && other.keys.iter().any(|key| key.id() == view.id));
        if !task.send.touches && !is_used {
            self.counts.add("reads without touch judged");
            if entry.is_extended(view.expires_in, self.now) {
                return self.violate("a read without touch extends its session", name);
            }
        }
        let foreign = |item: &&u32| self.homes.get(item).is_some_and(|home| *home != view.id);
        if let Some(item) = view.items.iter().find(foreign) {
            let detail = format!("item {item} in {name}");
            return self.violate("a session has another one's data", detail);
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
                if task.send.source.is_cross_site()
                    && matches!(action, Action::SignIn(_) | Action::SignInForm(_))
                {
                    self.violate("another site signs someone in", format!("{action:?}"));
                }
                if let Some(view) = view {
                    self.acknowledged(task, view);
                }
                if let Some(user) = action.user() {
                    self.judge_sign_in(task, view.as_ref(), user);
                }
                if action == Action::SignOut {
                    self.judge_sign_out(task);
                }
                if action == Action::SignOutOthers {
                    self.judge_sign_out_of_others(task);
                }
            }
            Err(kind) => {
                note!(self, "  request {} fails: {kind}", task.number);
                self.judge_refusal(task, kind);
            }
        }
    }

    fn acknowledged(&mut self, task: &mut Task, view: &View) {
        let action = task.send.action;
        if action.user().is_some() || action == Action::Renew {
            let is_replaced = |key: &&Key| action.user().is_some() && key.id() == view.id;
            let replaced = task.keys.iter().find(is_replaced);
            let arrived = (task.started, task.sent);
            self.ledger.start_again(&view.key, replaced, arrived, self.step, self.now);
        }
        self.ledger.learn(view, true, task.started, self.step, self.now);
        task.bearer = view.is_bearer().then(|| view.key.clone());
        let (step, now) = (self.step, self.now);
        // A checkout at the same time can have removed the item.
        let is_disturbed = self.is_disturbed(task.number, task.started, view.id);
        let entry = self.ledger.entry(view.id, now);
        if matches!(action, Action::Add | Action::Land | Action::SignInWith(_)) {
            entry.items.extend((!is_disturbed).then_some(task.item));
            self.homes.insert(task.item, view.id);
            self.counts.add("writes");
            if !view.items.contains(&task.item) {
                self.violate("a write is acknowledged and not made", format!("{action:?}"));
            }
        }
        let entry = self.ledger.entry(view.id, now);
        match action {
            Action::Checkout => entry.items.clear(),
            Action::Extend(_) => self.ledger.extend(view, is_disturbed, step, now),
            Action::SignIn(user)
            | Action::SignInForm(user)
            | Action::SignInWith(user)
            | Action::SignInVerified(user)
            | Action::SignInBearer(user) => {
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
        if matches!(task.send.action, Action::SignInBearer(_)) && !view.is_bearer() {
            self.violate("a sign-in of a program gives no bearer key", USERS[user]);
        }
        self.judge_limit(task, view.id, user);
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
        if self.now > task.sent + SLOW {
            return;
        }
        let left = task.valid.iter().find(|key| {
            self.ledger.must_open(key, self.now)
                && !self.is_disturbed(task.number, task.started, key.id())
        });
        if let Some(key) = left {
            let name = self.ledger.name_key(key);
            self.violate("a sign-out leaves a session whose key it was given", name);
        }
    }

    /// Signing out elsewhere ends the user's other sessions.
    fn judge_sign_out_of_others(&mut self, task: &Task) {
        let Some(Ok(view)) = &task.opened else { return };
        let Some(user) = view.user else { return };
        self.counts.add("sign-outs elsewhere judged");
        let left = self.ledger.of_user(user).find(|id| {
            *id != view.id
                && self.ledger.get(*id).is_some_and(|entry| entry.must_live(self.now))
                && !self.is_disturbed(task.number, task.started, *id)
        });
        if let Some(id) = left {
            self.violate("signing out elsewhere leaves a session", self.ledger.name(id));
        }
    }

    /// Once a sign-in is answered, the user has no more sessions than the limit.
    fn judge_limit(&mut self, task: &Task, id: PublicId, user: usize) {
        let Some(limit) = self.policy.limit else { return };
        if self.is_disturbed(task.number, task.started, id) {
            return;
        }
        let is_counted = |id: &PublicId| {
            self.ledger.get(*id).is_some_and(|entry| {
                entry.must_live(self.now)
                    && (limit.across_kinds || entry.kind == Some(task.send.kind))
                    && !self.is_disturbed(task.number, task.started, *id)
            })
        };
        let count = self.ledger.of_user(user).filter(is_counted).count();
        self.counts.add("limits judged");
        if count > usize::from(limit.max) {
            self.violate("a user has more sessions than the limit", format!("{count}"));
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
            return self.judge_cross_site_refusal(task, kind);
        }
        let action = task.send.action;
        let is_disturbed =
            task.keys.iter().any(|key| self.is_disturbed(task.number, task.started, key.id()));
        let is_valid = task.valid.iter().any(|key| self.ledger.must_open(key, self.now));
        let took = self.now - task.sent;
        match action {
            Action::SignIn(user) | Action::SignInWith(user) | Action::SignInBearer(user) => {
                self.judge_refused_sign_in(task, user, kind);
            }
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

    pub(super) fn judge_refused_sign_in(&mut self, task: &Task, user: usize, kind: &str) {
        let is_slow = self.now - task.sent > CONFLICT_AFTER;
        match kind {
            "TooManySessions" if self.policy.limit.is_some_and(|limit| limit.rejects_new) => {
                if !self.is_full(task, user) {
                    self.violate("a sign-in is refused below the limit", USERS[user]);
                }
            }
            "LoginRevoked" if self.was_revoked(user, task.sent) => {}
            "Conflict" if is_slow => {}
            _ => self.violate(format!("a sign-in fails: {kind}"), USERS[user]),
        }
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
