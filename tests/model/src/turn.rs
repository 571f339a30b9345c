//! What one action does to a state.

mod answer;
mod finish;
mod judge;
mod note;
mod operator;

use cloakroom::protocol::RequestOrigin;
use cloakroom::protocol::steps::{Answer, Ask, Left, Step};
use cloakroom::{PublicId, Timestamp};

use crate::context::{Node, waits_for_its_turn};
use crate::coverage::kind_of;
use crate::entry::Entry;
use crate::jar::Change;
use crate::laws::Law;
use crate::model::{Cloakroom, moment};
use crate::model_key::IMPORTED;
use crate::shared::Shared;
use crate::state::{Client, Phase, Request, State, Task, Who};
use crate::work::{Outcome, Work};

/// A state while one action changes it.
pub(crate) struct Turn<'a> {
    model: &'a Cloakroom,
    pub(crate) state: State,
}

/// What happens to a question on its way to the store and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// It is answered.
    Good,
    /// It never reaches the store, and the node cannot know.
    LostBefore,
    /// The store carries it out, and its answer is lost.
    LostAfter,
    /// The node could not send it, and knows.
    Failed,
    /// A near cache answers it with what it read last.
    Cached,
}

impl Delivery {
    /// All that can go wrong.
    pub(crate) const BAD: [Self; 4] =
        [Self::LostBefore, Self::LostAfter, Self::Failed, Self::Cached];
}

impl<'a> Turn<'a> {
    pub(crate) const fn new(model: &'a Cloakroom, state: State) -> Self {
        Self { model, state }
    }

    fn now(&self) -> Timestamp {
        self.state.now()
    }

