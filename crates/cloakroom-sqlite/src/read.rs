//! Read operations.

use cloakroom::key::KindTag;
use cloakroom::record::Stored;
use cloakroom::store::{Page, Scanned, StoreError};
use cloakroom::stores::batch::Reply;
use cloakroom::{Principal, PublicId};
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::SqliteError;
use crate::row;

/// The outer result is SQLite's; the inner one is the operation's, such as an unreadable record.
pub(crate) type Outcome<T> = rusqlite::Result<Result<T, StoreError>>;

/// An operation that only reads.
pub(crate) enum Read {
    Get,
    SessionsOf(Principal, Option<KindTag>, Page),
    Scan(Page),
    Health,
}

pub(crate) fn answer(
    connection: &Connection,
    id: PublicId,
    read: &Read,
) -> Result<Reply, StoreError> {
    let reply: Outcome<Reply> = match read {
        Read::Get => get(connection, id).map(|stored| stored.map(Into::into)),
        Read::SessionsOf(principal, kind, page) => {
            sessions_of(connection, principal, *kind, *page).map(|ids| Ok(ids.into()))
        }
        Read::Scan(page) => scan(connection, *page).map(|part| Ok(part.into())),
        Read::Health => probe(connection).map(|()| Ok(().into())),
    };
    reply.map_err(|error| SqliteError::engine("read", error).on(connection).not_sent())?
}

/// The entry under `id`.
pub(crate) fn get(connection: &Connection, id: PublicId) -> Outcome<Option<Stored>> {
    one(connection, "SELECT record, payload FROM session WHERE id = ?1", id)
}

/// The entry under `id` without its payload.
pub(crate) fn head(connection: &Connection, id: PublicId) -> Outcome<Option<Stored>> {
    one(connection, "SELECT record, NULL FROM session WHERE id = ?1", id)
}

fn one(connection: &Connection, query: &str, id: PublicId) -> Outcome<Option<Stored>> {
    let stored = connection
        .prepare_cached(query)?
        .query_row([id.as_bytes()], |columns| {
            Ok(row::decode(columns.get_ref(0)?.as_blob()?, columns.get_ref(1)?.as_blob_or_null()?))
        })
        .optional()?;
    Ok(stored.transpose().map_err(StoreError::from))
}

fn sessions_of(
    connection: &Connection,
    principal: &Principal,
    kind: Option<KindTag>,
    page: Page,
) -> rusqlite::Result<Vec<PublicId>> {
    let mut statement = connection.prepare_cached(
        "SELECT id FROM sessions_by_principal
         WHERE principal = ?1 AND id > ?2 AND (?4 IS NULL OR kind = ?4)
         ORDER BY id LIMIT ?3",
    )?;
    let kind = kind.as_ref().map(KindTag::as_bytes);
    let bounds = params![principal.as_str(), after(&page), limit_of(page), kind];
    statement.query_map(bounds, |columns| columns.get(0).map(PublicId::from_bytes))?.collect()
}

fn scan(connection: &Connection, page: Page) -> rusqlite::Result<Scanned> {
    let mut statement = connection.prepare_cached(
        "SELECT id, record, payload FROM session WHERE id > ?1 ORDER BY id LIMIT ?2",
    )?;
    let mut rows = statement.query(params![after(&page), limit_of(page)])?;
    let mut entries = Vec::new();
    while let Some(columns) = rows.next()? {
        let id = PublicId::from_bytes(columns.get(0)?);
        let decoded =
            row::decode(columns.get_ref(1)?.as_blob()?, columns.get_ref(2)?.as_blob_or_null()?);
        entries.push((id, decoded));
    }
    Ok(Scanned::decoded_in_order(entries, page))
}

fn probe(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .prepare_cached("SELECT 1 FROM session LIMIT 1")?
        .query_row([], |_| Ok(()))
        .optional()
        .map(drop)
}

/// The id that the page starts after; an empty blob sorts before every id.
fn after(page: &Page) -> Vec<u8> {
    page.starts_after().map_or(Vec::new(), |id| id.as_bytes().to_vec())
}

fn limit_of(page: Page) -> i64 {
    i64::try_from(page.limit()).unwrap_or(i64::MAX)
}
