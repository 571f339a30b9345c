//! Whom the reuse policy signs out who is no thief: the table of `docs/key-reuse.md`.
//!
//! Measuring all of it takes minutes:
//! ```sh
//! CLOAKROOM_REUSE_TABLE= cargo test -p cloakroom-browsers --test it -- --nocapture reuse_table
//! ```

use std::env;

mod rows;
mod script;

use cloakroom::policy::ReusePolicy;
use cloakroom::{CookiePolicy, Transport};
use cloakroom_browsers::Driver;

use crate::server::{Backend, Server};
use crate::settings;

/// A client that is no thief, and what it does.
type Row = (&'static str, fn(&mut Play) -> String);

/// A visitor's browser at a server with some policy.
struct Play {
    driver: Driver,
    server: Server,
}

/// Plays all rows whose name contains `CLOAKROOM_REUSE_TABLE`, or without it two that are quick.
#[test]
fn no_policy_signs_out_clients_that_are_a_moment_late_or_share_a_bearer_token() {
    let wanted = env::var("CLOAKROOM_REUSE_TABLE");
    let is_wanted = |client: &str| match &wanted {
        Ok(part) => client.contains(part),
        Err(_) => rows::QUICK.contains(&client),
    };
    println!("| client | `end` (default) | `refuse` | `report` |\n|---|---|---|---|");
    let mut driver = Driver::start_with(settings());
    for (client, play) in rows::ROWS.iter().filter(|(client, _)| is_wanted(client)) {
        let mut cells = Vec::new();
        for policy in [ReusePolicy::end(), ReusePolicy::refuse(), ReusePolicy::report()] {
            let server = Server::on(&Backend::new(), |builder| {
                let cookie = CookiePolicy::default();
                builder.transport(Transport::cookie_or_bearer(cookie)).reuse(policy)
            });
            let mut scene = Play { driver, server };
            cells.push(play(&mut scene));
            driver = scene.driver;
        }
        if rows::QUICK.contains(client) {
            assert!(cells.iter().all(|cell| !cell.contains("signed out")), "{client}: {cells:?}");
        }
        if cells.iter().all(|cell| *cell == cells[0]) {
            cells.truncate(1);
            cells.extend(["same".to_owned(), "same".to_owned()]);
        }
        println!("| {client} | {} |", cells.join(" | "));
    }
}
