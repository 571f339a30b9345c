//! What is asked of every contender.

pub(crate) use crate::visitor::Visitor;

/// The session cookie's name, the same for every contender.
pub(crate) const COOKIE_NAME: &str = "__Host-id";

/// One kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    /// No cookies, and the handler ignores the session.
    Bot,
    /// A session cookie among others, and the handler reads the counter.
    Read,
    /// The same, and the handler increments the counter.
    Write,
}

impl Case {
    pub(crate) const ALL: [Self; 3] = [Self::Bot, Self::Read, Self::Write];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bot => "bot",
            Self::Read => "read",
            Self::Write => "write",
        }
    }

    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Bot => "/ignore",
            Self::Read => "/read",
            Self::Write => "/write",
        }
    }

    /// What is said above its table.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Bot => "a visitor without cookies, a handler that ignores the session",
            Self::Read => "a visitor with a session, a handler that reads it",
            Self::Write => "a visitor with a session, a handler that changes it",
        }
    }
}

/// The `Cookie` header of a browser whose session cookie has the value `key`, with what others have set.
pub(crate) fn cookies(key: &str) -> String {
    format!("_ga=GA1.1.1713350112.1763900000; theme=dark; {COOKIE_NAME}={key}; lang=en-GB")
}
