//! The answers of the contract as one type, for drivers that answer operations of every kind.

use crate::key::PublicId;
use crate::record::Stored;
use crate::store::{Ended, Indexed, Inserted, Scanned, StoreError, StoreErrorKind, Swap};

/// What a driver answers: the answer of some operation of the [`Store`](crate::Store) contract.
#[derive(Debug)]
#[expect(missing_docs, reason = "each holds the answer of the operation it is called after")]
#[expect(clippy::exhaustive_enums, reason = "as many as the contract has")]
pub enum Reply {
    Stored(Option<Stored>),
    Inserted(Inserted),
    Swap(Swap),
    Touched(bool),
    Ended(Ended),
    Indexed(Indexed),
    Ids(Vec<PublicId>),
    Scanned(Scanned),
    Swept(usize),
    Well(()),
}

/// What an operation is answered by: one of those a [`Reply`] holds.
pub trait Answer: TryFrom<Reply, Error = StoreError> + Send + 'static {}

impl<T: TryFrom<Reply, Error = StoreError> + Send + 'static> Answer for T {}

/// Each answer as a reply, and back; a reply of another kind is an error, as nobody knows what was done then.
macro_rules! replies {
    ($($kind:ident: $answer:ty),* $(,)?) => {
        $(
            impl From<$answer> for Reply {
                fn from(answer: $answer) -> Self {
                    Self::$kind(answer)
                }
            }

            impl TryFrom<Reply> for $answer {
                type Error = StoreError;

                fn try_from(reply: Reply) -> Result<Self, StoreError> {
                    match reply {
                        Reply::$kind(answer) => Ok(answer),
                        _ => Err(StoreError::outcome_unknown(StoreErrorKind::Unavailable)),
                    }
                }
            }
        )*
    };
}

replies! {
    Stored: Option<Stored>,
    Inserted: Inserted,
    Swap: Swap,
    Touched: bool,
    Ended: Ended,
    Indexed: Indexed,
    Ids: Vec<PublicId>,
    Scanned: Scanned,
    Swept: usize,
    Well: (),
}
