//! Converts the ids and dates of tower-sessions to keys and timestamps.

use cloakroom::key::Secret;
use cloakroom::{Key, PublicId, Timestamp};
use sha2::{Digest, Sha256};
use time::{OffsetDateTime, PrimitiveDateTime};

const DOMAIN: &[u8] = b"cloakroom tower-sessions 1\0";

/// The key for an id: the id is the secret, and the public id is derived from it by a hash.
pub(crate) fn key(id: i128) -> Key {
    let secret = id.to_le_bytes();
    let digest: [u8; 32] = Sha256::new_with_prefix(DOMAIN).chain_update(secret).finalize().into();
    let mut name = [0; 16];
    name.copy_from_slice(&digest[..16]);
    Key::new(PublicId::from_bytes(name), Secret::from_bytes(secret))
}

/// A date in whole milliseconds, rounded down, so that a session never ends late.
pub(crate) fn deadline(date: OffsetDateTime) -> Timestamp {
    let millis = date.unix_timestamp_nanos() / 1_000_000;
    Timestamp::from_millis(u64::try_from(millis.max(0)).unwrap_or(u64::MAX))
}

/// The timestamp as a date; the last possible date if it is too late for one.
pub(crate) fn date(moment: Timestamp) -> OffsetDateTime {
    let nanos = i128::from(moment.as_millis()) * 1_000_000;
    OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(PrimitiveDateTime::MAX.assume_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_id_does_not_reveal_the_id() {
        let key = key(0x0123_4567_89AB_CDEF);
        // Another derivation would lose every existing session.
        assert_eq!(key.id().to_string(), "ffb308b777b993039dd52e706bda641d");
        assert_eq!(key, super::key(0x0123_4567_89AB_CDEF));
        assert_ne!(key.id(), super::key(-1).id());
    }

    #[test]
    fn a_date_round_trips_to_the_millisecond_and_is_never_later() {
        let date_of = |nanos| OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap();
        assert_eq!(
            date(deadline(date_of(1_700_000_000_123_000_000))),
            date_of(1_700_000_000_123_000_000)
        );
        assert_eq!(
            date(deadline(date_of(1_700_000_000_123_999_999))),
            date_of(1_700_000_000_123_000_000)
        );
    }

    #[test]
    fn dates_out_of_range_become_the_nearest_possible() {
        assert_eq!(deadline(date_of_year(-5)), Timestamp::EPOCH);
        assert_eq!(date(Timestamp::NEVER).year(), 9999);
    }

    fn date_of_year(year: i32) -> OffsetDateTime {
        let day = time::Date::from_calendar_date(year, time::Month::May, 1).unwrap();
        day.midnight().assume_utc()
    }
}
