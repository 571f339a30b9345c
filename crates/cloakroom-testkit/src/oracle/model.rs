//! Sessions as anybody would explain them.

use std::time::Duration;

use cloakroom::{ErrorKind, Lifetime, Timestamp, protocol};

use super::steps::Deed;

pub(super) struct Model {
    now: Timestamp,
    idle: Option<Duration>,
    whole: Duration,
    sessions: Vec<Kept>,
}

/// One session.
pub(super) struct Kept {
    pub(super) value: u64,
    pub(super) principal: Option<bool>,
    /// When each of its keys was replaced, oldest first; never, for the last.
    pub(super) keys: Vec<Option<Timestamp>>,
    idle: Option<Duration>,
    whole: Duration,
    idle_deadline: Timestamp,
    absolute_deadline: Timestamp,
    is_ended: bool,
}

/// What a request holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Handle {
    Live(usize),
    Vacant,
    Superseded,
}

impl Model {
    pub(super) fn new(lifetime: &Lifetime, now: Timestamp) -> Self {
        Self {
            now,
            idle: lifetime.idle_timeout(),
            whole: lifetime.absolute_timeout(),
            sessions: Vec::new(),
        }
    }

    pub(super) fn advance(&mut self, span: Duration) {
        self.now = self.now.after(span);
    }

    /// A session, counted back from the youngest; none if there never was one.
    pub(super) fn pick(&self, back: usize) -> Option<usize> {
        let count = self.sessions.len();
        (count > 0).then(|| count - 1 - back % count)
    }

    pub(super) fn kept(&self, session: usize) -> &Kept {
        &self.sessions[session]
    }

    pub(super) fn expires_in(&self, session: usize) -> Duration {
        self.sessions[session].expires_at().since(self.now)
    }

    pub(super) fn begin(&mut self, value: u64, principal: Option<bool>) -> Handle {
        let mut kept = Kept {
            value,
            principal,
            keys: vec![None],
            idle: self.idle,
            whole: self.whole,
            idle_deadline: Timestamp::EPOCH,
            absolute_deadline: self.now.after(self.whole),
            is_ended: false,
        };
        kept.is_used(self.now);
        self.sessions.push(kept);
        Handle::Live(self.sessions.len() - 1)
    }

    pub(super) fn end(&mut self, session: usize) {
        self.sessions[session].is_ended = true;
    }

    pub(super) fn end_all(&mut self, who: bool) {
        for kept in &mut self.sessions {
            kept.is_ended |= kept.principal == Some(who);
        }
    }

    /// What the `nth` key of a session opens now.
    pub(super) fn open(&mut self, session: usize, nth: usize) -> Handle {
        let now = self.now;
        let kept = &mut self.sessions[session];
        if kept.is_ended || kept.expires_at() <= now {
            return Handle::Vacant;
        }
        let forgotten = kept.keys.len() - 1 - nth > cloakroom::record::MAX_RETIRED;
        match kept.keys[nth] {
            Some(replaced) if now.since(replaced) < protocol::SUPERSEDED_FOR && !forgotten => {
                Handle::Superseded
            }
            Some(_) => Handle::Vacant,
            None => {
                kept.is_looked_at(now);
                Handle::Live(session)
            }
        }
    }

    /// What becomes of a request's session when it does this.
    pub(super) fn act(&mut self, handle: Handle, deed: Deed) -> (Result<(), ErrorKind>, Handle) {
        match (handle, deed) {
            (_, Deed::Look) | (Handle::Vacant, Deed::Add(0) | Deed::Logout | Deed::End) => {
                (Ok(()), handle)
            }
            (Handle::Live(session), deed) => (Ok(()), self.change(session, deed)),
            // Whoever signs in ends signed in.
            (_, Deed::Login(who)) => (Ok(()), self.begin(0, Some(who))),
            (Handle::Superseded, _) => (Err(ErrorKind::Superseded), handle),
            (Handle::Vacant, Deed::Add(value) | Deed::Set(value)) => {
                (Ok(()), self.begin(value, None))
            }
            (Handle::Vacant, Deed::Extend(_) | Deed::Elevate) => (Err(ErrorKind::NotFound), handle),
        }
    }

    fn change(&mut self, session: usize, deed: Deed) -> Handle {
        let now = self.now;
        let kept = &mut self.sessions[session];
        match deed {
            Deed::Look => {}
            Deed::Add(more) => kept.set(kept.value + more, now),
            Deed::Set(value) => kept.set(value, now),
            Deed::Extend(span) => {
                kept.idle = None;
                kept.whole = span;
                kept.idle_deadline = Timestamp::NEVER;
                kept.absolute_deadline = now.after(span);
            }
            Deed::Login(who) if kept.principal.is_none_or(|principal| principal == who) => {
                kept.principal = Some(who);
                kept.absolute_deadline = now.after(kept.whole);
                kept.change_key(now);
            }
            Deed::Login(who) => {
                kept.is_ended = true;
                return self.begin(0, Some(who));
            }
            Deed::Elevate => kept.change_key(now),
            Deed::Logout | Deed::End => {
                kept.is_ended = true;
                return Handle::Vacant;
            }
        }
        Handle::Live(session)
    }
}

impl Kept {
    fn expires_at(&self) -> Timestamp {
        self.idle_deadline.min(self.absolute_deadline)
    }

    /// A value that stays as it is is not written, and so is no use.
    fn set(&mut self, value: u64, now: Timestamp) {
        if value != self.value {
            self.value = value;
            self.is_used(now);
        }
    }

    fn change_key(&mut self, now: Timestamp) {
        if let Some(current) = self.keys.last_mut() {
            *current = Some(now);
        }
        self.keys.push(None);
        self.is_used(now);
    }

    fn is_used(&mut self, now: Timestamp) {
        self.idle_deadline = self.idle.map_or(Timestamp::NEVER, |idle| now.after(idle));
    }

    /// Reading counts as a use once in a tenth of the idle timeout.
    fn is_looked_at(&mut self, now: Timestamp) {
        let Some(idle) = self.idle else { return };
        if now.after(idle).since(self.idle_deadline) >= idle / protocol::TOUCH_FRACTION {
            self.is_used(now);
        }
    }
}
