//! What a handler does with the session that was opened.

use cloakroom::protocol::{self, KeyStatus, SecretStatus, Settled, SignIn};
use cloakroom::record::{EndReason, Record, Revision, Stored};
use cloakroom::store::Swap;
use cloakroom::value::Payload;

use super::{Delivery, Step};
use crate::events::Event;
use crate::laws::Law;
use crate::model_key::{Entry, ModelKey, nonce, writes};
use crate::scenarios::EXTENSION;
use crate::state::{Change, KeyFate, Opened, Phase, Request, Task};

/// A write that a handler wants.
struct Intent {
    record: Record,
    value: Vec<u8>,
}

impl Step<'_> {
    pub(super) fn act(&mut self, request: &Request, mut opened: Opened, wire: Delivery) -> Phase {
        let Some((mut entry, model_key)) = opened.held.clone() else {
            return self.refuse(request, opened);
        };
        if request.task == Task::Logout {
            if self.read_again(&model_key).is_none()
                && !self.state.shadow.dead.contains(&model_key.session())
            {
                return self.refuse(request, opened);
            }
            self.end(model_key.session(), EndReason::SignedOut);
            return Phase::Answered(Change::Remove { decided: self.state.at });
        }
        // The record read earlier can show that the session lives, never that it does not.
        if opened.tries == 0
            && entry.live().is_none_or(|record| self.decisions.is_over(record, self.now()))
        {
            self.events.push(Event::SlowHandler);
            match self.read_again(&model_key) {
                Some(current) => entry = current,
                None => return self.refuse(request, opened),
            }
            opened.held = Some((entry.clone(), model_key.clone()));
        }
        let Some(record) = entry.live() else {
            return self.refuse(request, opened);
        };
        let Some(intent) = self.intend(request, record, &model_key) else {
            self.events.push(Event::PrincipalSwitched);
            self.end(model_key.session(), EndReason::SignedInAsAnother);
            return Phase::Beginning;
        };
        let token = u64::from(request.number) << 8 | (u64::from(opened.tries) + 1);
        let expected = record.revision();
        let ours = Revision::new(expected.count() + 1, token);
        let kept = Entry::written(intent.record, ours, &intent.value);
        self.write(request, opened, expected, kept, wire)
    }

    /// Sends a handler's write, or repeats it.
    pub(super) fn write(
        &mut self,
        request: &Request,
        opened: Opened,
        expected: Revision,
        kept: Entry,
        wire: Delivery,
    ) -> Phase {
        let again = matches!(request.phase, Phase::Unsure { .. });
        let (Some((_, model_key)), Some(ours)) =
            (opened.held.clone(), kept.live().map(Record::revision))
        else {
            return self.refuse(request, opened);
        };
        if wire == Delivery::Cut {
            return Phase::Unsure { opened, expected, kept };
        }
        let swap = self.replace(&model_key, expected, &kept);
        if matches!(swap, Swap::Done) {
            self.note_keys(request, &model_key, &kept);
        }
        match swap {
            _ if wire == Delivery::Deaf => Phase::Unsure { opened, expected, kept },
            Swap::Done => {
                self.events.extend(again.then_some(Event::LostWriteMadeAgain));
                self.acknowledge(request, opened, &kept)
            }
            Swap::Stale(current) if again => {
                match self.decisions.settle(expected, ours, current.revision()) {
                    Settled::Done => {
                        self.events.push(Event::LostAnswerWasDone);
                        self.acknowledge(request, opened, &kept)
                    }
                    Settled::Lost => {
                        self.events.push(Event::LostAnswerWasNot);
                        self.retry(request, opened, &current)
                    }
                    Settled::Unknown => {
                        self.events.push(Event::LostAnswerUnknown);
                        Phase::Answered(opened.change)
                    }
                }
            }
            Swap::Stale(current) => {
                self.events.push(Event::WriteRaceLost);
                self.retry(request, opened, &current)
            }
            Swap::Gone => {
                self.events.push(Event::WriteMetTombstone);
                self.refuse(request, opened)
            }
        }
    }

    /// The current record, if the key still opens it.
    fn read_again(&self, model_key: &ModelKey) -> Option<Entry> {
        let entry = self.state.store.get(&model_key.session())?;
        let standing = self.decisions.judge(entry.live()?, model_key.verifier(), self.now());
        (standing == KeyStatus::Valid).then(|| entry.clone())
    }

    /// The write that a task makes; `None` if another principal's session must be ended first.
    fn intend(&self, request: &Request, record: &Record, model_key: &ModelKey) -> Option<Intent> {
        let now = self.now();
        let fresh = || *ModelKey::fresh(model_key.session(), request.number).verifier();
        let record = match request.task {
            Task::Login(who) => {
                let who = who.principal();
                if self.decisions.plan_sign_in(record, &who) == SignIn::Switch {
                    return None;
                }
                self.decisions.sign_in(record, &who, fresh(), now)
            }
            Task::Renew => self.decisions.replace_secret(record, fresh(), now),
            Task::Extend => self.extend_cookie(
                request,
                self.decisions.extend(record, EXTENSION, now),
                model_key,
            ),
            Task::Update | Task::Read | Task::Logout => self.decisions.used(record, now),
        };
        let mut value = writes(&record);
        if request.task == Task::Update {
            let place = value.partition_point(|&write| write < request.number);
            value.insert(place, request.number);
        }
        Some(Intent { record, value })
    }

    /// The extended record, with a renewed key if the cookie would end before it.
    fn extend_cookie(&self, request: &Request, record: Record, model_key: &ModelKey) -> Record {
        match self.decisions.extend_cookie(
            &record,
            model_key.key(),
            nonce(request.number),
            self.now(),
        ) {
            Some((lasting, _)) => lasting,
            None => record,
        }
    }

    /// The key that a handler's applied write sends.
    pub(super) fn key_after(
        &self,
        request: &Request,
        model_key: &ModelKey,
        kept: &Entry,
    ) -> Option<ModelKey> {
        let record = kept.live()?;
        match request.task {
            Task::Login(_) | Task::Renew => {
                Some(ModelKey::fresh(model_key.session(), request.number))
            }
            Task::Extend => match protocol::recognise(record.credentials(), model_key.verifier()) {
                SecretStatus::Successor => Some(model_key.clone()),
                _ => self
                    .decisions
                    .next_key(record, model_key.key())
                    .map(|key| model_key.followed_by(key)),
            },
            _ => None,
        }
    }

    /// Tries again on the current record, if the key still opens it.
    fn retry(&mut self, request: &Request, mut opened: Opened, current: &Record) -> Phase {
        let Some((_, model_key)) = opened.held.take() else {
            return Phase::Answered(opened.change);
        };
        if self.decisions.judge_after_loss(current, model_key.verifier(), self.now())
            != KeyStatus::Valid
        {
            self.events.push(Event::RefusedAfterRace);
            return self.refuse(request, opened);
        }
        opened.held = Some((Entry::of(&Stored::Live(current.clone())), model_key));
        opened.tries += 1;
        Phase::Ready(opened)
    }

    /// The key no longer opens anything: a sign-in begins a new session, everything else fails.
    fn refuse(&mut self, request: &Request, opened: Opened) -> Phase {
        if let Task::Login(_) = request.task {
            self.events.push(Event::LoginBeganAfresh);
            return Phase::Beginning;
        }
        Phase::Answered(opened.change)
    }

    /// A handler's write is known to be applied.
    fn acknowledge(&mut self, request: &Request, opened: Opened, kept: &Entry) -> Phase {
        let Some((_, model_key)) = &opened.held else {
            return Phase::Answered(opened.change);
        };
        self.events.extend(match request.task {
            Task::Login(_) => Some(Event::SignedIn),
            Task::Renew => Some(Event::Renewed),
            Task::Extend
                if self
                    .key_after(request, model_key, kept)
                    .is_some_and(|key| key != *model_key) =>
            {
                Some(Event::RenewalBegun)
            }
            _ => None,
        });
        if request.task == Task::Update {
            self.state.shadow.acknowledged.insert((model_key.session(), request.number));
        }
        let key = self.key_after(request, model_key, kept);
        if let (Task::Extend, Some(record)) = (request.task, kept.live())
            && record.credentials().cookie_until < record.absolute_deadline()
        {
            self.breaks(Law::CookieOutlivesRecord);
        }
        match key {
            Some(key) => Phase::Answered(self.send_key(&key, kept)),
            None => Phase::Answered(opened.change),
        }
    }

    pub(super) fn begin(&mut self, request: &Request) -> Phase {
        let model_key = ModelKey::fresh(request.number, request.number);
        let session = model_key.session();
        let (principal, value) = match request.task {
            Task::Login(who) => (Some(who.principal()), vec![]),
            _ => (None, vec![request.number]),
        };
        let revision = Revision::new(1, u64::from(request.number) << 8);
        let record = protocol::begin(
            *model_key.verifier(),
            self.lifetime,
            principal,
            Payload::from_bytes(value.clone()),
            revision,
            self.now(),
        );
        self.events.push(Event::SessionBegun);
        self.state.shadow.acknowledged.extend(value.iter().map(|&write| (session, write)));
        self.state.shadow.secrets.insert(model_key.clone(), KeyFate::Works);
        let answer = self.decisions.send(model_key.key().clone(), &record, self.now());
        let change = self.change(&answer, &model_key, &record);
        self.state.store.insert(session, Entry::written(record, revision, &value));
        Phase::Answered(change)
    }
}
