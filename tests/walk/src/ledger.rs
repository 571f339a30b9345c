//! What the walk knows of each session from its answers: enough to say what must hold.
//!
//! It reads no record. What it cannot know, because a client has left or two operations raced, is
//! not judged.

use std::collections::HashMap;
use std::time::Duration;

use cloakroom::{Key, PublicId, Timestamp};

use crate::handler::View;

/// A key that a renewal has replaced is judged only this long after its successor's first use, in
/// milliseconds: a minute, less what the clocks of two nodes can differ by.
const SURELY_VALID: u64 = 18_000;
/// A session is judged until this long before it expires.
const MARGIN: u64 = 60_000;
/// The idle timeout.
const IDLE: u64 = 30 * MARGIN;

/// The sessions of a walk.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: HashMap<PublicId, Entry>,
}

/// One session.
#[derive(Debug)]
pub(crate) struct Entry {
    number: usize,
    pub(crate) user: Option<usize>,
    pub(crate) kind: Option<usize>,
    /// The last sign-in, by the clock of its node.
    pub(crate) authenticated: Option<Timestamp>,
    /// From the oldest to the newest.
    keys: Vec<KnownKey>,
    live_until: u64,
    /// The same, at most: later if two operations raced that set it.
    live_at_most: u64,
    /// When a request with one of its keys was last under way, and the last one before that.
    used: u64,
    previous_use: u64,
    /// The step of the last `extend`.
    pub(crate) extended: u64,
    /// What has been acknowledged.
    pub(crate) items: Vec<u32>,
    /// Messages that have been acknowledged and not been shown.
    pub(crate) news: Vec<u32>,
    /// The step in which messages were last shown.
    pub(crate) shown: u64,
    /// The step in which it ended.
    pub(crate) ended: Option<u64>,
    /// A client has left during an operation that ends a session or replaces its key.
    pub(crate) is_uncertain: bool,
}

#[derive(Debug)]
struct KnownKey {
    key: Key,
    number: usize,
    /// By a sign-in or `renew`, so that older keys are invalid; or nothing is known of those.
    is_fresh_start: bool,
    /// By a sign-in or `renew` that was answered.
    is_acknowledged: bool,
    /// The key with which the user signed in.
    replaces: Option<Key>,
    minted_step: u64,
    minted: u64,
    presented: Option<u64>,
}

/// What a sign-in with a key that an earlier sign-in has replaced must lead to.
#[derive(Clone, Debug)]
pub(crate) struct Convergence {
    pub(crate) id: PublicId,
    /// The key of the earlier sign-in, if that was a moment ago.
    pub(crate) key: Option<Key>,
}

impl Ledger {
    pub(crate) fn get(&self, id: PublicId) -> Option<&Entry> {
        self.entries.get(&id)
    }

    pub(crate) fn entry(&mut self, id: PublicId, now: u64) -> &mut Entry {
        let number = self.entries.len() + 1;
        self.entries.entry(id).or_insert_with(|| Entry {
            number,
            user: None,
            kind: None,
            authenticated: None,
            used: now,
            previous_use: now,
            keys: Vec::new(),
            live_until: now + IDLE,
            live_at_most: now + IDLE,
            extended: 0,
            items: Vec::new(),
            news: Vec::new(),
            shown: 0,
            ended: None,
            is_uncertain: false,
        })
    }

    pub(crate) fn of_user(&self, user: usize) -> impl Iterator<Item = PublicId> {
        self.entries.iter().filter(move |(_, entry)| entry.user == Some(user)).map(|(id, _)| *id)
    }

    /// How many sessions of this user can have been live since this step.
    ///
    /// Those of one kind, or of all.
    pub(crate) fn count_of(&self, user: usize, kind: Option<usize>, since: u64, now: u64) -> usize {
        let is_counted = |entry: &&Entry| {
            entry.user == Some(user)
                && kind.is_none_or(|kind| entry.kind.is_none_or(|known| known == kind))
                && entry.ended.is_none_or(|step| step >= since)
                && !entry.must_have_expired(false, now)
        };
        self.entries.values().filter(is_counted).count()
    }

