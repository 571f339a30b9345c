//! The devices that a visitor is signed in on.

use cloakroom::store::Page;
use cloakroom::{Error, PublicId, Session, Sessions, Timestamp};

use super::visitor::Visitor;
use crate::user_agent;

/// The most devices listed.
const LISTED: usize = 100;

/// A session of the visitor, as they see it.
pub(super) struct Device {
    pub(super) id: PublicId,
    /// Whether it is the session of this request.
    pub(super) current: bool,
    pub(super) created: Timestamp,
    pub(super) signed_in: Timestamp,
    pub(super) last_seen: Timestamp,
    /// The browser or program that signed in.
    pub(super) client: String,
    /// The visitor's name for it.
    pub(super) label: Option<String>,
    pub(super) address: Option<String>,
    /// Whether a copy of its cookie is good for minutes only.
    pub(super) is_bound: bool,
}

/// The visitor's devices: this one first, then the most recently used. Empty if not signed in.
pub(super) async fn all(
    sessions: &Sessions<Visitor>,
    session: &Session<Visitor>,
) -> Result<Vec<Device>, Error> {
    let Some(principal) = session.principal() else { return Ok(Vec::new()) };
    let summaries = sessions.list(principal, Page::first(LISTED)).await?;
    let mut devices: Vec<Device> = summaries
        .iter()
        .map(|summary| {
            let current = session.id() == Some(summary.id());
            let seen = if current { Some(sessions.now()) } else { summary.last_seen() };
            Device {
                id: summary.id(),
                current,
                created: summary.created(),
                signed_in: summary.authenticated_at().unwrap_or(summary.created()),
                last_seen: seen.unwrap_or(summary.created()),
                client: user_agent::describe(summary.client())
                    .unwrap_or_else(|| "unknown program".to_owned()),
                label: summary.client().label().map(str::to_owned),
                address: summary.client().address().map(|address| address.to_string()),
                is_bound: summary.device().is_some_and(|device| device.is_confirmed),
            }
        })
        .collect();
    devices.sort_by_key(|device| (!device.current, std::cmp::Reverse(device.last_seen)));
    Ok(devices)
}
