//! Who may end a session.

use cloakroom::record::EndReason;
use cloakroom::{Key, PublicId};

use super::{Task, World, note};
use crate::command::{Action, Source};
use crate::policy::Reaction;
use crate::server::Seen;

/// Whose operation was just polled.
#[derive(Clone, Copy)]
pub(super) enum Who<'a> {
    Task(&'a Task),
    Operator,
    /// A handler that was dropped.
    Cancelled,
}

impl World {
    pub(super) fn read_events(&mut self, who: Who<'_>) {
        for seen in self.servers.seen() {
            match seen {
                Seen::Created(id) => {
                    let entry = self.ledger.entry(id, self.now);
                    self.counts.add("sessions begun");
                    if let Who::Task(task) = who {
                        entry.kind = Some(task.send.kind);
                    }
                    note!(self, "  {} begins", self.ledger.name(id));
                    if let Who::Task(task) = who {
                        self.judge_beginning(task);
                    }
                }
                Seen::Ended(id, reason) => {
                    self.counts.add("sessions ended");
                    self.counts.add(match reason {
                        EndReason::SignedOut => "sessions ended: signed out",
                        EndReason::SignedOutElsewhere => "sessions ended: signed out elsewhere",
                        EndReason::SignedInAsAnother => "sessions ended: signed in as another",
                        EndReason::OverLimit => "sessions ended: session limit",
                        EndReason::KeyReused => "sessions ended: key reused",
                        EndReason::Revoked => "sessions ended: revoked",
                        _ => "sessions ended: by the application",
                    });
                    note!(self, "  {} is ended: {}", self.ledger.name(id), reason.as_str());
                    if self.is_refused_by_limit(reason, who) && self.ledger.get(id).is_some() {
                        let name = self.ledger.name(id);
                        self.violate("a sign-in that the limit refuses ends its session", name);
                    } else if let Err(why) = self.may_end(id, reason, who) {
                        let name = self.ledger.name(id);
                        self.violate(
                            format!(
                                "a session is ended as \"{}\" without a right",
                                reason.as_str()
                            ),
                            format!("{name}: {why}"),
                        );
                    }
                    let step = self.step;
                    self.ledger.entry(id, self.now).ended.get_or_insert(step);
                }
            }
        }
    }

    /// Sessions are ended by their holder, an operator, the limit or the reuse policy.
    fn may_end(&self, id: PublicId, reason: EndReason, who: Who<'_>) -> Result<(), &'static str> {
        let task = match who {
            Who::Task(task) => task,
            Who::Operator if reason == EndReason::Revoked => return Ok(()),
            Who::Operator => return Err("an operator did not ask for this"),
            Who::Cancelled => return Err("a handler that was dropped did this"),
        };
        let action = task.send.action;
        let is_holder = || {
            if task.send.source == Source::BearerAsCookie {
                return false;
            }
            let opened = task.opened.iter().flatten().map(|view| &view.key);
            let mut keys = task.keys.iter().chain(opened).filter(|key| key.id() == id);
            keys.any(|key| self.ledger.is_holder(key))
        };
        let is_true = match reason {
            EndReason::SignedOut => action == Action::SignOut && is_holder(),
            // A sign-in ends the other sessions whose keys the request presented.
            EndReason::Ended => (action == Action::End || action.user().is_some()) && is_holder(),
            EndReason::SignedInAsAnother => {
                let user = self.ledger.get(id).and_then(|entry| entry.user);
                let is_another = user.is_none() || user != action.user();
                action.user().is_some() && is_another && is_holder()
            }
            EndReason::OverLimit => {
                let entry = self.ledger.get(id);
                let user = entry.and_then(|entry| entry.user);
                let is_limited = self.policy.limit.is_some_and(|limit| {
                    let kind = entry.and_then(|entry| entry.kind);
                    let is_of_kind = kind.is_none_or(|kind| kind == task.send.kind);
                    !limit.rejects_new && (limit.across_kinds || is_of_kind)
                });
                // Of a sign-in that is under way or was cancelled, the user is not known.
                let is_theirs = user.is_none() || user == action.user();
                is_limited
                    && is_theirs
                    && action.user().is_some_and(|user| self.is_full(task, user))
            }
            EndReason::SignedOutElsewhere => {
                let opened = task.opened.iter().flatten().next();
                let user = self.ledger.get(id).and_then(|entry| entry.user);
                action == Action::SignOutOthers
                    && opened.is_some_and(|view| {
                        view.id != id
                            && view.user.is_some()
                            && (user.is_none() || user == view.user)
                            && !self.ledger.is_replaced(&view.key, task.started)
                    })
            }
            // A sign-in that a revocation or the limit refuses ends what it has begun.
            EndReason::Revoked => action.user().is_some_and(|user| {
                self.ledger.get(id).is_none() || self.was_revoked(user, task.sent)
            }),
            EndReason::KeyReused => {
                let is_valid = |key: &Key| {
                    self.ledger.must_open(key, self.now)
                        && !self.is_disturbed(task.number, task.started, key.id())
                };
                if task.keys.iter().any(is_valid) {
                    return Err("the request had a valid key, too");
                }
                let after = self.policy.reuse_after;
                let mut keys = task.keys.iter().filter(|key| key.id() == id);
                self.policy.reaction == Reaction::End
                    && keys.any(|key| self.ledger.is_long_retired(key, after, self.now))
            }
            _ => false,
        };
        if is_true { Ok(()) } else { Err("the request has no right to it") }
    }

    /// True if the end can only be that of a sign-in that the limit refuses after all.
    fn is_refused_by_limit(&self, reason: EndReason, who: Who<'_>) -> bool {
        let Who::Task(task) = who else { return false };
        let rejects_new = self.policy.limit.is_some_and(|limit| limit.rejects_new);
        let user = task.send.action.user();
        rejects_new
            && reason == EndReason::Revoked
            && user.is_some_and(|user| !self.was_revoked(user, task.sent))
    }

    /// True if this many sessions of the user can be live that one more is over the limit.
    pub(super) fn is_full(&self, task: &Task, user: usize) -> bool {
        let Some(limit) = self.policy.limit else { return false };
        let kind = (!limit.across_kinds).then_some(task.send.kind);
        // A sign-in whose client has left can have succeeded, and one under way has its place.
        let cancelled = self.cancelled.get(&user).copied().unwrap_or(0);
        let others = self.tasks.iter().filter(|other| other.send.action.user() == Some(user));
        let count = self.ledger.count_of(user, kind, task.started, task.sent);
        count + cancelled + others.count() >= usize::from(limit.max)
    }
}