    /// True if the key must open its session now.
    pub(crate) fn must_open(&self, key: &Key, now: u64) -> bool {
        self.entries.get(&key.id()).is_some_and(|entry| {
            entry.must_live(now)
                && entry.at(key).is_some_and(|at| {
                    entry.keys[at + 1..].iter().all(|newer| {
                        !newer.is_fresh_start
                            && newer.presented.is_none_or(|first| now < first + SURELY_VALID)
                    })
                })
        })
    }

    /// True unless a sign-in has replaced the key. Keys that the walk has not seen count.
    pub(crate) fn is_holder(&self, key: &Key) -> bool {
        self.entries.get(&key.id()).is_none_or(|entry| {
            entry.is_uncertain
                || entry
                    .at(key)
                    .is_none_or(|at| entry.keys[at + 1..].iter().all(|newer| !newer.is_fresh_start))
        })
    }

    /// True if a sign-in or `renew` that was answered before this step has replaced the key.
    pub(crate) fn is_replaced(&self, key: &Key, started: u64) -> bool {
        let is_earlier = |newer: &KnownKey| newer.is_acknowledged && newer.minted_step < started;
        self.entries.get(&key.id()).is_some_and(|entry| {
            !entry.is_uncertain
                && entry.at(key).is_some_and(|at| entry.keys[at + 1..].iter().any(is_earlier))
        })
    }

    /// True if a renewal has replaced the key more than this many minutes ago.
    pub(crate) fn is_long_retired(&self, key: &Key, minutes: u64, now: u64) -> bool {
        let long_ago =
            |newer: &KnownKey| newer.presented.is_some_and(|first| now > first + minutes * MARGIN);
        self.entries.get(&key.id()).is_some_and(|entry| {
            entry.at(key).is_some_and(|at| entry.keys[at + 1..].iter().any(long_ago))
        })
    }

    /// What a sign-in of `user` with this key must lead to, if an earlier sign-in of the same user
    /// has replaced the key.
    pub(crate) fn convergence(&self, key: &Key, user: usize, now: u64) -> Option<Convergence> {
        let entry = self.entries.get(&key.id())?;
        let newer = &entry.keys[entry.at(key)? + 1..];
        let [first, rest @ ..] = newer else { return None };
        let is_known = newer.len() <= 5 && first.is_acknowledged;
        if !is_known || !entry.must_live(now) || entry.user != Some(user) {
            return None;
        }
        let is_same_step = first.replaces.as_ref() == Some(key);
        let is_recent = rest.is_empty() && is_same_step && now < first.minted + SURELY_VALID;
        Some(Convergence { id: key.id(), key: is_recent.then(|| first.key.clone()) })
    }

    pub(crate) fn present(&mut self, key: &Key, touches: bool, now: u64) {
        if let Some(entry) = self.entries.get_mut(&key.id()) {
            if touches {
                entry.use_at(now);
            }
            if let Some(at) = entry.at(key) {
                entry.keys[at].presented.get_or_insert(now);
            }
        }
    }

