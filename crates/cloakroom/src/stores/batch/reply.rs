//! The answers of the contract as one type, for drivers that carry out every operation.

use crate::key::PublicId;
use crate::record::Stored;
use crate::store::{Ended, Indexed, Inserted, Scanned, StoreError, StoreErrorKind, Swap};

/// The answer to any operation of the [`Store`](crate::Store) contract.
#[derive(Debug)]
#[expect(missing_docs, reason = "each variant is named after the answer it holds")]
#[expect(clippy::exhaustive_enums, reason = "one for each kind of answer in the contract")]
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
    Healthy(()),
}

/// The answer to a swap once more, for a caller whose write was joined to it.
pub(super) fn copy_of_swap(answer: &Result<Reply, StoreError>) -> Result<Reply, StoreError> {
    match answer {
        Ok(Reply::Swap(swap)) => Ok(Reply::Swap(swap.clone())),
        Ok(_) => Err(StoreError::outcome_unknown(StoreErrorKind::Unavailable)),
        Err(error) => Err(error.clone()),
    }
}

/// The answer to one operation of the contract: a type that [`Reply`] can hold.
pub trait Answer: TryFrom<Reply, Error = StoreError> + Send + 'static {}

impl<T: TryFrom<Reply, Error = StoreError> + Send + 'static> Answer for T {}

/// Conversions of each answer to a reply and back. A reply of another kind is an error of unknown
/// outcome.
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
    Healthy: (),
}
