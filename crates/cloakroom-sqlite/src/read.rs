//! What readers do.

use cloakroom::{Page, Principal, SessionId, StoreError, Stored};
use rusqlite::{Connection, OptionalExtension, named_params};

use crate::error::SqliteError;
use crate::row;

/// What a reader is asked.
pub(crate) enum Read {
    Get,
    IdsOf(Principal, Page),
    Scan(Page),
    Health,
}

/// What it answers.
pub(crate) enum Found {
    Stored(Option<Stored>),
    Ids(Vec<SessionId>),
    Entries(Vec<(SessionId, Stored)>),
    Healthy,
}

pub(crate) fn answer(connection: &Connection, id: SessionId, read: &Read) -> Result<Found, StoreError> {
    let found = match read {
        Read::Get => get(connection, id).map(|stored| stored.map(Found::Stored)),
        Read::IdsOf(principal, page) => ids_of(connection, principal, *page).map(|ids| Ok(Found::Ids(ids))),
        Read::Scan(page) => scan(connection, *page).map(|entries| entries.map(Found::Entries)),
        Read::Health => probe(connection).map(|()| Ok(Found::Healthy)),
    };
    found.map_err(|error| SqliteError::engine("read sessions", error).not_sent())?
}

/// What stands under `id`. The outer result is the engine's, the inner the record's.
pub(crate) fn get(
    connection: &Connection,
    id: SessionId,
) -> rusqlite::Result<Result<Option<Stored>, StoreError>> {
    let mut statement = connection.prepare_cached("SELECT record, payload FROM session WHERE id = ?1")?;
    let stored = statement
        .query_row([id.as_bytes()], |columns| {
            Ok(row::read(columns.get_ref(0)?.as_blob()?, columns.get_ref(1)?.as_blob_or_null()?))
        })
        .optional()?;
    Ok(stored.transpose().map_err(StoreError::from))
}

fn ids_of(connection: &Connection, principal: &Principal, page: Page) -> rusqlite::Result<Vec<SessionId>> {
    const FIRST: &str = "SELECT id FROM admission WHERE principal = :principal ORDER BY id LIMIT :limit";
    const NEXT: &str =
        "SELECT id FROM admission WHERE principal = :principal AND id > :after ORDER BY id LIMIT :limit";
    let (principal, limit) = (principal.as_str(), limit_of(page));
    let read = |columns: &rusqlite::Row<'_>| columns.get(0).map(SessionId::from_bytes);
    match page.starts_after() {
        None => connection
            .prepare_cached(FIRST)?
            .query_map(named_params! { ":principal": principal, ":limit": limit }, read)?
            .collect(),
        Some(after) => connection
            .prepare_cached(NEXT)?
            .query_map(
                named_params! { ":principal": principal, ":after": after.as_bytes(), ":limit": limit },
                read,
            )?
            .collect(),
    }
}

fn scan(
    connection: &Connection,
    page: Page,
) -> rusqlite::Result<Result<Vec<(SessionId, Stored)>, StoreError>> {
    const NEXT: &str = "SELECT id, record, payload FROM session WHERE id > :after ORDER BY id LIMIT :limit";
    // A blob of no bytes comes before every id.
    let after = page.starts_after();
    let after: &[u8] = after.as_ref().map_or(&[], |id| id.as_bytes());
    let mut statement = connection.prepare_cached(NEXT)?;
    let mut rows = statement.query(named_params! { ":after": after, ":limit": limit_of(page) })?;
    let mut entries = Vec::new();
    while let Some(columns) = rows.next()? {
        let id = SessionId::from_bytes(columns.get(0)?);
        match row::read(columns.get_ref(1)?.as_blob()?, columns.get_ref(2)?.as_blob_or_null()?) {
            Ok(stored) => entries.push((id, stored)),
            Err(error) => return Ok(Err(error.into())),
        }
    }
    Ok(Ok(entries))
}

fn probe(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare_cached("SELECT 1 FROM session LIMIT 1")?.query_row([], |_| Ok(())).optional().map(drop)
}

fn limit_of(page: Page) -> i64 {
    i64::try_from(page.limit()).unwrap_or(i64::MAX)
}
