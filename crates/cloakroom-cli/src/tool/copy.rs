//! `cloakroom copy`: all sessions of one store into another.

use std::error::Error;
use std::sync::Arc;

use cloakroom::record::Stored;
use cloakroom::store::{Brought, Cursor, StoreError, bring};
use cloakroom::time::{Clock, SystemClock};
use cloakroom::{PublicId, Store};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::Serialize;

use super::{Finding, output};
use crate::{store, terminal};

/// Copy all sessions into another store, and check that they arrived.
///
/// For while the application is stopped: what it changes meanwhile is not copied, though a second run brings it. To take
/// sessions over while it runs, give it a `cloakroom::stores::MigratingStore` of both stores.
///
/// What is in the other store already is never made older, and what was ended there stays ended, so it may be stopped and run
/// again at any time, within a day: so long a store remembers what was ended in it, and what has gone since is not ended in the
/// other. Later, begin with an empty one. Why ended sessions were ended, and up to when a principal's were revoked, is not copied.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[arg(long, value_name = "URL", help = store::HELP)]
    from: store::Named,
    /// The store to copy into, likewise; it is made if it is not there
    #[arg(long, value_name = "URL")]
    to: store::Named,
    /// Go on from there: what a run that was stopped said on standard error
    #[arg(long, value_name = "PLACE")]
    after: Option<Cursor>,
    /// Answer in JSON, for programs
    #[arg(long)]
    json: bool,
}

/// What became of the entries.
#[derive(Default, Serialize)]
struct Copied {
    /// Whether every session that can be read is in the other store, at the same revision or a later one.
    ok: bool,
    /// New in the other store.
    new: u64,
    /// An earlier state was in the other store, or one that was ended since.
    renewed: u64,
    /// In the other store already, and the same.
    unchanged: u64,
    /// In the other store already, and later; or ended there.
    later: u64,
    /// Ended long ago, and never in the other store.
    left: u64,
    /// Not to be read, and left where they are.
    unreadable: Vec<String>,
    /// Read back from the other store, and not what was brought.
    wrong: Vec<String>,
}

/// Entries read in one part, and on their way at once.
const PART: usize = 500;
const AT_ONCE: usize = 64;

pub(super) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let from = store::read_only(&options.from)?;
    let to = store::wait(options.to.url()?.open())??;
    let mut copied = Copied::default();
    let stopped = store::wait(async {
        let mut copying = Copying { from, to, at: options.after.clone(), copied: &mut copied };
        tokio::select! {
            result = copying.all() => result.err().map(Stopped::By),
            _ = tokio::signal::ctrl_c() => Some(Stopped::Asked),
        }
        .map(|why| (why, copying.at.clone()))
    })?;
    if let Some((why, place)) = stopped {
        let place = place.map(|place| format!(" --after {place}")).unwrap_or_default();
        terminal::talk(&format!("stopped after {}: run it again with{place}", copied.arrived()));
        return Err(match why {
            Stopped::By(error) => error.into(),
            Stopped::Asked => "interrupted".into(),
        });
    }
    copied.ok = copied.unreadable.is_empty() && copied.wrong.is_empty();
    let ok = copied.ok;
    if options.json {
        output::object(&copied)?;
    } else {
        output::facts(copied.facts())?;
    }
    if ok { Ok(()) } else { Err(Finding::Problems.into()) }
}

enum Stopped {
    By(StoreError),
    Asked,
}

struct Copying<'a> {
    from: Arc<dyn Store>,
    to: Arc<dyn Store>,
    /// All before it has arrived.
    at: Option<Cursor>,
    copied: &'a mut Copied,
}

impl Copying<'_> {
    async fn all(&mut self) -> Result<(), StoreError> {
        let progress = output::progress("sessions copied");
        loop {
            let part = self.from.scan(self.at.as_ref(), PART).await?;
            let count = part.entries.len() as u64;
            self.copied.unreadable.extend(part.unreadable.iter().map(ToString::to_string));
            let to = &*self.to;
            let arrived: Vec<(PublicId, Brought, bool)> = stream::iter(part.entries)
                .map(|(id, entry)| over(to, id, entry))
                .buffer_unordered(AT_ONCE)
                .try_collect()
                .await?;
            for (id, brought, is_right) in arrived {
                self.copied.count(id, brought, is_right);
            }
            progress.inc(count);
            match part.next {
                Some(next) => self.at = Some(next),
                None => return Ok(()),
            }
        }
    }
}

/// Brings an entry over and reads it back: what became of it, and whether it is what was brought or later.
async fn over(
    to: &dyn Store,
    id: PublicId,
    entry: Stored,
) -> Result<(PublicId, Brought, bool), StoreError> {
    let is_over = entry.expires_at() <= SystemClock.now();
    let token = match &entry {
        Stored::Live(record) => Some(record.revision().token()),
        Stored::Ended(_) => None,
    };
    let brought = bring(to, id, entry).await?;
    let is_right = match (token, to.get(id).await?, brought) {
        // Each write has a token of its own.
        (
            Some(wanted),
            Some(Stored::Live(found)),
            Brought::New | Brought::Renewed | Brought::Same,
        ) => found.revision().token() == wanted,
        (Some(_), _, Brought::Later | Brought::Nothing) => true,
        // An engine with an expiry of its own keeps nothing that is over.
        (Some(_), found, _) => found.is_none() && is_over,
        (None, found, _) => !matches!(found, Some(Stored::Live(_))),
    };
    Ok((id, brought, is_right))
}

impl Copied {
    fn count(&mut self, id: PublicId, brought: Brought, is_right: bool) {
        match brought {
            Brought::New => self.new += 1,
            Brought::Renewed => self.renewed += 1,
            Brought::Same => self.unchanged += 1,
            Brought::Later => self.later += 1,
            Brought::Nothing => self.left += 1,
        }
        if !is_right {
            self.wrong.push(id.to_string());
        }
    }

    fn arrived(&self) -> u64 {
        self.new + self.renewed + self.unchanged + self.later + self.left
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let named = |ids: &[String]| match ids {
            [] => "none".to_owned(),
            ids => format!("{}: {}", ids.len(), ids.join(" ")),
        };
        vec![
            ("copied", self.new.to_string()),
            ("renewed", self.renewed.to_string()),
            ("there already", self.unchanged.to_string()),
            ("  and later", self.later.to_string()),
            ("ended, left behind", self.left.to_string()),
            ("unreadable, left behind", named(&self.unreadable)),
            ("not as they were brought", named(&self.wrong)),
        ]
    }
}
