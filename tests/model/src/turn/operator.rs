//! What an operator does.

use std::time::Duration;

use cloakroom::protocol::steps::{EndById, Step, Steps as _};
use cloakroom::record::{EndReason, Record};

use super::Turn;
use crate::coverage::kind_of;
use crate::entry::Entry;
use crate::jar::{Change, Presented};
use crate::model_key::{number_of, session_id};
use crate::shared::Shared;
use crate::state::{Client, Drawn, Phase, Request, Task, Who};

/// What passes while an operator acts.
const MOMENT: Duration = Duration::from_millis(1);

impl Turn<'_> {
    /// An operator ends a session.
    pub(crate) fn revoke(&mut self, session: u8) {
        let id = session_id(session);
        let mut end = EndById { id, reason: EndReason::Revoked };
        let request = Request::operator(self.state.at);
        let node = self.node(&request);
        let Ok(Step::Ask(ask)) = end.start(&node) else { return };
        let Some(answer) = self.state.store.carry_out(&ask) else { return };
        let kind = kind_of(&ask, &answer);
        self.model.coverage.add("end by id", None, kind);
        if kind == "end: now" {
            self.state.shadow.ended.insert(session, EndReason::Revoked);
        }
        let _ = end.step(&node, answer);
    }

    /// An operator revokes what Alice signed in on before now, and a moment passes.
    pub(crate) fn revoke_all(&mut self) {
        let (alice, before) = (Who::Alice.principal(), self.now().after(MOMENT));
        self.state.store.revoked_before.insert(alice.clone(), before);
        let index = self.state.store.index.get(&alice);
        let listed: Vec<u8> = index.into_iter().flatten().map(|(id, _)| number_of(*id)).collect();
        for session in listed {
            let record = self.state.store.entries.get(&session).and_then(Entry::live);
            let is_older =
                |record: &Record| record.authenticated_at().is_some_and(|at| at < before);
            if record.is_some_and(|record| record.principal() == Some(&alice) && is_older(record)) {
                self.revoke(session);
            }
        }
    }
}

impl Request {
    /// What an operator's command counts as.
    fn operator(at: u64) -> Self {
        Self {
            number: 0,
            client: Client::Other,
            task: Task::Read,
            sent: at,
            presented: Shared::new(Presented::default()),
            phase: Phase::Answered,
            change: Change::Keep,
            key: None,
            principal: None,
            read: None,
            last: None,
            drawn: Drawn::default(),
        }
    }
}
