//! The naive model.

use std::time::Duration;

use cloakroom::{ErrorKind, Lifetime, Timestamp, protocol};

use super::steps::Action;

pub(super) struct Model {
    now: Timestamp,
    idle: Option<Duration>,
    absolute: Duration,
    sessions: Vec<ModelSession>,
}

/// One session.
pub(super) struct ModelSession {
    pub(super) value: u64,
    pub(super) principal: Option<bool>,
    /// When each of its keys was replaced, oldest first; `None` for the current one.
    pub(super) keys: Vec<Option<Timestamp>>,
    idle: Option<Duration>,
    absolute: Duration,
    idle_deadline: Timestamp,
    absolute_deadline: Timestamp,
    /// True if no use moves its end.
    is_explicit: bool,
    is_ended: bool,
}

/// The session of a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Handle {
    Live(usize),
    None,
    Superseded,
}

impl Model {
    pub(super) fn new(lifetime: &Lifetime, now: Timestamp) -> Self {
        Self {
            now,
            idle: lifetime.idle_timeout(),
            absolute: lifetime.absolute_timeout(),
            sessions: Vec::new(),
        }
    }

    pub(super) fn advance(&mut self, span: Duration) {
        self.now = self.now.after(span);
    }

    /// A session counted back from the newest; `None` if there never was one.
    pub(super) fn pick(&self, back: usize) -> Option<usize> {
        let count = self.sessions.len();
        (count > 0).then(|| count - 1 - back % count)
    }

    pub(super) fn session(&self, session: usize) -> &ModelSession {
        &self.sessions[session]
    }

    pub(super) fn expires_in(&self, session: usize) -> Duration {
        self.sessions[session].expires_at().since(self.now)
    }

    pub(super) fn begin(&mut self, value: u64, principal: Option<bool>) -> Handle {
        let mut found = ModelSession {
            value,
            principal,
            keys: vec![None],
            idle: self.idle,
            absolute: self.absolute,
            idle_deadline: Timestamp::EPOCH,
            absolute_deadline: self.now.after(self.absolute),
            is_explicit: false,
            is_ended: false,
        };
        found.touch(self.now);
        self.sessions.push(found);
        Handle::Live(self.sessions.len() - 1)
    }

    pub(super) fn end(&mut self, session: usize) {
        self.sessions[session].is_ended = true;
    }

    pub(super) fn end_all(&mut self, who: bool) {
        for found in &mut self.sessions {
            found.is_ended |= found.principal == Some(who);
        }
    }

    /// What the `nth` key of a session opens now, which counts as use.
    pub(super) fn open(&mut self, session: usize, nth: usize) -> Handle {
        let now = self.now;
        let found = &mut self.sessions[session];
        if found.is_ended || found.expires_at() <= now {
            return Handle::None;
        }
        let is_forgotten = found.keys.len() - 1 - nth > cloakroom::record::MAX_RETIRED;
        match found.keys[nth] {
            Some(replaced) if now.since(replaced) < protocol::SUPERSEDED_FOR && !is_forgotten => {
                Handle::Superseded
            }
            Some(_) => Handle::None,
            None => {
                found.read(now);
                Handle::Live(session)
            }
        }
    }

    /// The result of an action on a request's session, and the session afterwards.
    pub(super) fn act(
        &mut self,
        handle: Handle,
        action: Action,
    ) -> (Result<(), ErrorKind>, Handle) {
        match (handle, action) {
            (_, Action::Read) | (Handle::None, Action::Add(0) | Action::Logout | Action::End) => {
                (Ok(()), handle)
            }
            (Handle::Live(session), action) => (Ok(()), self.change(session, action)),
            // A login without a live session begins one.
            (_, Action::Login(who)) => (Ok(()), self.begin(0, Some(who))),
            (Handle::Superseded, _) => (Err(ErrorKind::Superseded), handle),
            (Handle::None, Action::Add(value) | Action::Set(value)) => {
                (Ok(()), self.begin(value, None))
            }
            (Handle::None, Action::Extend(_) | Action::Renew) => (Err(ErrorKind::NotFound), handle),
        }
    }

    fn change(&mut self, session: usize, action: Action) -> Handle {
        let now = self.now;
        let found = &mut self.sessions[session];
        match action {
            Action::Read => {}
            Action::Add(more) => found.set(found.value + more, now),
            Action::Set(value) => {
                if std::mem::take(&mut found.is_explicit) {
                    found.touch(now);
                }
                found.set(value, now);
            }
            Action::Extend(span) => {
                found.is_explicit = true;
                found.idle_deadline = now.after(span);
            }
            Action::Login(who) if found.principal.is_none_or(|principal| principal == who) => {
                found.principal = Some(who);
                found.absolute_deadline = now.after(found.absolute);
                found.replace_key(now);
            }
            Action::Login(who) => {
                found.is_ended = true;
                return self.begin(0, Some(who));
            }
            Action::Renew => found.replace_key(now),
            Action::Logout | Action::End => {
                found.is_ended = true;
                return Handle::None;
            }
        }
        Handle::Live(session)
    }
}

impl ModelSession {
    fn expires_at(&self) -> Timestamp {
        self.idle_deadline.min(self.absolute_deadline)
    }

    /// An unchanged value is not written, and so does not count as use.
    fn set(&mut self, value: u64, now: Timestamp) {
        if value != self.value {
            self.value = value;
            self.touch(now);
        }
    }

    fn replace_key(&mut self, now: Timestamp) {
        if let Some(current) = self.keys.last_mut() {
            *current = Some(now);
        }
        self.keys.push(None);
        self.touch(now);
    }

    fn touch(&mut self, now: Timestamp) {
        if self.is_explicit {
            return;
        }
        self.idle_deadline = self.idle.map_or(Timestamp::NEVER, |idle| now.after(idle));
    }

    /// Reading counts as use once per tenth of the idle timeout.
    fn read(&mut self, now: Timestamp) {
        let Some(idle) = self.idle else { return };
        if now.after(idle).since(self.idle_deadline) >= idle / protocol::TOUCH_FRACTION {
            self.touch(now);
        }
    }
}
