//! `cloakroom show`: one session in full.

use std::error::Error;

use cloakroom::record::{Record, Stored};
use cloakroom::time::{Clock, SystemClock};
use cloakroom::{PublicId, Store, Timestamp};
use serde::Serialize;

use super::access::Access;
use super::entry::{self, Entry};
use super::{Finding, output};
use crate::when;

/// Show one session.
///
/// Its value is shown only on request: it may be somebody's private matter. Keys are never shown; a store has none.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    access: Access,
    /// The session's id: 32 hexadecimal digits
    id: PublicId,
    /// Show its value too
    #[arg(long)]
    value: bool,
}

#[derive(Serialize)]
struct Whole {
    #[serde(flatten)]
    entry: Entry,
    #[serde(flatten)]
    more: Option<More>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<serde_json::Value>,
}

/// What only a live session has.
#[derive(Serialize)]
struct More {
    writes: u64,
    /// When it ends whatever happens.
    ends: Option<String>,
    lifetime: Lifetime,
}

/// Spans in seconds; none: there is no such timeout.
#[derive(Serialize)]
struct Lifetime {
    idle: Option<u64>,
    absolute: u64,
    renewal: Option<u64>,
    outlives_browser: bool,
}

pub(super) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let store = options.access.read()?;
    let now = SystemClock.now();
    let stored = store.get(options.id).wait()?.ok_or(Finding::NoSuchSession)?;
    let value = if options.value { value_of(&stored)? } else { None };
    if options.access.json {
        let more = match &stored {
            Stored::Live(record) => Some(More::of(record)),
            Stored::Ended(_) => None,
        };
        output::object(&Whole { entry: Entry::new(options.id, &stored, now), more, value })?;
    } else {
        output::facts(facts(options.id, &stored, value, now))?;
    }
    Ok(())
}

impl More {
    fn of(record: &Record) -> Self {
        let lifetime = record.lifetime();
        Self {
            writes: record.revision().count(),
            ends: when::rfc3339(record.absolute_deadline()),
            lifetime: Lifetime {
                idle: lifetime.idle_timeout().map(|span| span.as_secs()),
                absolute: lifetime.absolute_timeout().as_secs(),
                renewal: lifetime.renewal_timeout().map(|span| span.as_secs()),
                outlives_browser: lifetime.outlives_browser(),
            },
        }
    }
}

fn facts(
    id: PublicId,
    stored: &Stored,
    value: Option<serde_json::Value>,
    now: Timestamp,
) -> Vec<(&'static str, String)> {
    let entry = Entry::new(id, stored, now);
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let mut facts = vec![
        ("id", entry.id),
        ("state", entry.state.as_str().to_owned()),
        ("principal", or_none(entry.principal)),
    ];
    match stored {
        Stored::Live(record) => {
            let lifetime = record.lifetime();
            let moment = |moment: Timestamp| match when::rfc3339(moment) {
                Some(date) => format!("{date} ({})", when::ago(moment, now)),
                None => "never".to_owned(),
            };
            let deadline = |moment: Timestamp| match when::rfc3339(moment) {
                Some(date) => format!("{date} ({})", entry::until(moment, now)),
                None => "never".to_owned(),
            };
            facts.extend([
                ("created", moment(record.created())),
                ("signed in", record.authenticated_at().map_or_else(|| "never".to_owned(), moment)),
                ("assurance level", record.assurance().to_string()),
                ("key renewed", record.renewed_at().map_or_else(|| "never".to_owned(), moment)),
                ("label", or_none(entry.label)),
                ("user agent", or_none(entry.user_agent)),
                ("address", or_none(entry.address)),
                ("last seen", record.last_seen().map_or_else(|| "not noted".to_owned(), moment)),
                ("ends if unused", deadline(record.expires_at())),
                ("ends in any case", deadline(record.absolute_deadline())),
                (
                    "idle timeout",
                    lifetime.idle_timeout().map_or_else(|| "none".to_owned(), when::span),
                ),
                (
                    "key renewed every",
                    lifetime.renewal_timeout().map_or_else(|| "never".to_owned(), when::span),
                ),
                ("writes", record.revision().count().to_string()),
                ("bytes", entry.bytes.to_string()),
            ]);
        }
        Stored::Ended(_) => facts.extend([
            ("reason", or_none(entry.reason)),
            ("ended", or_none(entry.ended)),
            ("remembered until", or_none(entry.expires)),
        ]),
    }
    if let Some(value) = value {
        facts.push(("value", harmless(&value.to_string())));
    }
    facts
}

/// A text of somebody's making, without what would move a terminal's cursor.
fn harmless(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { char::REPLACEMENT_CHARACTER } else { letter })
        .collect()
}

/// The value if it is JSON, else its bytes in hexadecimal digits.
fn value_of(stored: &Stored) -> Result<Option<serde_json::Value>, Box<dyn Error>> {
    /// The format byte of JSON; a byte of schema follows.
    const JSON: u8 = 0x01;
    let Stored::Live(record) = stored else { return Ok(None) };
    let Some(bytes) = record.payload().to_bytes()? else { return Ok(None) };
    if let [JSON, _, body @ ..] = &*bytes
        && let Ok(value) = serde_json::from_slice(body)
    {
        return Ok(Some(value));
    }
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Some(digits.concat().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_visitor_wrote_cannot_move_the_operators_cursor() {
        let told =
            harmless(&serde_json::json!({"name": "\u{9B}2J\u{1B}[2J\u{7F}naïve"}).to_string());
        assert_eq!(told, "{\"name\":\"\u{FFFD}2J\\u001b[2J\u{FFFD}naïve\"}");
    }
}
