//! A write that is alone in its batch, in the cheapest statement.

use cloakroom::PublicId;
use cloakroom::store::{Inserted, Swap};
use cloakroom::stores::batch::Reply;
use tokio_postgres::Statement;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::column::uuid;
use crate::connection::Statements;
use crate::write::{Kind, Write};

/// The only write of a batch, as parameters of a statement of its own.
pub(crate) struct Lone<'a> {
    id: Uuid,
    write: &'a Write,
    payload: Option<&'a [u8]>,
}

impl<'a> Lone<'a> {
    /// `None` for a write that also changes the principal index.
    pub(crate) fn of(id: PublicId, write: &'a Write) -> Option<Self> {
        let is_simple = matches!(write.kind, Kind::Insert | Kind::Replace | Kind::Touch);
        is_simple.then(|| Self { id: uuid(id), write, payload: write.payload.as_deref() })
    }

    pub(crate) fn statement(&self) -> fn(&Statements) -> &Statement {
        match self.write.kind {
            Kind::Insert => |statements| &statements.insert_one,
            Kind::Touch => |statements| &statements.touch_one,
            Kind::Replace | Kind::EndIf | Kind::End => |statements| &statements.replace_one,
        }
    }

    pub(crate) fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        let Self { id, write, payload } = self;
        match write.kind {
            Kind::Insert => vec![
                id,
                &write.principal,
                &write.at,
                &write.signed_in,
                &write.revision.0,
                &write.revision.1,
                &write.idle,
                &write.absolute,
                &write.kept_bytes,
                &write.head,
                payload,
            ],
            Kind::Touch => {
                vec![id, &write.expected.0, &write.expected.1, &write.idle, &write.head]
            }
            Kind::Replace | Kind::EndIf | Kind::End => vec![
                id,
                &write.expected.0,
                &write.expected.1,
                &write.principal,
                &write.signed_in,
                &write.revision.0,
                &write.revision.1,
                &write.idle,
                &write.absolute,
                &write.kept_bytes,
                &write.head,
                payload,
            ],
        }
    }

    /// The answer, by whether the statement returned a row; `None` if only `apply.sql` can tell.
    pub(crate) fn answer(&self, is_done: bool) -> Option<Reply> {
        match (self.write.kind, is_done) {
            (Kind::Insert, true) => Some(Inserted::Done.into()),
            (Kind::Insert, false) => Some(Inserted::Taken.into()),
            (Kind::Touch, is_done) => Some(is_done.into()),
            (Kind::Replace, true) => Some(Swap::Done.into()),
            (Kind::Replace | Kind::EndIf | Kind::End, _) => None,
        }
    }
}
