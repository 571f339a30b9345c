//! What the manager reports while it works.

use std::fmt;

use crate::codec::CodecError;
use crate::key::SessionId;
use crate::principal::Principal;
use crate::record::EndReason;

/// Is told what happens to sessions. Called inline: be quick, and never block.
///
/// ```
/// # use cloakroom::{Event, Observer};
/// #[derive(Debug)]
/// struct ToTheLog;
///
/// impl Observer for ToTheLog {
///     fn observe(&self, event: &Event<'_>) {
///         eprintln!("{event:?}"); // no event holds a secret
///     }
/// }
/// ```
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// Something happened.
    fn observe(&self, event: &Event<'_>);
}

/// Something that happened to a session. It names the session by its id and never shows a secret or a value.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A session was stored for the first time.
    Created {
        /// The session.
        id: SessionId,
    },
    /// Somebody signed in.
    SignedIn {
        /// The session.
        id: SessionId,
        /// Who.
        principal: &'a Principal,
    },
    /// A principal signed in once more than they may: the login was refused, or their oldest session ended.
    ExcessSession {
        /// Who.
        principal: &'a Principal,
        /// How many sessions they may have.
        limit: u8,
    },
    /// A session's secret was replaced.
    Renewed {
        /// The session.
        id: SessionId,
    },
    /// A session was ended.
    Ended {
        /// The session.
        id: SessionId,
        /// Why.
        reason: EndReason,
    },
    /// A key had the right id and a secret that never was one of the session's.
    WrongSecret {
        /// The session.
        id: SessionId,
    },
    /// A secret was presented that had been replaced; it opened nothing.
    ReplacedSecret {
        /// The session.
        id: SessionId,
    },
    /// A secret renewed away long ago was presented: two clients hold copies of one key.
    StolenSecret {
        /// The session.
        id: SessionId,
    },
    /// One request carried several keys of one name (perhaps planted by a sibling domain).
    SeveralKeys {
        /// How many.
        count: usize,
    },
    /// A session's value could not be decoded.
    Undecodable {
        /// The session.
        id: SessionId,
        /// Why.
        error: &'a CodecError,
    },
}
