//! Handlers make progress, clients leave, answers arrive.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use cloakroom::{Error, Key};
use cloakroom_testkit::{CookieSeen, cookie_of};

use super::events::Who;
use super::{ALL, Answer, Drastic, ENOUGH, Fate, Form, Revocation, World, keys_of, note};
use crate::command::Action;

impl World {
    /// Polls a handler, at most this often.
    pub(super) fn poll(&mut self, at: usize, polls: u8) {
        let number = self.tasks[at].number;
        let limit = if polls == ALL { ENOUGH } else { usize::from(polls) };
        for _ in 0..limit {
            let Some(at) = self.tasks.iter().position(|task| task.number == number) else { return };
            self.poll_once(at);
        }
    }

    /// Lets all handlers finish.
    pub(super) fn drain(&mut self) {
        for _ in 0..ENOUGH {
            if self.tasks.is_empty() {
                return;
            }
            self.poll_all();
        }
        let stuck: Vec<_> = self.tasks.iter().map(|task| task.number.to_string()).collect();
        self.violate("a handler is stuck", format!("requests {}", stuck.join(", ")));
        while !self.tasks.is_empty() {
            self.disconnect(0);
        }
    }

    fn poll_all(&mut self) {
        let numbers: Vec<_> = self.tasks.iter().map(|task| task.number).collect();
        for number in numbers {
            if let Some(at) = self.tasks.iter().position(|task| task.number == number) {
                self.poll_once(at);
            }
        }
    }

    fn poll_once(&mut self, at: usize) {
        self.step += 1;
        let mut task = self.tasks.remove(at);
        let is_finished = task.handler.poll();
        self.read_events(Who::Task(&task));
        let (opened, done, shown) = {
            let mut progress = task.handler.progress();
            let opened = progress.opened.take();
            (opened, progress.done.take(), std::mem::take(&mut progress.shown))
        };
        if let Some(opened) = opened {
            self.opened(&mut task, opened);
            self.judge_carrier(&task);
        }
        if let Some(done) = done {
            self.done(&mut task, &done);
            self.judge_messages(&task, &done, &shown);
        }
        if !is_finished {
            self.tasks.insert(at, task);
            return;
        }
        self.finish_drastic(task.number);
        let (response, token) = {
            let mut progress = task.handler.progress();
            (progress.response.take().unwrap_or_default(), progress.token.take())
        };
        if let Some(key) = cookie_of(&response).key() {
            self.ledger.sent(&key, task.started, self.step, self.now);
            note!(
                self,
                "  request {} is answered with {}",
                task.number,
                self.ledger.name_key(&key)
            );
        } else {
            note!(
                self,
                "  request {} is answered, cookie: {:?}",
                task.number,
                cookie_of(&response)
            );
        }
        self.judge_response(&task, &response);
        let answer = Answer {
            browser: task.send.browser,
            kind: task.send.kind,
            bearer: task.bearer,
            source: task.send.source,
            request: task.request,
            headers: response,
            token,
            action: task.send.action,
            is_forged: task.send.source.is_cross_site()
                && task.keys.is_empty()
                && !matches!(task.send.action, Action::SignInVerified(_) | Action::Land),
            is_done: task.is_done,
            started: task.started,
            sent: task.sent,
            was_valid: task.was_valid,
            number: task.number,
            signed_in: task.signed_in,
            presented: task.keys,
            valid: task.valid.iter().map(Key::id).collect(),
        };
        match task.send.fate {
            Fate::Delivered => self.deliver(&answer),
            Fate::Held => self.answers.push(answer),
            Fate::Lost => note!(self, "  the answer is lost"),
        }
    }

