//! The traits of each version of tower-sessions. What they do is in `store` and `import`: the
//! versions differ in the crate that their types come from.

macro_rules! version {
    (
        $module:ident: $core:ident,
        $version:literal,
        $feature:literal,
        $from:ident,
        $import:ident
    ) => {
        #[cfg(feature = $feature)]
        mod $module {
            use async_trait::async_trait;
            use cloakroom::{Login, SessionValue};
            use time::OffsetDateTime;
            use $core::session::{Id, Record};
            use $core::session_store::{Error, Result};
            use $core::{ExpiredDeletion, SessionStore};

            use crate::error::Failure;
            use crate::import::ImportLayer;
            use crate::old_store::OldStore;
            use crate::state::Data;
            use crate::store::TowerSessionStore;

            #[async_trait]
            impl SessionStore for TowerSessionStore {
                async fn create(&self, record: &mut Record) -> Result<()> {
                    let another = || Id::default().0;
                    let Record { id, data, expiry_date } = &*record;
                    record.id = Id(self.begin(id.0, data, *expiry_date, another).await?);
                    Ok(())
                }

                async fn save(&self, record: &Record) -> Result<()> {
                    Ok(self.write(record.id.0, &record.data, record.expiry_date).await?)
                }

                async fn load(&self, id: &Id) -> Result<Option<Record>> {
                    let to_record = |(data, expiry_date): (Data, OffsetDateTime)| {
                        Record { id: *id, data, expiry_date }
                    };
                    Ok(self.read(id.0).await?.map(to_record))
                }

                async fn delete(&self, id: &Id) -> Result<()> {
                    Ok(self.end(id.0).await?)
                }
            }

            #[async_trait]
            impl ExpiredDeletion for TowerSessionStore {
                async fn delete_expired(&self) -> Result<()> {
                    Ok(self.sweep().await?)
                }
            }

            #[derive(Debug)]
            struct Old<S>(S);

            #[async_trait]
            impl<S: SessionStore> OldStore for Old<S> {
                fn id(&self, cookie: &str) -> Option<i128> {
                    Some(cookie.parse::<Id>().ok()?.0)
                }

                async fn load(
                    &self,
                    id: i128,
                ) -> std::result::Result<Option<(Data, OffsetDateTime)>, Failure> {
                    let found = self.0.load(&Id(id)).await?;
                    Ok(found.map(|record| (record.data, record.expiry_date)))
                }

                async fn delete(&self, id: i128) -> std::result::Result<(), Failure> {
                    Ok(self.0.delete(&Id(id)).await?)
                }
            }

            impl TowerSessionStore {
                #[doc = concat!("Moves sessions here from a store of tower-sessions ", $version)]
                /// when their visitors come back, with their ids, data and expiry dates.
                ///
                /// The old store is asked for each id that is not here; if it cannot be reached,
                /// that is an error. What it cannot decode is treated as absent. A session that has
                /// ended here stays ended. Remove the line when the last old session has expired.
                ///
                /// Each moved session is deleted from the old store, so servers that still use it
                /// see a visitor without a session: replace all at once. A late write of such a
                /// server is an old session again.
                pub fn $import(self, old: impl SessionStore) -> Self {
                    self.with_old(Old(old))
                }
            }

            impl<V: SessionValue> ImportLayer<V> {
                #[doc = concat!("Imports the sessions in a store of tower-sessions ", $version, ".")]
                ///
                /// `convert` makes a value of a session's data, and a [`Login`] if someone is
                /// signed in; `None` drops the session.
                pub fn $from(
                    old: impl SessionStore,
                    convert: impl Fn(Data) -> Option<(V, Option<Login>)> + Send + Sync + 'static,
                ) -> Self {
                    Self::of(Box::new(Old(old)), Box::new(convert))
                }
            }

            impl From<Failure> for Error {
                fn from(failure: Failure) -> Self {
                    match failure {
                        Failure::Encode(text) => Self::Encode(text),
                        Failure::Decode(text) => Self::Decode(text),
                        Failure::Backend(text) => Self::Backend(text),
                    }
                }
            }

            impl From<Error> for Failure {
                fn from(error: Error) -> Self {
                    match error {
                        Error::Encode(text) => Self::Encode(text),
                        Error::Decode(text) => Self::Decode(text),
                        Error::Backend(text) => Self::Backend(text),
                    }
                }
            }
        }
    };
}

version!(
    v0_14: tower_sessions_core_0_14,
    "0.14",
    "tower-sessions-0_14",
    from_0_14,
    import_from_0_14
);
version!(
    v0_15: tower_sessions_core_0_15,
    "0.15",
    "tower-sessions-0_15",
    from_0_15,
    import_from_0_15
);
