//! A session as the tool tells of it: its name and its facts, never a key.

use std::time::Duration;

use cloakroom::policy::ClientInfo;
use cloakroom::record::{Record, Stored, Tombstone};
use cloakroom::{PublicId, Timestamp};
use serde::Serialize;

use crate::when;

/// The facts of a session.
#[derive(Serialize)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) state: State,
    /// Why it was ended.
    pub(super) reason: Option<String>,
    pub(super) principal: Option<String>,
    pub(super) created: Option<String>,
    pub(super) signed_in: Option<String>,
    /// How well the visitor proved who they are, on the application's scale.
    pub(super) assurance: u8,
    /// When the key was last renewed.
    pub(super) renewed: Option<String>,
    /// What the visitor calls the client.
    pub(super) label: Option<String>,
    pub(super) user_agent: Option<String>,
    pub(super) address: Option<String>,
    pub(super) last_seen: Option<String>,
    /// When it ends if nobody uses it again; of one that has ended, from when on nothing is known of it.
    pub(super) expires: Option<String>,
    pub(super) ended: Option<String>,
    /// Bytes of its value.
    pub(super) bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// In force.
    Live,
    /// Past a deadline, waiting to be swept.
    Expired,
    /// Ended before its time; its tombstone is kept for a while.
    Ended,
}

impl State {
    pub(super) fn of(stored: &Stored, now: Timestamp) -> Self {
        match stored {
            Stored::Ended(_) => Self::Ended,
            Stored::Live(record) if record.expires_at().has_passed(now) => Self::Expired,
            Stored::Live(_) => Self::Live,
        }
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Expired => "expired",
            Self::Ended => "ended",
        }
    }
}

impl Entry {
    pub(super) fn new(id: PublicId, stored: &Stored, now: Timestamp) -> Self {
        let state = State::of(stored, now);
        match stored {
            Stored::Live(record) => Self::live(id, record, state),
            Stored::Ended(tombstone) => Self::ended(id, tombstone),
        }
    }

    fn live(id: PublicId, record: &Record, state: State) -> Self {
        Self {
            id: id.to_string(),
            state,
            reason: None,
            principal: record.principal().map(ToString::to_string),
            created: when::rfc3339(record.created()),
            signed_in: record.authenticated_at().and_then(when::rfc3339),
            assurance: record.assurance().level(),
            renewed: record.renewed_at().and_then(when::rfc3339),
            label: record.client().label().map(str::to_owned),
            user_agent: record.client().user_agent().map(str::to_owned),
            address: record.client().address().map(|address| address.to_string()),
            last_seen: record.last_seen().and_then(when::rfc3339),
            expires: when::rfc3339(record.expires_at()),
            ended: None,
            bytes: bytes_of(record),
        }
    }

    fn ended(id: PublicId, tombstone: &Tombstone) -> Self {
        let ending = tombstone.ending();
        Self {
            id: id.to_string(),
            state: State::Ended,
            reason: Some(ending.reason().to_string()),
            principal: tombstone.principal().map(ToString::to_string),
            created: None,
            signed_in: None,
            assurance: 0,
            renewed: None,
            label: None,
            user_agent: None,
            address: None,
            last_seen: None,
            expires: when::rfc3339(ending.keep_until()),
            ended: when::rfc3339(ending.at()),
            bytes: 0,
        }
    }
}

/// The headings of [`cells`].
pub(super) const HEADINGS: [&str; 8] =
    ["ID", "STATE", "PRINCIPAL", "CLIENT", "CREATED", "LAST SEEN", "EXPIRES", "BYTES"];

/// A session as a line of a table.
pub(super) fn cells(id: PublicId, stored: &Stored, now: Timestamp) -> [String; HEADINGS.len()] {
    let none = || "-".to_owned();
    let principal =
        |principal: Option<&cloakroom::Principal>| principal.map_or_else(none, ToString::to_string);
    match stored {
        Stored::Live(record) => [
            id.to_string(),
            State::of(stored, now).as_str().to_owned(),
            principal(record.principal()),
            client(record.client()).unwrap_or_else(none),
            when::ago(record.created(), now),
            record.last_seen().map_or_else(none, |seen| when::ago(seen, now)),
            until(record.expires_at(), now),
            bytes_of(record).to_string(),
        ],
        Stored::Ended(tombstone) => [
            id.to_string(),
            tombstone.ending().reason().to_string(),
            principal(tombstone.principal()),
            none(),
            none(),
            none(),
            until(tombstone.ending().keep_until(), now),
            none(),
        ],
    }
}

/// The client by the name its visitor gave it, else by what it said it was.
fn client(client: &ClientInfo) -> Option<String> {
    client.label().map(str::to_owned).or_else(|| crate::user_agent::describe(client))
}

/// How long it is until a deadline, or that it has passed.
pub(super) fn until(deadline: Timestamp, now: Timestamp) -> String {
    match deadline.since(now) {
        Duration::ZERO => "has passed".to_owned(),
        left => format!("in {}", when::span(left)),
    }
}

/// A value that was read from a store has its size.
pub(super) fn bytes_of(record: &Record) -> usize {
    record.payload().measure().unwrap_or(0)
}
