//! Who may end a session.

use cloakroom::record::EndReason;
use cloakroom::{Key, PublicId};

use super::{Task, World, note};
use crate::command::Action;
use crate::server::{LIMIT, Seen};

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
                    self.ledger.entry(id, self.now);
                    self.counts.add("sessions begun");
                    note!(self, "  {} begins", self.ledger.name(id));
                }
                Seen::Ended(id, reason) => {
                    self.counts.add("sessions ended");
                    note!(self, "  {} is ended: {}", self.ledger.name(id), reason.as_str());
                    if let Err(why) = self.may_end(id, reason, who) {
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
            let opened = task.opened.iter().flatten().map(|view| &view.key);
            let mut keys = task.keys.iter().chain(opened).filter(|key| key.id() == id);
            keys.any(|key| self.ledger.is_holder(key))
        };
        let is_true = match reason {
            EndReason::SignedOut => action == Action::SignOut && is_holder(),
            EndReason::Ended => action == Action::End && is_holder(),
            EndReason::SignedInAsAnother => action.user().is_some() && is_holder(),
            EndReason::OverLimit => {
                let user = self.ledger.get(id).and_then(|entry| entry.user);
                let is_full = |user| {
                    // A sign-in whose client has left can have succeeded, and one under way has
                    // its place.
                    let cancelled = self.cancelled.get(&user).copied().unwrap_or(0);
                    let others =
                        self.tasks.iter().filter(|other| other.send.action.user() == Some(user));
                    let count = self.ledger.count_of(user, task.started);
                    count + cancelled + others.count() >= usize::from(LIMIT)
                };
                // Of a sign-in that is under way or was cancelled, the user is not known.
                let is_theirs = user.is_none() || user == action.user();
                is_theirs && action.user().is_some_and(is_full)
            }
            // A sign-in that a revocation refuses ends what it has begun.
            EndReason::Revoked => {
                action.user().is_some_and(|user| self.was_revoked(user, task.sent))
            }
            EndReason::KeyReused => {
                let is_valid = |key: &Key| {
                    self.ledger.must_open(key, self.now)
                        && !self.is_disturbed(task.number, task.started, key.id())
                };
                if task.keys.iter().any(is_valid) {
                    return Err("the request had a valid key, too");
                }
                let mut keys = task.keys.iter().filter(|key| key.id() == id);
                keys.any(|key| self.ledger.is_long_retired(key, self.now))
            }
            _ => false,
        };
        if is_true { Ok(()) } else { Err("the request has no right to it") }
    }
}
