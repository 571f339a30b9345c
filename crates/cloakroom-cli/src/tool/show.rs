//! `cloakroom show`: one session in full.

use std::error::Error;

use cloakroom::Timestamp;
use cloakroom::record::{BoundDevice, Record, Stored, Tombstone};
use cloakroom::time::{Clock, SystemClock};
use serde::Serialize;

use super::access::Access;
use super::entry::{Entry, State};
use super::resolve::resolve;
use super::{ExitReason, entry, output};
use crate::id_prefix::IdPrefix;
use crate::time;

/// Show one session
///
/// Its value is shown only with --value, since it can be private. Keys are never shown: the store
/// does not have them.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    access: Access,
    /// The session's ID, or its first 8 digits or more
    id: IdPrefix,
    /// Show its value too
    #[arg(long)]
    value: bool,
}

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    entry: Entry,
    #[serde(flatten)]
    live: Option<Live>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<serde_json::Value>,
}

/// What only a live session has.
#[derive(Serialize)]
struct Live {
    writes: u64,
    /// When it expires even if it is used.
    absolute_deadline: Option<String>,
    lifetime: Lifetime,
}

/// Timeouts in seconds; `None` if there is no such timeout.
#[derive(Serialize)]
struct Lifetime {
    idle: Option<u64>,
    absolute: u64,
    renewal: Option<u64>,
    outlives_browser: bool,
}

pub(super) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let store = options.access.read_only()?;
    let now = SystemClock.now();
    let url = options.access.store.url()?;
    let (id, stored) =
        resolve(&store, &options.id)?.ok_or_else(|| ExitReason::no_session(&options.id, url))?;
    let stored = stored.ok_or_else(|| format!("session {id} in {url} cannot be read"))?;
    let value = if options.value { value_of(&stored)? } else { None };
    if options.access.json {
        let live = match &stored {
            Stored::Live(record) => Some(Live::of(record)),
            Stored::Ended(_) => None,
        };
        output::object(&Report { entry: Entry::new(id, &stored, now), live, value })?;
    } else {
        let mut facts = match &stored {
            Stored::Live(record) => live_facts(record, State::of(&stored, now), now),
            Stored::Ended(tombstone) => ended_facts(tombstone, now),
        };
        facts.insert(0, ("id", id.to_string()));
        if let Some(value) = value {
            facts.push(("value", without_controls(&value.to_string())));
        }
        output::facts(facts)?;
    }
    Ok(())
}

impl Live {
    fn of(record: &Record) -> Self {
        let lifetime = record.lifetime();
        Self {
            writes: record.revision().count(),
            absolute_deadline: time::rfc3339(record.absolute_deadline()),
            lifetime: Lifetime {
                idle: lifetime.idle_timeout().map(|timeout| timeout.as_secs()),
                absolute: lifetime.absolute_timeout().as_secs(),
                renewal: lifetime.renewal_timeout().map(|timeout| timeout.as_secs()),
                outlives_browser: lifetime.outlives_browser(),
            },
        }
    }
}

fn live_facts(record: &Record, state: State, now: Timestamp) -> Vec<(&'static str, String)> {
    let (lifetime, client) = (record.lifetime(), record.client());
    let past = |time: Timestamp| date(time, &time::ago(time, now));
    let future = |time: Timestamp| date(time, &time::until(time, now));
    let or_never = |time: Option<Timestamp>| time.map_or_else(|| "never".to_owned(), past);
    vec![
        ("state", state.as_str().to_owned()),
        ("principal", or_dash(record.principal())),
        ("created", past(record.created())),
        ("signed in", or_never(record.authenticated_at())),
        ("assurance level", record.assurance().to_string()),
        ("key renewed", or_never(record.renewed_at())),
        ("bound to", record.device().as_ref().map_or_else(|| "no device".to_owned(), device)),
        ("label", or_dash(client.label())),
        ("user agent", or_dash(client.user_agent())),
        ("address", or_dash(client.address())),
        ("last seen", record.last_seen().map_or_else(|| "not recorded".to_owned(), past)),
        ("expires if unused", future(record.expires_at())),
        ("expires at the latest", future(record.absolute_deadline())),
        ("idle timeout", lifetime.idle_timeout().map_or_else(|| "none".to_owned(), time::duration)),
        (
            "renewal timeout",
            lifetime.renewal_timeout().map_or_else(|| "none".to_owned(), time::duration),
        ),
        ("writes", record.revision().count().to_string()),
        ("bytes", entry::value_bytes(record).to_string()),
    ]
}

/// The device to which a session is bound, and its last proof.
fn device(device: &BoundDevice) -> String {
    let (name, key) = (device.algorithm().name(), device.key.thumbprint());
    let confirmed = if device.is_confirmed { "" } else { ", not confirmed yet" };
    let proved = time::rfc3339(device.proved_at).unwrap_or_default();
    format!("{name} key {key}, last proof {proved}{confirmed}")
}

fn ended_facts(tombstone: &Tombstone, now: Timestamp) -> Vec<(&'static str, String)> {
    let ending = tombstone.ending();
    vec![
        ("state", State::Ended.as_str().to_owned()),
        ("principal", or_dash(tombstone.principal())),
        ("reason", ending.reason().to_string()),
        ("ended", date(ending.at(), &time::ago(ending.at(), now))),
        ("tombstone expires", date(ending.keep_until(), &time::until(ending.keep_until(), now))),
    ]
}

/// A time as a date, with `relative` in parentheses.
fn date(time: Timestamp, relative: &str) -> String {
    time::rfc3339(time).map_or_else(|| "never".to_owned(), |date| format!("{date} ({relative})"))
}

fn or_dash(text: Option<impl ToString>) -> String {
    text.map_or_else(|| "-".to_owned(), |text| text.to_string())
}

/// A visitor's text without control characters, which could move a terminal's cursor.
fn without_controls(text: &str) -> String {
    text.chars()
        .map(|char| if char.is_control() { char::REPLACEMENT_CHARACTER } else { char })
        .collect()
}

/// The value if it is JSON, or else its bytes in hexadecimal digits.
fn value_of(stored: &Stored) -> Result<Option<serde_json::Value>, Box<dyn Error>> {
    /// The format byte of JSON; a byte with the schema version follows.
    const JSON: u8 = 0x01;
    let Stored::Live(record) = stored else { return Ok(None) };
    let Some(bytes) = record.payload().to_bytes()? else { return Ok(None) };
    if let [JSON, _, body @ ..] = &*bytes {
        if let Ok(value) = serde_json::from_slice(body) {
            return Ok(Some(value));
        }
    }
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Some(digits.concat().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visitors_text_cannot_move_the_operators_cursor() {
        let shown = without_controls(
            &serde_json::json!({"name": "\u{9B}2J\u{1B}[2J\u{7F}naïve"}).to_string(),
        );
        assert_eq!(shown, "{\"name\":\"\u{FFFD}2J\\u001b[2J\u{FFFD}naïve\"}");
    }
}
