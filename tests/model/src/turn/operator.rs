//! What an operator does.

use cloakroom::protocol::steps::{EndById, Step, Steps as _};
use cloakroom::record::EndReason;

use super::Turn;
use crate::coverage::kind_of;
use crate::jar::{Change, Presented};
use crate::model_key::session_id;
use crate::shared::Shared;
use crate::state::{Client, Drawn, Phase, Request, Task};

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
