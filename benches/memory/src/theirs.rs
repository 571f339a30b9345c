//! tower-sessions' records in stores that live in memory.
//!
//! Their stores speak two versions of one trait, so the same code is compiled for each.

/// A contender on a store of `$core`, made by `$store`.
macro_rules! peer {
    ($name:ident, $core:ident, $store:ty, $new:expr) => {
        mod $name {
            use std::sync::Arc;

            use time::{Duration, OffsetDateTime};
            use $core::session::{Expiry, Id, Record, Session};
            use $core::session_store::SessionStore as _;

            use crate::Failure;
            use crate::contender::{Contender, Way};
            use crate::visitor::{VISITOR, Visitor, id};

            const IDLE: Duration = Duration::hours(12);

            pub(crate) struct Theirs(Arc<$store>);

            fn name(number: usize) -> Id {
                Id(i128::from_be_bytes(id(number)))
            }

            impl Theirs {
                async fn load(&self, number: usize) -> Result<Record, Failure> {
                    Ok(self.0.load(&name(number)).await?.ok_or("a session is gone")?)
                }

                fn session(&self, number: usize) -> Session {
                    let store = Arc::clone(&self.0);
                    Session::new(Some(name(number)), store, Some(Expiry::OnInactivity(IDLE)))
                }
            }

            impl Contender for Theirs {
                fn open(_: usize) -> Result<Self, Failure> {
                    Ok(Self(Arc::new($new)))
                }

                async fn begin(&mut self, number: usize) -> Result<(), Failure> {
                    let expiry_date = OffsetDateTime::now_utc() + IDLE;
                    let mut record = Record { id: name(number), data: [].into(), expiry_date };
                    record.data.insert(VISITOR.into(), serde_json::to_value(Visitor::new(number))?);
                    Ok(self.0.create(&mut record).await?)
                }

                async fn read(&self, way: Way, number: usize) -> Result<u64, Failure> {
                    if way == Way::Store {
                        let record = self.load(number).await?;
                        let visitor = record.data.get(VISITOR).ok_or("a session has no visitor")?;
                        return Ok(visitor["visits"].as_u64().ok_or("a visitor has no visits")?);
                    }
                    let visitor = self.session(number).get::<Visitor>(VISITOR).await?;
                    Ok(visitor.ok_or("a session has no visitor")?.visits)
                }

                /// Whoever saves last wins: their stores compare nothing.
                async fn update(&self, way: Way, number: usize) -> Result<(), Failure> {
                    if way == Way::Store {
                        let mut record = self.load(number).await?;
                        let visitor = record.data.get_mut(VISITOR).ok_or("a session has no visitor")?;
                        visitor["visits"] = (visitor["visits"].as_u64().unwrap_or_default() + 1).into();
                        record.expiry_date = OffsetDateTime::now_utc() + IDLE;
                        return Ok(self.0.save(&record).await?);
                    }
                    let session = self.session(number);
                    let visitor = session.get::<Visitor>(VISITOR).await?;
                    let mut visitor = visitor.ok_or("a session has no visitor")?;
                    visitor.visits += 1;
                    session.insert(VISITOR, visitor).await?;
                    Ok(session.save().await?)
                }

                fn keys(&self) -> usize {
                    0
                }
            }
        }
    };
}

peer!(memory, tower_sessions, tower_sessions::MemoryStore, tower_sessions::MemoryStore::default());
peer!(
    moka,
    tower_sessions_core,
    tower_sessions_moka_store::MokaStore,
    tower_sessions_moka_store::MokaStore::new(None)
);

pub(crate) use memory::Theirs as Tower;
pub(crate) use moka::Theirs as Moka;
