//! Millions of sessions in memory, next to tower-sessions' memory and moka stores.

use cloakroom_bench::Failure;
use cloakroom_bench::memory::contender::{Kind, Way};
use cloakroom_bench::memory::{self, Args, OURS};
use cloakroom_bench::meter::median;

const TOWER: &str = "tower-sessions";

fn kinds() -> Vec<Kind> {
    let theirs = [
        Kind::library::<tower::Theirs>(TOWER),
        Kind::library::<moka::Theirs>("tower-sessions-moka"),
    ];
    OURS.into_iter().chain(theirs).collect()
}

pub(crate) fn bench(args: &Args) -> Result<bool, Failure> {
    let (mut report, sizes) = memory::bench("compare-memory", &kinds(), args)?;
    let peers = [
        "cloakroom",
        "tower-sessions",
        "tower-sessions-memory-store",
        "tower-sessions-moka-store",
        "moka",
    ];
    report.versions_in(crate::LOCK, &peers);
    let mut goals = memory::check(&sizes);
    for way in [Way::Store, Way::Whole] {
        let times = sizes.first().and_then(|size| median(size.times(TOWER, way, 2)));
        let what = format!("`{}` by two threads, times {TOWER}", way.name());
        goals.at_least(&what, times, 3.0);
    }
    args.options.finish(&report, &goals)
}

pub(crate) fn drive(words: &[&str]) -> Result<(), Failure> {
    memory::drive(&kinds(), words)
}

/// A contender on a store of theirs. Their stores use two versions of one trait, so the same code
/// is compiled for each.
macro_rules! peer {
    ($name:ident, $core:ident, $store:ty, $new:expr) => {
        mod $name {
            use std::sync::Arc;

            use time::{Duration, OffsetDateTime};
            use $core::session::{Expiry, Id, Record, Session};
            use $core::session_store::SessionStore as _;

            use cloakroom_bench::Failure;
            use cloakroom_bench::memory::contender::{Contender, Way};
            use cloakroom_bench::visitor::{VISITOR, Visitor, id};

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

                /// The last save wins: their stores do not compare revisions.
                async fn update(&self, way: Way, number: usize) -> Result<(), Failure> {
                    if way == Way::Store {
                        let mut record = self.load(number).await?;
                        let visitor =
                            record.data.get_mut(VISITOR).ok_or("a session has no visitor")?;
                        visitor["visits"] =
                            (visitor["visits"].as_u64().unwrap_or_default() + 1).into();
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
            }
        }
    };
}

peer!(tower, tower_sessions, tower_sessions::MemoryStore, tower_sessions::MemoryStore::default());
peer!(
    moka,
    tower_sessions_core,
    tower_sessions_moka_store::MokaStore,
    tower_sessions_moka_store::MokaStore::new(None)
);

#[cfg(test)]
mod tests {
    #[test]
    fn every_contender_keeps_what_is_written() {
        super::memory::works(&super::kinds()).unwrap();
    }
}
