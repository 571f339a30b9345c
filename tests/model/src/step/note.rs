//! What the laws remember of each step.

use cloakroom::protocol::SUPERSEDED_FOR;
use cloakroom::record::Record;
use cloakroom::record::Retirement;

use super::Step;
use crate::laws::Law;
use crate::model_key::{Entry, ModelKey};
use crate::state::{KeyFate, Request, Task};

impl Step<'_> {
    /// The keys that a handler's write has made valid.
    pub(super) fn note_keys(&mut self, request: &Request, model_key: &ModelKey, kept: &Entry) {
        let Some(key) = self.key_after(request, model_key, kept) else {
            return;
        };
        match request.task {
            // A derived key that is sent again is not a new key.
            Task::Extend if key == *model_key => {}
            Task::Extend => self.note_renewed(model_key, &key),
            _ => self.note_replaced(&key, Retirement::SignIn),
        }
    }

    pub(super) fn note_renewed(&mut self, old: &ModelKey, next: &ModelKey) {
        self.note_handed(old, next);
        self.state.shadow.secrets.insert(next.clone(), KeyFate::Works);
    }

    pub(super) fn breaks(&mut self, law: Law) {
        self.state.shadow.broken.insert(law);
    }

    pub(super) fn check_works(&mut self, model_key: &ModelKey) {
        let works = self.state.shadow.secrets.get(model_key) == Some(&KeyFate::Works)
            && !self.state.shadow.dead.contains(&model_key.session());
        if !works {
            self.breaks(Law::OnlyWorkingKeysWrite);
        }
    }

    pub(super) fn check_untouched(&mut self, session: u8, before: Option<&Vec<u8>>) {
        if before.is_some() && self.value(session).as_ref() != before {
            self.breaks(Law::BookkeepingKeepsTheValue);
        }
    }

    pub(super) fn was_just_replaced(&self, model_key: &ModelKey) -> bool {
        !self.state.shadow.dead.contains(&model_key.session())
            && matches!(
                self.state.shadow.secrets.get(model_key),
                Some(&KeyFate::Replaced { at, .. })
                    if self.state.at - at < SUPERSEDED_FOR.as_secs()
            )
    }

    pub(super) fn note_handed(&mut self, old: &ModelKey, next: &ModelKey) {
        let known = self.state.shadow.sent.entry(old.clone()).or_insert_with(|| next.clone());
        if known != next {
            self.breaks(Law::OneSuccessor);
        }
    }

    /// From now on only `model_key` opens its session.
    pub(super) fn note_replaced(&mut self, model_key: &ModelKey, how: Retirement) {
        let at = self.state.at;
        for (other, fate) in &mut self.state.shadow.secrets {
            if other.session() == model_key.session() && *fate == KeyFate::Works {
                *fate = KeyFate::Replaced { at, how };
            }
        }
        self.state.shadow.secrets.insert(model_key.clone(), KeyFate::Works);
    }

    /// What any step can have changed: which sessions ended, and whose session it is.
    pub(crate) fn take_note(&mut self) {
        let now = self.now();
        for (&session, entry) in &self.state.store {
            let shadow = &mut self.state.shadow;
            if entry.live().is_none_or(|record| record.expires_at().has_passed(now)) {
                shadow.dead.insert(session);
            }
            if let Some(who) = entry.live().and_then(Record::principal) {
                let owner = shadow.owners.entry(session).or_insert_with(|| who.to_string());
                if owner != who.as_str() {
                    shadow.broken.insert(Law::OnePrincipal);
                }
            }
        }
    }
}
