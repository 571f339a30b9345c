//! What the tool shows of a session: its id and its facts, never a key.

use std::io::{self, IsTerminal};

use cloakroom::policy::ClientInfo;
use cloakroom::record::{BoundDevice, Record, Stored, Tombstone};
use cloakroom::{Principal, PublicId, Timestamp};
use serde::Serialize;

use crate::{time, user_agent};

/// A session in JSON. Times are in RFC 3339, UTC.
#[derive(Serialize)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) state: State,
    /// Why it was ended.
    pub(super) reason: Option<String>,
    pub(super) principal: Option<String>,
    pub(super) created: Option<String>,
    pub(super) signed_in: Option<String>,
    /// The assurance level of the sign-in, on the application's scale.
    pub(super) assurance: u8,
    /// When the key was last renewed.
    pub(super) renewed: Option<String>,
    /// The device to which it is bound.
    pub(super) device: Option<Device>,
    /// The visitor's name for the client.
    pub(super) label: Option<String>,
    pub(super) user_agent: Option<String>,
    pub(super) address: Option<String>,
    pub(super) last_seen: Option<String>,
    /// When it expires if it is not used again.
    pub(super) expires: Option<String>,
    pub(super) ended: Option<String>,
    /// Until when an ended session is remembered.
    pub(super) tombstone_expires: Option<String>,
    /// The size of its value.
    pub(super) bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// Open to its key
    Live,
    /// Past a deadline, not yet removed
    Expired,
    /// Ended before its deadline; its tombstone is kept for a day
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
        match stored {
            Stored::Live(record) => Self::live(id, record, State::of(stored, now)),
            Stored::Ended(tombstone) => Self::ended(id, tombstone),
        }
    }

    fn live(id: PublicId, record: &Record, state: State) -> Self {
        Self {
            id: id.to_string(),
            state,
            reason: None,
            principal: record.principal().map(ToString::to_string),
            created: time::rfc3339(record.created()),
            signed_in: record.authenticated_at().and_then(time::rfc3339),
            assurance: record.assurance().level(),
            renewed: record.renewed_at().and_then(time::rfc3339),
            device: record.device().map(|device| Device::new(&device)),
            label: record.client().label().map(str::to_owned),
            user_agent: record.client().user_agent().map(str::to_owned),
            address: record.client().address().map(|address| address.to_string()),
            last_seen: record.last_seen().and_then(time::rfc3339),
            expires: time::rfc3339(record.expires_at()),
            ended: None,
            tombstone_expires: None,
            bytes: value_bytes(record),
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
            device: None,
            label: None,
            user_agent: None,
            address: None,
            last_seen: None,
            expires: None,
            ended: time::rfc3339(ending.at()),
            tombstone_expires: time::rfc3339(ending.keep_until()),
            bytes: 0,
        }
    }
}

/// The device to which a session is bound.
#[derive(Serialize)]
pub(super) struct Device {
    /// `ES256` or `RS256`.
    algorithm: &'static str,
    /// The thumbprint of its key (RFC 7638).
    key: String,
    /// Whether its browser has used the binding.
    confirmed: bool,
    bound: Option<String>,
    /// When it last proved that it has its key.
    proved: Option<String>,
}

impl Device {
    fn new(device: &BoundDevice) -> Self {
        Self {
            algorithm: device.algorithm().name(),
            key: device.key.thumbprint(),
            confirmed: device.is_confirmed,
            bound: time::rfc3339(device.bound_at),
            proved: time::rfc3339(device.proved_at),
        }
    }
}

/// How much of an ID a table shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IdFormat {
    Whole,
    /// Enough digits to tell sessions apart and to name one to another command.
    Short,
}

impl IdFormat {
    const SHORT: usize = 12;

    /// Short on a terminal, which is narrow; whole for a program.
    pub(super) fn of_output() -> Self {
        if io::stdout().is_terminal() { Self::Short } else { Self::Whole }
    }

    fn text(self, id: PublicId) -> String {
        let mut text = id.to_string();
        if self == Self::Short {
            text.truncate(Self::SHORT);
        }
        text
    }
}

/// The headings of [`cells`].
pub(super) const HEADINGS: [&str; 8] =
    ["ID", "STATE", "PRINCIPAL", "CLIENT", "CREATED", "LAST SEEN", "EXPIRES", "BYTES"];

/// A session as a row of a table.
pub(super) fn cells(
    id: PublicId,
    stored: &Stored,
    now: Timestamp,
    format: IdFormat,
) -> [String; HEADINGS.len()] {
    let none = || "-".to_owned();
    let name = |principal: Option<&Principal>| principal.map_or_else(none, ToString::to_string);
    match stored {
        Stored::Live(record) => [
            format.text(id),
            State::of(stored, now).as_str().to_owned(),
            name(record.principal()),
            client_name(record.client()).unwrap_or_else(none),
            time::ago(record.created(), now),
            record.last_seen().map_or_else(none, |seen| time::ago(seen, now)),
            time::until(record.expires_at(), now),
            value_bytes(record).to_string(),
        ],
        Stored::Ended(tombstone) => [
            format.text(id),
            tombstone.ending().reason().to_string(),
            name(tombstone.principal()),
            none(),
            none(),
            none(),
            format!("ended {}", time::ago(tombstone.ending().at(), now)),
            none(),
        ],
    }
}

/// The label that the visitor gave the client, or else what its user agent says.
fn client_name(client: &ClientInfo) -> Option<String> {
    client.label().map(str::to_owned).or_else(|| user_agent::describe(client))
}

/// The size of a session's value. It is known for every record that was read from a store.
pub(super) fn value_bytes(record: &Record) -> usize {
    record.payload().memory().unwrap_or(0)
}
