//! tower-sessions' records in any of its stores.

use time::{Duration, OffsetDateTime};
use tower_sessions_core::SessionStore;
use tower_sessions_core::session::{Id, Record};

use crate::drive::{Contender, Failure};
use crate::visitor::{self, Visitor};

const VISITOR: &str = "visitor";

#[derive(Clone, Debug)]
pub(crate) struct Theirs<S>(pub(crate) S);

impl<S: SessionStore + Clone> Contender for Theirs<S> {
    type Session = Record;

    async fn create(&self, number: u32) -> Result<(), Failure> {
        let mut record = Record { id: id(number), data: [].into(), expiry_date: in_half_an_hour() };
        record.data.insert(VISITOR.into(), serde_json::to_value(Visitor::new(number))?);
        Ok(self.0.create(&mut record).await?)
    }

    async fn load(&self, number: u32) -> Result<Record, Failure> {
        let record = self.0.load(&id(number)).await?.ok_or("a session is gone")?;
        visitor(&record)?;
        Ok(record)
    }

    /// What a `Session` of theirs does: it changes one value of the record, and saves the record with another deadline.
    async fn visit(&self, record: &mut Record) -> Result<bool, Failure> {
        let mut visitor = visitor(record)?;
        visitor.visits += 1;
        record.data.insert(VISITOR.into(), serde_json::to_value(&visitor)?);
        record.expiry_date = in_half_an_hour();
        self.0.save(record).await?;
        Ok(true)
    }

    fn visits(record: &Record) -> u64 {
        visitor(record).map_or(0, |visitor| visitor.visits)
    }
}

/// What a `Session` of theirs reads a typed value by.
fn visitor(record: &Record) -> Result<Visitor, Failure> {
    let value = record.data.get(VISITOR).ok_or("a session has no visitor")?;
    Ok(serde_json::from_value(value.clone())?)
}

fn id(number: u32) -> Id {
    Id(visitor::id(number).cast_signed())
}

fn in_half_an_hour() -> OffsetDateTime {
    OffsetDateTime::now_utc() + Duration::minutes(30)
}
