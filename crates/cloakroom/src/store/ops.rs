//! The operations of the contract by name.

use std::fmt;

use crate::key::PublicId;

/// An operation of the [`Store`](crate::Store) contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is named after its method")]
#[expect(clippy::exhaustive_enums, reason = "one for each method of the contract")]
pub enum Operation {
    Insert,
    Get,
    Replace,
    Touch,
    EndIf,
    End,
    IndexLogin,
    RevokeBefore,
    Erase,
    SessionsOf,
    Scan,
    Sweep,
    Health,
    Subscribe,
}

impl Operation {
    /// All operations.
    pub const ALL: [Self; 14] = [
        Self::Insert,
        Self::Get,
        Self::Replace,
        Self::Touch,
        Self::EndIf,
        Self::End,
        Self::IndexLogin,
        Self::RevokeBefore,
        Self::Erase,
        Self::SessionsOf,
        Self::Scan,
        Self::Sweep,
        Self::Health,
        Self::Subscribe,
    ];

    /// The method's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Get => "get",
            Self::Replace => "replace",
            Self::Touch => "touch",
            Self::EndIf => "end_if",
            Self::End => "end",
            Self::IndexLogin => "index_login",
            Self::RevokeBefore => "revoke_before",
            Self::Erase => "erase",
            Self::SessionsOf => "sessions_of",
            Self::Scan => "scan",
            Self::Sweep => "sweep",
            Self::Health => "health",
            Self::Subscribe => "subscribe",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One call of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Call {
    /// The operation that was called.
    pub operation: Operation,
    /// The session it concerns, if it concerns one.
    pub id: Option<PublicId>,
}

impl Call {
    /// A call of `operation`, on session `id` if it concerns one.
    pub const fn new(operation: Operation, id: Option<PublicId>) -> Self {
        Self { operation, id }
    }
}
