//! What is asked of every contender.

use std::fmt;

use http::HeaderValue;
use serde::{Deserialize, Serialize};

use crate::Failure;

/// What every session keeps: as much as a small shop knows about a visitor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Visitor {
    pub(crate) visits: u64,
    name: String,
    language: String,
    theme: String,
    landing_page: String,
}

impl Visitor {
    /// The value of a seeded session.
    pub(crate) fn seeded(number: usize) -> Self {
        Self {
            visits: 0,
            name: format!("visitor-{number}"),
            language: "en-GB".into(),
            theme: "dark".into(),
            landing_page: "/spring/coats?sort=price".into(),
        }
    }
}

/// One kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Case {
    /// No cookies at all, and the handler ignores the session.
    Bot,
    /// Cookies but none of ours, and the handler ignores the session.
    Anonymous,
    /// A session cookie, and the handler ignores the session: a picture.
    Untouched,
    /// A session cookie, and the handler reads the counter.
    Read,
    /// A session cookie, and the handler increments the counter.
    ReadWrite,
    /// Cookies but none of ours, and the handler increments the counter: a session begins.
    New,
}

impl Case {
    pub(crate) const ALL: [Self; 6] =
        [Self::Bot, Self::Anonymous, Self::Untouched, Self::Read, Self::ReadWrite, Self::New];

    pub(crate) fn parse(name: &str) -> Result<Self, Failure> {
        let found = Self::ALL.into_iter().find(|case| case.name() == name);
        found.ok_or_else(|| format!("no case is called `{name}`").into())
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bot => "bot",
            Self::Anonymous => "anonymous",
            Self::Untouched => "untouched",
            Self::Read => "read",
            Self::ReadWrite => "read-write",
            Self::New => "new",
        }
    }

    /// What is asked for.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Bot | Self::Anonymous | Self::Untouched => "/ignore",
            Self::Read => "/read",
            Self::ReadWrite | Self::New => "/write",
        }
    }

    /// The `Cookie` header, if `known` is that of a browser that has a session.
    pub(crate) fn cookies(self, known: &HeaderValue) -> Option<HeaderValue> {
        match self {
            Self::Bot => None,
            Self::Anonymous | Self::New => Some(HeaderValue::from_static(STRANGER)),
            Self::Untouched | Self::Read | Self::ReadWrite => Some(known.clone()),
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The session cookie's name, the same for every contender.
pub(crate) const COOKIE_NAME: &str = "__Host-id";

/// The `Cookie` header of a browser that has no session here, only what others have set.
const STRANGER: &str = "_ga=GA1.1.1713350112.1763900000; theme=dark; lang=en-GB";

/// The `Cookie` header of a browser whose session cookie has the value `key`, among the same others.
///
/// # Errors
/// If `key` can't be in a header.
pub(crate) fn cookies(key: &str) -> Result<HeaderValue, Failure> {
    let text = format!("_ga=GA1.1.1713350112.1763900000; theme=dark; {COOKIE_NAME}={key}; lang=en-GB");
    Ok(HeaderValue::from_str(&text)?)
}
