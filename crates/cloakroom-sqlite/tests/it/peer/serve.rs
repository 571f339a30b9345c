//! The child process: answers requests until it is killed.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use cloakroom::key::KindTag;
use cloakroom::record::Revision;
use cloakroom::store::{IndexLogin, Page, StoreError};
use cloakroom::{Principal, PublicId, Store, Timestamp};
use cloakroom_sqlite::{SqliteError, SqliteStore};

use super::message::{self, Answer, Request, ending_of, entry_of, record_of};
use super::{FAILED, LISTENING};

pub(super) fn serve(store: Result<SqliteStore, SqliteError>) {
    let store = match store {
        Ok(store) => Arc::new(store),
        Err(error) => return println!("\n{FAILED}{error}"),
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("\n{LISTENING}{}", listener.local_addr().unwrap());
    for connection in listener.incoming() {
        let store = Arc::clone(&store);
        thread::spawn(move || serve_connection(&store, connection.unwrap()));
    }
}

fn serve_connection(store: &SqliteStore, connection: TcpStream) {
    let mut connection = BufReader::new(connection);
    let mut line = String::new();
    while connection.read_line(&mut line).is_ok_and(|length| length > 0) {
        let answer = answer(store, message::parse(&line));
        let answer = answer.unwrap_or_else(|error| Answer::Failed(chain(&error)));
        connection.get_mut().write_all(&message::line(&answer)).unwrap();
        line.clear();
    }
}

fn answer(store: &SqliteStore, request: Request) -> Result<Answer, StoreError> {
    let (id, kind) = (PublicId::from_bytes, KindTag::from_bytes);
    let revision = |(count, token)| Revision::new(count, token);
    let time = Timestamp::from_millis;
    let page = |after: Option<[u8; 16]>, limit| {
        let first = Page::first(limit);
        after.map_or(first, |after| first.after(id(after)))
    };
    let principal = |name: String| Principal::new(name).unwrap();
    Ok(match request {
        Request::Insert(name, record) => store.insert(id(name), record_of(&record)).wait()?.into(),
        Request::Get(name) => store.get(id(name)).wait()?.into(),
        Request::Replace(name, seen, record) => {
            let (seen, record) = (record_of(&seen), record_of(&record));
            let now = record.created();
            store.replace(id(name), &seen, record, now).wait()?.into()
        }
        Request::Touch(name, expected, deadline) => {
            store.touch(id(name), revision(expected), time(deadline)).wait()?.into()
        }
        Request::EndIf(name, expected, ending) => {
            store.end_if(id(name), revision(expected), ending_of(&ending)).wait()?.into()
        }
        Request::End(name, ending) => store.end(id(name), ending_of(&ending)).wait()?.into(),
        Request::IndexLogin {
            principal: principal_name,
            id: name,
            kind: tag,
            until,
            authenticated_at,
            limit,
            counted,
            replacing,
        } => {
            let name_of_user = principal(principal_name);
            let mut login = IndexLogin::new(name_of_user, id(name), kind(tag), time(until));
            login = login.with_authenticated_at(time(authenticated_at));
            login.limit = limit;
            login.counted = counted.map(kind);
            login.replacing = replacing.into_iter().map(entry_of).collect();
            store.index_login(login).wait()?.into()
        }
        Request::RevokeBefore(principal_name, before, until) => store
            .revoke_before(&principal(principal_name), time(before), time(until))
            .wait()?
            .into(),
        Request::Erase(principal_name, ended, until) => store
            .erase(&principal(principal_name), ended.into_iter().map(id).collect(), time(until))
            .wait()?
            .into(),
        Request::SessionsOf(principal_name, tag, after, limit) => store
            .sessions_of(&principal(principal_name), tag.map(kind), page(after, limit))
            .wait()?
            .into(),
        Request::Scan(from, limit) => {
            let from = from.map(|from| from.parse().unwrap());
            store.scan(from.as_ref(), limit).wait()?.into()
        }
        Request::Sweep(now, limit) => store.sweep(time(now), limit).wait()?.into(),
        Request::Health => store.health().wait()?.into(),
    })
}

/// An error and its causes on one line.
fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
