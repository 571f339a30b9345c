//! What must hold of requests of other sites, of prefetches, and of keys that are not cookies.

use cloakroom::http::SameSite;
use cloakroom_testkit::{CookieSeen, cookie_of};
use http::HeaderMap;

use super::requests::{self, keys_of};
use super::{Answer, Task, World};
use crate::command::{Action, Source};
use crate::policy::Scopes;

impl World {
    /// No session begins in a request from whose browser a cookie may have been kept back.
    pub(super) fn judge_beginning(&mut self, task: &Task) {
        let is_withheld = match (task.send.source, self.policy.same_site) {
            (_, SameSite::None) => false,
            (Source::OtherForm | Source::OtherFrame | Source::OtherImage, _) => true,
            (Source::OtherLink, SameSite::Strict) => task.is_marked(),
            _ => false,
        };
        let is_asked_for = matches!(task.send.action, Action::SignInVerified(_) | Action::Land);
        if is_withheld && task.keys.is_empty() && !is_asked_for {
            self.violate("another site's request begins a session", format!("{:?}", task.send));
        }
        self.counts.add(match task.send.action {
            Action::Land => "sessions begun by a partner's form",
            _ if task.send.source == Source::OtherLink => "sessions begun by a link",
            _ => return,
        });
    }

    /// Of requests of other sites, only those are refused that can be forged.
    pub(super) fn judge_cross_site_refusal(&mut self, task: &Task, kind: &str) {
        let has_cookies = !task.keys.is_empty();
        match (task.send.source, task.send.action) {
            (_, Action::SignInVerified(user)) => self.judge_refused_sign_in(task, user, kind),
            (_, Action::Land) if !has_cookies => {
                self.violate(format!("a partner's form begins nothing: {kind}"), "");
            }
            (Source::OtherLink, Action::Add) if !has_cookies && !task.is_marked() => {
                self.violate(format!("a link begins nothing: {kind}"), "");
            }
            _ => self.counts.add("requests of other sites refused"),
        }
    }

    /// A key opens its session only as it travels, and only a session of its kind.
    pub(super) fn judge_carrier(&mut self, task: &Task) {
        let Some(Ok(view)) = &task.opened else { return };
        let name = self.ledger.name(view.id);
        if task.send.source == Source::BearerAsCookie {
            return self.violate("a bearer key opens a session as a cookie", name);
        }
        if view.is_bearer() {
            self.counts.add("sessions opened by a bearer key");
        }
        let known = self.ledger.get(view.id).and_then(|entry| entry.kind);
        if known.is_some_and(|kind| kind != task.send.kind) {
            self.violate("a key opens a session of another kind", name);
        }
    }

    /// A request that the user may never see the answer of, or whose client takes no cookie,
    /// renews no key.
    pub(super) fn judge_response(&mut self, task: &Task, response: &HeaderMap) {
        let key = match cookie_of(response) {
            CookieSeen::None => return,
            CookieSeen::Removed => {
                if !matches!(task.send.action, Action::SignOut | Action::End) {
                    self.counts.add("cookies removed in a former scope");
                }
                return;
            }
            CookieSeen::Set { key, .. } => key,
        };
        let Some(Ok(view)) = &task.opened else { return };
        if task.send.source == Source::Prefetch {
            self.violate("a prefetch renews a key", self.ledger.name_key(&key));
        }
        if view.is_bearer() && task.bearer.is_some() {
            self.violate("a bearer key is followed by a cookie", self.ledger.name_key(&key));
        }
    }

    /// Under Strict, a browser has the marker while it has a key, and not longer.
    pub(super) fn judge_marker(&mut self, answer: &Answer) {
        if self.policy.same_site != SameSite::Strict {
            return;
        }
        let client = &self.browsers[answer.browser].client;
        let has_key = !keys_of(client, answer.kind).is_empty();
        let has_marker = requests::has_marker(client, answer.kind);
        if has_key != has_marker {
            let what = if has_key { "a key without its marker" } else { "a marker without a key" };
            let scopes = self.policy.scopes;
            self.violate(what.to_owned() + scopes.suffix(), format!("after {:?}", answer.action));
        }
    }
}

impl Scopes {
    /// What the name of a violation ends with that two scopes explain.
    pub(super) const fn suffix(self) -> &'static str {
        match self {
            Self::One => "",
            Self::Mixed => " (nodes use two scopes)",
            Self::Changed { .. } => " (the scope has changed)",
        }
    }
}