    fn node(&self, request: &Request) -> Node<'a> {
        let Cloakroom { rules, policy, scenario, twist, .. } = self.model;
        Node::new(*rules, policy, scenario, self.now(), *twist, request)
    }

    /// Records that a law is broken, if the scenario asks for it.
    fn breaks(&mut self, law: Law) {
        if self.model.laws.contains(&law) {
            self.state.shadow.broken.insert(law);
        }
    }

    pub(crate) fn send(&mut self, number: u8, client: Client, task: Task, origin: RequestOrigin) {
        let same_site = self.model.scenario.same_site;
        let presented = self.state.jar(client).present_from(origin, same_site);
        self.state.requests.push(Request::new(number, client, task, self.state.at, presented));
    }

    /// Removes a request.
    pub(crate) fn take(&mut self, number: u8) -> Option<Request> {
        let index = self.state.requests.iter().position(|request| request.number == number)?;
        Some(self.state.requests.remove(index))
    }

    /// What the writer before left to a request: to half of them what it is about to write, or else
    /// what is as fresh as can be; nothing to the others.
    fn left_to(&self, request: &mut Request, id: PublicId) -> Option<Left> {
        let number = request.number;
        if !waits_for_its_turn(number) {
            return None;
        }
        let live = self.state.store.get(id).and_then(Entry::live)?;
        // Only what can still come to be, and once: a process takes back what does not.
        let others = self.state.requests.iter().filter(|request| request.number != number);
        let mut about_to_write = others.filter_map(|request| match &request.phase {
            Phase::Asked(waiting) => match &waiting.1 {
                Ask::Replace(of, seen, record) if *of == id => {
                    (seen.revision() == live.revision()).then_some(record)
                }
                _ => None,
            },
            _ => None,
        });
        let to_come = about_to_write.next_back().filter(|_| !request.was_left_the_uncertain);
        if let Some(record) = to_come {
            request.was_left_the_uncertain = true;
            return Some(Left { record: record.clone(), is_certain: false });
        }
        Some(Left { record: live.clone(), is_certain: true })
    }

    /// Answers a request's question, and goes on to the next one. `None` if this cannot happen.
    pub(crate) fn step(&mut self, number: u8, delivery: Delivery) -> Option<()> {
        let index = self.state.requests.iter().position(|request| request.number == number)?;
        let mut request = self.state.requests[index].clone();
        let (mut work, mut next) = self.resume(&mut request)?;
        let mut delivery = Some(delivery);
        let outcome = loop {
            let ask = match next {
                Step::Done(outcome) => break Some(outcome),
                Step::Ask(ask) => ask,
            };
            let answer = match (&ask, delivery) {
                // A turn in the queues of a process is granted at once, so that any two requests
                // can be on two nodes.
                (Ask::WriterTurn(id), _) => Answer::WriterTurn(self.left_to(&mut request, *id)),
                (Ask::LoginTurn(_), _) => Answer::LoginTurn,
                (_, Some(how)) => {
                    delivery = None;
                    self.answer(&mut request, &work, &ask, how)?
                }
                (_, None) => {
                    request.phase = Phase::Asked(Shared::new((work.clone(), ask)));
                    break None;
                }
            };
            let kind = kind_of(&ask, &answer);
            request.is_judged_again |=
                request.last.is_some() && matches!((&work, &ask), (Work::Open(_), Ask::GetEach(_)));
            self.model.coverage.add(work.name(), request.last, kind);
            request.last = Some(kind);
            let node = self.node(&request);
            next = work.step(&node, answer);
            node.leave(&mut request);
        };
        // There was no question that this could have happened to.
        if delivery.is_some_and(|how| how != Delivery::Good) {
            return None;
        }
        if let Some(outcome) = outcome {
            self.model.coverage.finish(&work, &outcome);
            request.phase = self.finish(&mut request, work, outcome);
        }
        if request.phase == Phase::Answered && request.change == Change::Keep {
            self.state.requests.remove(index);
        } else {
            self.state.requests[index] = request;
        }
        Some(())
    }

    /// The operation that the request goes on with.
    fn resume(&self, request: &mut Request) -> Option<(Work, Step<Outcome>)> {
        let mut work = match &request.phase {
            Phase::Asked(waiting) => {
                let (work, ask) = &**waiting;
                return Some((work.clone(), Step::Ask(ask.clone())));
            }
            Phase::Sent if request.task == Task::RevokeAll => {
                Work::revoke_all(moment(request.sent))
            }
            Phase::Sent => Work::open(request, self.model.twist),
            Phase::Ready(found) => Work::of(request, moment(request.sent), found)?,
            Phase::Loading(work) => {
                let old = self.state.has_legacy.then(|| {
                    let login = cloakroom::Login::of(&Who::Alice.principal());
                    (vec![IMPORTED], self.model.scenario.legacy_is_signed_in.then_some(login))
                });
                match &**work {
                    Work::Import(import) => Work::Import(import.clone().with_old(old)),
                    work => work.clone(),
                }
            }
            Phase::Answered => return None,
        };
        request.is_revoked = self.is_revoked(request);
        request.written = None;
        request.last = matches!(request.phase, Phase::Loading(_)).then_some("load: done");
        let node = self.node(request);
        let next = work.start(&node);
        node.leave(request);
        Some((work, next))
    }

    pub(crate) fn deliver(&mut self, number: u8) {
        let Some(request) = self.take(number) else { return };
        if request.client == Client::Other && self.model.scenario.other_ignores_cookies {
            return;
        }
        self.note_delivery(&request);
        let before = self.state.jar(request.client).clone();
        self.state.jar_mut(request.client).apply(&request.change);
        if request.client == Client::Owner && *self.state.jar(Client::Owner) != before {
            self.state.restorable = self.model.scenario.can_crash().then_some(before);
        }
    }

    /// A crash also loses requests and responses in flight.
    pub(crate) fn crash(&mut self) {
        self.state.spent.crashes += 1;
        if let Some(before) = self.state.restorable.take() {
            *self.state.jar_mut(Client::Owner) = before;
        }
        self.state.requests.retain(|request| {
            request.client != Client::Owner
                || !matches!(request.phase, Phase::Sent | Phase::Answered)
        });
    }
}
