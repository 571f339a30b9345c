//! The requests that every contender is sent.

use std::fmt;

use http::HeaderValue;

use crate::Failure;

/// One kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Case {
    /// No cookies, and the handler ignores the session.
    Bot,
    /// Cookies but no session cookie, and the handler ignores the session.
    Anonymous,
    /// A session cookie, and the handler ignores the session.
    Untouched,
    /// A session cookie, and the handler reads the counter.
    Read,
    /// A session cookie, and the handler increments the counter.
    ReadWrite,
    /// Cookies but no session cookie, and the handler increments the counter: a session begins.
    New,
}

impl Case {
    pub const ALL: [Self; 6] =
        [Self::Bot, Self::Anonymous, Self::Untouched, Self::Read, Self::ReadWrite, Self::New];

    pub(super) fn parse(name: &str) -> Result<Self, Failure> {
        let found = Self::ALL.into_iter().find(|case| case.name() == name);
        found.ok_or_else(|| format!("no case is called `{name}`").into())
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bot => "bot",
            Self::Anonymous => "anonymous",
            Self::Untouched => "untouched",
            Self::Read => "read",
            Self::ReadWrite => "read-write",
            Self::New => "new",
        }
    }

    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Bot | Self::Anonymous | Self::Untouched => "/ignore",
            Self::Read => "/read",
            Self::ReadWrite | Self::New => "/write",
        }
    }

    /// The `Cookie` header; `known` is that of a browser with a session.
    #[must_use]
    pub fn cookies(self, known: &HeaderValue) -> Option<HeaderValue> {
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
pub const COOKIE_NAME: &str = "__Host-id";

/// The `Cookie` header of a browser without a session cookie.
pub const STRANGER: &str = "_ga=GA1.1.1713350112.1763900000; theme=dark; lang=en-GB";

/// The `Cookie` header of a browser whose session cookie has the value `key`.
pub fn cookies(key: &str) -> Result<HeaderValue, Failure> {
    let others = "_ga=GA1.1.1713350112.1763900000; theme=dark";
    Ok(HeaderValue::from_str(&format!("{others}; {COOKIE_NAME}={key}; lang=en-GB"))?)
}