    pub(super) fn disconnect(&mut self, at: usize) {
        let task = self.tasks.remove(at);
        let number = task.number;
        self.counts.add("disconnects");
        note!(self, "request {} is cancelled", task.number);
        let drastic = self.drastic.iter().find(|drastic| drastic.task == task.number);
        let (mut ids, user) =
            drastic.map_or((Vec::new(), None), |drastic| (drastic.ids.clone(), drastic.user));
        ids.extend(user.into_iter().flat_map(|user| self.ledger.of_user(user)));
        if task.send.action == Action::Show {
            for key in &task.keys {
                self.ledger.entry(key.id(), self.now).news.clear();
            }
        }
        if let Some(user) = user {
            *self.cancelled.entry(user).or_default() += 1;
        }
        drop(task);
        self.read_events(Who::Cancelled);
        for id in ids {
            let entry = self.ledger.entry(id, self.now);
            entry.is_uncertain = true;
            entry.items.clear();
        }
        self.step += 1;
        self.finish_drastic(number);
    }

    /// Carries out an operator's operation, during which handlers may have to finish theirs.
    pub(super) fn operate(
        &mut self,
        what: Revocation,
        operation: impl Future<Output = Result<usize, Error>>,
    ) {
        self.next_task += 1;
        let (task, started) = (self.next_task, self.step);
        self.drastic.push(Drastic {
            task,
            to: None,
            ids: what.id.into_iter().collect(),
            user: what.user,
        });
        let mut operation = pin!(operation);
        for round in 0..ENOUGH {
            self.step += 1;
            let answer = operation.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            self.read_events(Who::Operator);
            match answer {
                Poll::Ready(Ok(_)) => {
                    self.judge_revocation(what, started);
                    return self.finish_drastic(task);
                }
                Poll::Ready(Err(error)) => {
                    self.violate("an operator's operation fails", format!("{:?}", error.kind()));
                    return self.finish_drastic(task);
                }
                Poll::Pending if round > 50 => self.poll_all(),
                Poll::Pending => {}
            }
        }
        self.violate("an operator's operation is stuck", "");
    }

    pub(super) fn finish_drastic(&mut self, task: u64) {
        let step = self.step;
        if let Some(drastic) = self.drastic.iter_mut().find(|drastic| drastic.task == task) {
            drastic.to = Some(step);
        }
        let oldest = self.tasks.iter().map(|task| task.started).min().unwrap_or(step);
        self.drastic.retain(|drastic| drastic.to.is_none_or(|to| to >= oldest));
    }

    pub(super) fn deliver(&mut self, answer: &Answer) {
        let (browser, kind) = (answer.browser, answer.kind);
        if let Some(key) = &answer.bearer {
            self.browsers[browser].kinds[kind].bearer = Some(key.clone());
            note!(self, "  the program of browser {browser} now has {}", self.ledger.name_key(key));
        }
        if answer.source.is_program() {
            return;
        }
        self.update_holds(browser, kind);
        let before = self.valid_keys(browser, kind);
        self.browsers[browser].client.receive(&answer.request, &answer.headers);
        let cookies = keys_of(&self.browsers[browser].client, kind);
        note!(
            self,
            "  the answer to request {} reaches browser {browser}, which now has [{}]",
            answer.number,
            self.names(&cookies)
        );
        if let Some(token) = &answer.token {
            // The token belongs to the key that the browser has now, or is not judged.
            let sent = cookie_of(&answer.headers).key();
            let is_current = sent.map_or(answer.presented == cookies, |key| cookies == [key]);
            let cookies = if is_current { cookies } else { Vec::new() };
            self.browsers[browser].kinds[kind].form = Some(Form { token: token.clone(), cookies });
        }
        if cookie_of(&answer.headers) != CookieSeen::None {
            self.browsers[browser].kinds[kind].signed_in = answer.signed_in;
        }
        self.judge_delivery(answer, &before);
        self.judge_marker(answer);
        self.update_holds(browser, kind);
    }

    pub(super) fn valid_keys(&self, browser: usize, kind: usize) -> Vec<Key> {
        let mut keys = keys_of(&self.browsers[browser].client, kind);
        keys.retain(|key| self.ledger.must_open(key, self.now));
        keys
    }

    pub(super) fn update_holds(&mut self, browser: usize, kind: usize) {
        let (keys, step) = (self.valid_keys(browser, kind), self.step);
        let holds = &mut self.browsers[browser].kinds[kind].holds;
        holds.retain(|id, _| keys.iter().any(|key| key.id() == *id));
        for key in keys {
            holds.entry(key.id()).or_insert(step);
        }
    }
}
