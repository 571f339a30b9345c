//! What an operator does.

use cloakroom::protocol::steps::{EndById, Step, Steps as _};
use cloakroom::record::EndReason;

use super::Turn;
use crate::coverage::kind_of;
use crate::jar::Presented;
use crate::model_key::session_id;
use crate::state::{Client, Request, Task};

impl Turn<'_> {
    /// An operator ends a session.
    pub(crate) fn revoke(&mut self, session: u8) {
        let id = session_id(session);
        let mut end = EndById { id, reason: EndReason::Revoked };
        let presented = Presented::default();
        let request = Request::new(0, Client::Other, Task::Read, self.state.at, presented);
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
