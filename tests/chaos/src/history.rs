//! What the clients asked for, and what they were answered.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use cloakroom::record::EndReason;
use serde::{Deserialize, Serialize};

use crate::tally::Tally;

/// The number of the process that looks at the end; the others begin at 1.
pub(crate) const OBSERVER: u32 = 0;

/// One operation of one client: a line of the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Operation {
    /// Unique; an increment leaves it in the session's value.
    pub(crate) number: u64,
    /// The process; one that is started again is another.
    pub(crate) node: u32,
    /// The process has a near cache.
    pub(crate) is_cached: bool,
    pub(crate) action: Action,
    pub(crate) principal: String,
    /// The key that the request presented.
    pub(crate) key: Option<KeyName>,
    /// When the client asked, in microseconds.
    pub(crate) start: u64,
    /// When it had the answer; `None` if the process was killed before.
    pub(crate) end: Option<u64>,
    pub(crate) outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Action {
    Increment,
    Read,
    Login,
    Renew,
    Logout,
    RevokeAll,
    /// All live sessions of a principal, at the end.
    List,
    /// One of these, with its value.
    Listed,
}

/// A key without its secret: the session it belongs to, and a hash.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct KeyName {
    pub(crate) session: String,
    pub(crate) hash: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Outcome {
    Done(Answer),
    /// It did not happen.
    Refused(Refusal),
    /// It may have happened.
    Unknown,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// The session that was opened, or that a sign-in led to.
    pub(crate) session: Option<String>,
    /// The key that the client has then.
    pub(crate) key: Option<KeyName>,
    /// The value as it was then.
    pub(crate) seen: Option<Tally>,
    /// The sessions of a list.
    pub(crate) listed: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Refusal {
    Unavailable,
    /// The key was replaced, a moment ago or longer ago, or it never was this session's.
    NotItsKey(String),
    /// The session was ended for this reason.
    Ended(String),
    /// The store has no such session.
    Absent,
    Other(String),
}

impl Refusal {
    /// Why a key is [not the session's](Self::NotItsKey) that the session does not know.
    pub(crate) const WRONG_SECRET: &'static str = "wrong secret";
}

impl Operation {
    pub(crate) fn answer(&self) -> Option<&Answer> {
        match &self.outcome {
            Outcome::Done(answer) => Some(answer),
            _ => None,
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.answer().is_some()
    }

    /// The session that it opened, or led to.
    pub(crate) fn session(&self) -> Option<&str> {
        self.answer()?.session.as_deref()
    }

    /// The session of the key that it presented.
    pub(crate) fn presented(&self) -> Option<&str> {
        self.key.as_ref().map(|key| key.session.as_str())
    }

    /// True if it was refused because the session had been ended for this reason.
    pub(crate) fn was_ended_by(&self, reason: EndReason) -> bool {
        let Outcome::Refused(Refusal::Ended(why)) = &self.outcome else { return false };
        why == reason.as_str()
    }

    pub(crate) fn concerns(&self, session: &str) -> bool {
        self.presented() == Some(session) || self.session() == Some(session)
    }

    /// True for what is looked at when all else is over.
    pub(crate) const fn is_last_look(&self) -> bool {
        self.node == OBSERVER
    }

    /// When it was over: never, if its process was killed.
    pub(crate) fn over(&self) -> u64 {
        self.end.unwrap_or(u64::MAX)
    }
}

/// What a process writes about an operation.
#[derive(Serialize, Deserialize)]
enum Line {
    Start(Operation),
    End { number: u64, at: u64, outcome: Outcome },
}

/// The file to which one process writes its part of the history.
///
/// Each line is one write, so a kill loses at most the end of the last.
#[derive(Debug)]
pub(crate) struct Log(File);

impl Log {
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        OpenOptions::new().create(true).append(true).open(path).map(Self)
    }

    pub(crate) fn start(&self, operation: &Operation) -> io::Result<()> {
        self.write(&Line::Start(operation.clone()))
    }

    pub(crate) fn end(&self, number: u64, at: u64, outcome: &Outcome) -> io::Result<()> {
        self.write(&Line::End { number, at, outcome: outcome.clone() })
    }

    fn write(&self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        (&self.0).write_all(&text)
    }
}

/// Reads what a process has written. An operation without an end has an unknown outcome.
pub(crate) fn read(path: &Path) -> io::Result<Vec<Operation>> {
    let mut operations = BTreeMap::new();
    for line in std::fs::read_to_string(path)?.lines() {
        match serde_json::from_str(line) {
            Ok(Line::Start(operation)) => {
                operations.insert(operation.number, operation);
            }
            Ok(Line::End { number, at, outcome }) => {
                if let Some(operation) = operations.get_mut(&number) {
                    (operation.end, operation.outcome) = (Some(at), outcome);
                }
            }
            // The process was killed while it wrote.
            Err(_) => {}
        }
    }
    Ok(operations.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(number: u64) -> Operation {
        Operation {
            number,
            node: 1,
            is_cached: false,
            action: Action::Logout,
            principal: "alice".to_owned(),
            key: Some(KeyName { session: "s".to_owned(), hash: 7 }),
            start: 5,
            end: None,
            outcome: Outcome::Unknown,
        }
    }

    #[test]
    fn what_a_killed_process_did_not_finish_has_an_unknown_outcome() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("history");
        let log = Log::create(&path).unwrap();
        let done = Outcome::Done(Answer::default());
        log.start(&operation(1)).unwrap();
        log.start(&operation(2)).unwrap();
        log.end(1, 9, &done).unwrap();
        log.end(2, 9, &done).unwrap();
        // The last line is cut off.
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 10]).unwrap();
        let first = Operation { end: Some(9), outcome: done, ..operation(1) };
        assert_eq!(read(&path).unwrap(), [first, operation(2)]);
    }
}
