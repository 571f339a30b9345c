//! The other process: answers what it is asked until it is killed.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use cloakroom::record::Revision;
use cloakroom::store::{IndexEntry, IndexLogin, Page, StoreError};
use cloakroom::{Principal, PublicId, Store, Timestamp};
use cloakroom_sqlite::{SqliteError, SqliteStore};

use super::message::{self, Answer, Ask, ending_of, record_of};
use super::{FAILED, LISTENS};

pub(super) fn serve(store: Result<SqliteStore, SqliteError>) {
    let store = match store {
        Ok(store) => Arc::new(store),
        Err(error) => return println!("\n{FAILED}{error}"),
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("\n{LISTENS}{}", listener.local_addr().unwrap());
    for connection in listener.incoming() {
        let store = Arc::clone(&store);
        thread::spawn(move || converse(&store, connection.unwrap()));
    }
}

fn converse(store: &SqliteStore, connection: TcpStream) {
    let mut connection = BufReader::new(connection);
    let mut line = String::new();
    while connection.read_line(&mut line).is_ok_and(|length| length > 0) {
        let answer = answer(store, message::parse(&line));
        let answer = answer.unwrap_or_else(|error| Answer::Failed(chain(&error)));
        connection.get_mut().write_all(&message::line(&answer)).unwrap();
        line.clear();
    }
}

fn answer(store: &SqliteStore, ask: Ask) -> Result<Answer, StoreError> {
    let id = PublicId::from_bytes;
    let mark = |(count, token)| Revision::new(count, token);
    let time = Timestamp::from_millis;
    let page = |after: Option<[u8; 16]>, limit| {
        let first = Page::first(limit);
        after.map_or(first, |after| first.after(id(after)))
    };
    let principal = |name: String| Principal::new(name).unwrap();
    Ok(match ask {
        Ask::Insert(name, record) => store.insert(id(name), record_of(&record)).wait()?.into(),
        Ask::Get(name) => store.get(id(name)).wait()?.into(),
        Ask::Replace(name, expected, record) => {
            store.replace(id(name), mark(expected), record_of(&record)).wait()?.into()
        }
        Ask::Touch(name, expected, deadline) => {
            store.touch(id(name), mark(expected), time(deadline)).wait()?.into()
        }
        Ask::EndIf(name, expected, ending) => {
            store.end_if(id(name), mark(expected), ending_of(&ending)).wait()?.into()
        }
        Ask::End(name, ending) => store.end(id(name), ending_of(&ending)).wait()?.into(),
        Ask::IndexLogin { whom, id: name, until, proof, limit, replacing } => {
            let seen = |(name, until)| IndexEntry::new(id(name), time(until));
            let mut admission = IndexLogin::new(principal(whom), id(name), time(until));
            admission = admission.authenticated_at(time(proof));
            admission.limit = limit;
            admission.replacing = replacing.into_iter().map(seen).collect();
            store.index_login(admission).wait()?.into()
        }
        Ask::RevokeBefore(whom, before, until) => {
            store.revoke_before(&principal(whom), time(before), time(until)).wait()?.into()
        }
        Ask::SessionsOf(whom, after, limit) => {
            store.sessions_of(&principal(whom), page(after, limit)).wait()?.into()
        }
        Ask::Scan(from, limit) => {
            let from = from.map(|from| from.parse().unwrap());
            store.scan(from.as_ref(), limit).wait()?.into()
        }
        Ask::Sweep(now, limit) => store.sweep(time(now), limit).wait()?.into(),
        Ask::Health => store.health().wait()?.into(),
    })
}

/// An error and its causes, in one line.
fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
