//! Where somebody is signed in.

use cloakroom::store::Page;
use cloakroom::{Error, PublicId, Session, Sessions, Timestamp};

use super::visitor::Visitor;
use crate::user_agent;

/// The most that are shown.
const MOST: usize = 100;

/// A session of the visitor's, as they know it.
pub(super) struct Device {
    pub(super) id: PublicId,
    /// It is the one that asks.
    pub(super) current: bool,
    pub(super) created: Timestamp,
    pub(super) signed_in: Timestamp,
    pub(super) last_seen: Timestamp,
    /// The browser or program that signed in.
    pub(super) client: String,
    /// What the visitor calls it.
    pub(super) label: Option<String>,
    pub(super) address: Option<String>,
}

/// Where the visitor is signed in, this session first and then the one used last; none if they are not.
pub(super) async fn all(
    sessions: &Sessions<Visitor>,
    session: &Session<Visitor>,
) -> Result<Vec<Device>, Error> {
    let Some(principal) = session.principal() else { return Ok(Vec::new()) };
    let listed = sessions.list(principal, Page::first(MOST)).await?;
    let mut devices: Vec<Device> = listed
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
            }
        })
        .collect();
    devices.sort_by_key(|device| (!device.current, std::cmp::Reverse(device.last_seen)));
    Ok(devices)
}