    /// A request opens the session long after it was sent. Its use can have reached the store when
    /// the session had expired: no store has a clock, and the timeout of its calls bounds this.
    pub(crate) fn used_late(&mut self, id: PublicId, now: u64) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.is_uncertain |= now >= entry.live_until;
        }
    }

    /// Takes over what a handler saw. `since` is the step in which its request arrived.
    pub(crate) fn learn(&mut self, view: &View, touches: bool, since: u64, step: u64, now: u64) {
        let entry = self.entry(view.id, now);
        if touches {
            entry.use_at(now);
        }
        let until = now.saturating_add(millis(view.expires_in));
        // A request that was slow knows an earlier end, or has made it the end again.
        entry.live_until =
            if since >= entry.extended { until } else { entry.live_until.min(until) };
        entry.live_at_most = entry.live_at_most.max(until);
        entry.add(&view.key, false, since, step, now);
    }

    /// The session was made to end at another time. Of two such requests at the same time, either
    /// can have been the last.
    pub(crate) fn extend(&mut self, view: &View, is_disturbed: bool, step: u64, now: u64) {
        let entry = self.entry(view.id, now);
        let until = now.saturating_add(millis(view.expires_in));
        let (least, most) = (entry.live_until.min(until), entry.live_at_most.max(until));
        (entry.live_until, entry.live_at_most) =
            if is_disturbed { (least, most) } else { (until, until) };
        entry.extended = step;
    }

    /// A key that a sign-in or `renew` has minted, whose request arrived in step `since` at `sent`.
    ///
    /// If another key was minted meanwhile, which of them is valid is not known.
    pub(crate) fn start_again(
        &mut self,
        key: &Key,
        replaced: Option<&Key>,
        (since, sent): (u64, u64),
        step: u64,
        now: u64,
    ) {
        let entry = self.entry(key.id(), now);
        entry.is_uncertain |= entry.at(key).is_none()
            && entry.keys.iter().any(|known| known.is_fresh_start && known.minted_step >= since);
        entry.add(key, true, step, step, now);
        if let Some(known) = entry.keys.iter_mut().find(|known| known.key == *key) {
            known.minted = known.minted.min(sent);
            known.replaces = known.replaces.take().or_else(|| replaced.cloned());
        }
    }

    /// A key that a response sends.
    pub(crate) fn sent(&mut self, key: &Key, since: u64, step: u64, now: u64) {
        self.entry(key.id(), now).add(key, false, since, step, now);
    }

    /// A request opened the session with this key: no uncertain sign-in has replaced it. Of older
    /// keys, nothing is known.
    pub(crate) fn confirm(&mut self, key: &Key) {
        let Some(entry) = self.entries.get_mut(&key.id()) else { return };
        if let (true, Some(at)) = (entry.is_uncertain, entry.at(key)) {
            let newer = entry.keys.split_off(at + 1);
            let mut known = entry.keys.remove(at);
            known.is_fresh_start = true;
            let (replaced, renewed): (Vec<_>, Vec<_>) =
                newer.into_iter().partition(|newer| newer.is_fresh_start);
            entry.keys.extend(replaced);
            entry.keys.push(known);
            entry.keys.extend(renewed);
            entry.is_uncertain = false;
        }
    }

    pub(crate) fn name(&self, id: PublicId) -> String {
        self.entries.get(&id).map_or_else(|| "S?".into(), |entry| format!("S{}", entry.number))
    }

    pub(crate) fn name_key(&self, key: &Key) -> String {
        let known = self.entries.get(&key.id()).and_then(|entry| {
            entry
                .keys
                .get(entry.at(key)?)
                .map(|known| format!("S{}.k{}", entry.number, known.number))
        });
        known.unwrap_or_else(|| format!("{}.k?", self.name(key.id())))
    }
}

impl Entry {
    /// Whether it must be found and listed at `now`.
    pub(crate) fn must_live(&self, now: u64) -> bool {
        self.ended.is_none() && !self.is_uncertain && now + MARGIN < self.live_until
    }

    fn use_at(&mut self, now: u64) {
        if now > self.used {
            (self.previous_use, self.used) = (self.used, now);
        }
    }

    /// True if the session was not used for so long that no request may open it.
    ///
    /// The last use is that of the request in question, if it counts as one.
    pub(crate) fn must_have_expired(&self, is_in_use: bool, now: u64) -> bool {
        let used_until = if is_in_use { self.previous_use } else { self.used } + IDLE;
        !self.is_uncertain && now > self.live_at_most.max(used_until) + MARGIN
    }

    /// True if the session, seen at `now`, ends later than any use of it explains.
    pub(crate) fn is_extended(&self, expires_in: Duration, now: u64) -> bool {
        now.saturating_add(millis(expires_in))
            > self.live_at_most.max(self.used + IDLE).saturating_add(MARGIN)
    }

    fn at(&self, key: &Key) -> Option<usize> {
        self.keys.iter().position(|known| known.key == *key)
    }

    fn add(&mut self, key: &Key, is_fresh_start: bool, since: u64, step: u64, now: u64) {
        if self.at(key).is_some() {
            return;
        }
        // A renewal that was decided before a sign-in replaced all keys.
        let overtaken =
            self.keys.iter().position(|known| known.is_fresh_start && known.minted_step > since);
        let at = overtaken.unwrap_or(self.keys.len());
        let number = self.keys.len();
        let known = KnownKey {
            key: key.clone(),
            number,
            is_fresh_start,
            is_acknowledged: is_fresh_start,
            replaces: None,
            minted_step: step,
            minted: now,
            presented: None,
        };
        self.keys.insert(at, known);
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
