//! From a presented key to a session, with the renewal step that is due.

use cloakroom::protocol::{KeyStatus, NoSession, RENEWAL_GRACE, Renewal};
use cloakroom::record::Retirement;
use cloakroom::record::{Record, Stored};
use cloakroom::store::Swap;

use super::Step;
use crate::events::Event;
use crate::laws::Law;
use crate::model_key::{Entry, ModelKey, nonce};
use crate::state::{Browser, Change, Chore, OpenResult, Opened, Phase, Request, Task};

impl Step<'_> {
    pub(super) fn open(
        &mut self,
        request: &Request,
        presented: Option<ModelKey>,
        sent: u64,
    ) -> Phase {
        let Some(model_key) = presented else {
            return self.arrive(request, Opened::closed(OpenResult::Absent));
        };
        let Some(entry) = self.state.store.get(&model_key.session()).cloned() else {
            return self.arrive(request, Opened::closed(OpenResult::Absent));
        };
        let standing = match entry.stored() {
            Stored::Live(record) => self.decisions.judge(record, model_key.verifier(), self.now()),
            Stored::Ended(tombstone) => {
                self.events.push(Event::EndedFound);
                self.decisions.judge_ended(tombstone, model_key.verifier())
            }
        };
        let prompt =
            self.state.at - sent < RENEWAL_GRACE.as_secs() && request.browser == Browser::Owner;
        if prompt && standing != KeyStatus::Valid {
            self.breaks(Law::PromptRequestsOpen);
        }
        let phase = self.enter(request, &entry, &model_key, standing);
        if request.task == Task::Update
            && phase == Phase::Beginning
            && self.was_just_replaced(&model_key)
        {
            self.breaks(Law::SupersededBeginsNothing);
        }
        phase
    }

    /// Continues from the status of the presented key.
    fn enter(
        &mut self,
        request: &Request,
        entry: &Entry,
        model_key: &ModelKey,
        standing: KeyStatus,
    ) -> Phase {
        let result = match standing {
            KeyStatus::Reused => {
                self.events.push(Event::ReuseFound);
                return Phase::Reporting(model_key.session());
            }
            KeyStatus::Superseded => OpenResult::Superseded,
            KeyStatus::Invalid(no_session) => {
                self.events.extend(match no_session {
                    NoSession::Expired => Some(Event::ExpiredFound),
                    NoSession::WrongSecret => Some(Event::WrongSecretFound),
                    NoSession::Retired => Some(Event::SupersededCounted),
                    _ => None,
                });
                OpenResult::Absent
            }
            KeyStatus::Valid => OpenResult::Live,
        };
        let Some(record) = entry.live().filter(|_| result == OpenResult::Live) else {
            return self.arrive(request, Opened::closed(result));
        };
        let now = self.now();
        let mut opened = Opened {
            result,
            change: Change::Keep,
            tries: 0,
            held: Some((entry.clone(), model_key.clone())),
        };
        if self.state.shadow.dead.contains(&model_key.session()) {
            self.breaks(Law::DeadlinesHold);
        }
        let chore = match self.decisions.renewal(record, model_key.verifier(), now) {
            Renewal::Start => Some(Chore::Begin),
            Renewal::Confirm => Some(Chore::Sight),
            Renewal::Retire => Some(Chore::Retire),
            Renewal::Resend => {
                self.resend(&mut opened);
                None
            }
            Renewal::Nothing => {
                let answer = self.decisions.send_back(model_key.key(), record, now);
                opened.change = self.change(&answer, model_key, record);
                None
            }
        };
        let chore = chore.or_else(|| self.decisions.touch_due(record, now).map(|_| Chore::Touch));
        match chore {
            Some(chore) => Phase::Bookkeeping(opened, chore),
            None => self.arrive(request, opened),
        }
    }

    /// Sends the holder of the old key the next one.
    fn resend(&mut self, opened: &mut Opened) {
        let Some((entry, model_key)) = opened.held.clone() else {
            return;
        };
        let Some(record) = entry.live() else { return };
        let Some(next) = self.decisions.next_key(record, model_key.key()) else {
            return;
        };
        let next = model_key.followed_by(next);
        self.note_handed(&model_key, &next);
        self.events.push(Event::NextKeyResent);
        opened.change = self.send_key(&next, &entry);
        opened.held = Some((entry, next));
    }

    pub(super) fn tend(&mut self, request: &Request, mut opened: Opened, chore: Chore) -> Phase {
        let Some((entry, model_key)) = opened.held.clone() else {
            return self.arrive(request, opened);
        };
        let Some(record) = entry.live() else {
            return self.arrive(request, opened);
        };
        let now = self.now();
        let (next, key) = match chore {
            Chore::Touch => {
                self.touch(record, &model_key);
                return self.arrive(request, opened);
            }
            Chore::Begin => {
                let (next, key) = self.decisions.start_renewal(
                    record,
                    model_key.key(),
                    nonce(request.number),
                    now,
                );
                (next, Some(model_key.followed_by(key)))
            }
            Chore::Sight => (self.decisions.confirm_successor(record, now), None),
            Chore::Retire => (self.decisions.retire(record, now), None),
        };
        let kept = match self.keep_house(request, &entry, &model_key, next) {
            (Swap::Done, kept) => kept,
            (Swap::Stale(current), _) => {
                return self.reopen(request, opened, &model_key, current, chore);
            }
            (Swap::Gone, _) => return self.arrive(request, Opened::closed(OpenResult::Absent)),
        };
        match chore {
            Chore::Retire => {
                self.events.push(Event::OldKeyRetired);
                self.note_replaced(&model_key, Retirement::Timer);
            }
            Chore::Sight => self.events.push(Event::NextKeyConfirmed),
            Chore::Begin | Chore::Touch => self.events.push(Event::RenewalBegun),
        }
        if let Some(key) = &key {
            self.note_renewed(&model_key, key);
            opened.change = self.send_key(key, &kept);
        }
        opened.held = Some((kept, key.unwrap_or(model_key)));
        self.arrive(request, opened)
    }

    /// Judges a record again after a lost race, and at most resends the next key.
    fn reopen(
        &mut self,
        request: &Request,
        mut opened: Opened,
        model_key: &ModelKey,
        current: Record,
        chore: Chore,
    ) -> Phase {
        if chore == Chore::Begin {
            self.events.push(Event::RenewalRaceLost);
        }
        let standing = self.decisions.judge_after_loss(&current, model_key.verifier(), self.now());
        if standing != KeyStatus::Valid {
            let entry = Entry::of(&Stored::Live(current));
            return self.enter(request, &entry, model_key, standing);
        }
        let renewal = self.decisions.renewal(&current, model_key.verifier(), self.now());
        opened.held = Some((Entry::of(&Stored::Live(current)), model_key.clone()));
        if renewal == Renewal::Resend {
            self.resend(&mut opened);
        }
        self.arrive(request, opened)
    }

    /// Starts the handler. What needs no store is answered at once.
    pub(super) fn arrive(&mut self, request: &Request, opened: Opened) -> Phase {
        match (request.task, opened.result) {
            (Task::Read, _) => Phase::Answered(opened.change),
            (_, OpenResult::Live) => Phase::Ready(opened),
            (Task::Login(_), OpenResult::Superseded) => {
                self.events.push(Event::LoginBeganAfresh);
                Phase::Beginning
            }
            (Task::Login(_), OpenResult::Absent) => Phase::Beginning,
            (Task::Update, result) if self.decisions.may_begin(result) => Phase::Beginning,
            (_, OpenResult::Superseded) => {
                self.events.push(Event::SupersededRefused);
                Phase::Answered(Change::Keep)
            }
            (_, OpenResult::Absent) => Phase::Answered(Change::Keep),
        }
    }
}
