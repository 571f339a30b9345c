//! From a request's session to one outside it.

use std::sync::Arc;

use super::Session;
use crate::attendance::{Attendance, Stub};
use crate::cell::{Cell, Holding};
use crate::error::{Error, ErrorKind};
use crate::manager::{Held, Manager};
use crate::protocol::Vacancy;
use crate::value::{Kind, Value};

impl<V: Value, K: Kind> Session<V, K> {
    /// Goes on with this session when its request is over: for a WebSocket, an event stream, a background job.
    ///
    /// # Errors
    /// `NotFound` for a vacant session, `Superseded`.
    pub fn attend(&self) -> Result<Attendance<V, K>, Error> {
        match &self.seen {
            Holding::Live(held) => {
                let (manager, lineage) = (&self.cell.manager, held.record.credentials().lineage());
                Ok(Attendance::new(Arc::clone(manager), Stub::new(held.id(), lineage, manager.kind)))
            }
            Holding::Superseded => Err(Error::new(ErrorKind::Superseded)),
            Holding::Vacant(_) | Holding::Over => {
                Err(Error::vacant(self.vacancy().unwrap_or(Vacancy::Unknown)))
            }
        }
    }

    /// The session that was found outside any request.
    pub(crate) fn attended(manager: Arc<Manager<V>>, held: Held<V>) -> Self {
        Self::of(Arc::new(Cell::attended(manager, held)))
    }
}
