//! What is encrypted: the deadlines, the cookie's origin, and the value.
//!
//! | offset | bytes | meaning |
//! |---|---|---|
//! | 0 | 8 | when the session began |
//! | 8 | 8 | when it ends if it is not used; all ones: never |
//! | 16 | 8 | when it ends in any case |
//! | 24 | 8 | when this cookie was encrypted: of several that open, the last one counts |
//! | 32 | 4 | the scope that it was sent for, see `EncryptedCookie::scope` |
//! | 36 | rest | the payload: format, schema and body, as for stored sessions; empty: signed out |
//!
//! Times are milliseconds since the Unix epoch, little-endian.

use std::time::Duration;

use super::no_session::NoEncryptedSession;
use crate::policy::Lifetime;
use crate::time::Timestamp;

/// Bytes of the shortest contents: those of a cookie that says that the session was ended.
pub(super) const MIN_LEN: usize = HEADER_LEN;

const HEADER_LEN: usize = 4 * size_of::<u64>() + size_of::<ScopeId>();

/// Tells the scopes of a cookie apart.
pub(super) type ScopeId = [u8; 4];

/// A use is recorded once per this fraction of the idle timeout, as for stored sessions.
const FRACTION: u32 = 10;

/// How far another server's clock can be ahead of this one's.
const SKEW: Duration = Duration::from_secs(60);

/// When a session began and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Deadlines {
    pub(super) issued_at: Timestamp,
    pub(super) idle: Timestamp,
    pub(super) absolute: Timestamp,
}

impl Deadlines {
    /// The deadlines of a new session.
    pub(super) fn begin(lifetime: &Lifetime, now: Timestamp) -> Self {
        Self {
            issued_at: now,
            idle: lifetime.idle_deadline(now),
            absolute: lifetime.absolute_deadline(now),
        }
    }

    /// How long a browser remembers that it was signed out at `now`: as long as any other cookie of
    /// the session can last.
    pub(super) fn ended(lifetime: &Lifetime, now: Timestamp) -> Self {
        Self { idle: Timestamp::NEVER, ..Self::begin(lifetime, now) }
    }

    /// The deadlines of the same session after a use.
    pub(super) fn used(self, lifetime: &Lifetime, now: Timestamp) -> Self {
        Self { idle: lifetime.idle_deadline(now), ..self }
    }

    /// True if the use is to be recorded in a new cookie, or if the lifetime has been changed in
    /// the meantime.
    pub(super) fn use_is_due(&self, lifetime: &Lifetime, now: Timestamp) -> bool {
        let today = lifetime.idle_deadline(now);
        let apart = today.since(self.idle).max(self.idle.since(today));
        lifetime.idle_timeout().map_or(today != self.idle, |idle| apart >= idle / FRACTION)
    }

    pub(super) fn expires_at(&self) -> Timestamp {
        self.idle.min(self.absolute)
    }

    /// Why there is no session with these deadlines at `now`, if there is none. Sessions that began
    /// before `watermark` are revoked.
    pub(super) fn judge(
        &self,
        now: Timestamp,
        watermark: Timestamp,
    ) -> Result<(), NoEncryptedSession> {
        if self.issued_at > now.after(SKEW) {
            return Err(NoEncryptedSession::NotYetValid);
        }
        if self.issued_at < watermark {
            return Err(NoEncryptedSession::Revoked);
        }
        if self.expires_at().has_passed(now) {
            return Err(NoEncryptedSession::Expired);
        }
        Ok(())
    }
}

/// Everything in the contents but the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) deadlines: Deadlines,
    pub(super) encrypted_at: Timestamp,
    pub(super) scope: ScopeId,
}

impl Header {
    pub(super) fn to_contents(self, payload: &[u8]) -> Vec<u8> {
        let Deadlines { issued_at, idle, absolute } = self.deadlines;
        let mut contents = Vec::with_capacity(contents_len(payload.len()));
        for moment in [issued_at, idle, absolute, self.encrypted_at] {
            contents.extend(moment.as_millis().to_le_bytes());
        }
        contents.extend(self.scope);
        contents.extend(payload);
        contents
    }

    /// Header and payload; `None` if the contents are too short, which ours never are.
    pub(super) fn of_contents(contents: &[u8]) -> Option<(Self, &[u8])> {
        let (issued_at, rest) = moment(contents)?;
        let (idle, rest) = moment(rest)?;
        let (absolute, rest) = moment(rest)?;
        let (encrypted_at, rest) = moment(rest)?;
        let (&scope, payload) = rest.split_first_chunk()?;
        let deadlines = Deadlines { issued_at, idle, absolute };
        Some((Self { deadlines, encrypted_at, scope }, payload))
    }
}

/// The length of the contents with a payload of this length.
pub(super) const fn contents_len(payload: usize) -> usize {
    HEADER_LEN + payload
}

fn moment(bytes: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (millis, rest) = bytes.split_first_chunk()?;
    Some((Timestamp::from_millis(u64::from_le_bytes(*millis)), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);
    const MINUTE: Duration = Duration::from_secs(60);

    fn lifetime() -> Lifetime {
        Lifetime::absolute(60 * MINUTE).with_idle_timeout(10 * MINUTE)
    }

    #[test]
    fn contents_are_laid_out_as_the_table_says() {
        let millis = Timestamp::from_millis;
        let deadlines =
            Deadlines { issued_at: millis(1), idle: Timestamp::NEVER, absolute: millis(0x0302) };
        let header = Header { deadlines, encrypted_at: millis(4), scope: [5, 6, 7, 8] };
        let contents = header.to_contents(b"\x01\x00{}");
        assert_eq!(
            contents[..24],
            *b"\x01\0\0\0\0\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02\x03\0\0\0\0\0\0"
        );
        assert_eq!(contents[24..36], *b"\x04\0\0\0\0\0\0\0\x05\x06\x07\x08");
        assert_eq!(Header::of_contents(&contents), Some((header, &b"\x01\x00{}"[..])));
        assert_eq!(Header::of_contents(&contents[..36]), Some((header, &b""[..])));
        assert_eq!(Header::of_contents(&contents[..35]), None);
    }

    #[test]
    fn a_session_ends_at_the_exact_millisecond_of_either_deadline() {
        let judge = |deadlines: Deadlines, now| deadlines.judge(now, Timestamp::EPOCH);
        let just_before = |moment: Timestamp| Timestamp::from_millis(moment.as_millis() - 1);
        let fresh = Deadlines::begin(&lifetime(), NOW);
        let late = fresh.used(&lifetime(), NOW.after(55 * MINUTE));
        for (deadlines, end) in [(fresh, NOW.after(10 * MINUTE)), (late, NOW.after(60 * MINUTE))] {
            assert_eq!(judge(deadlines, just_before(end)), Ok(()));
            assert_eq!(judge(deadlines, end), Err(NoEncryptedSession::Expired));
        }
    }

    #[test]
    fn a_session_from_the_future_opens_within_a_minute_of_skew_only() {
        let judge =
            |ahead| Deadlines::begin(&lifetime(), NOW.after(ahead)).judge(NOW, Timestamp::EPOCH);
        assert_eq!(judge(MINUTE), Ok(()));
        assert_eq!(judge(MINUTE + Duration::from_millis(1)), Err(NoEncryptedSession::NotYetValid));
    }

    #[test]
    fn a_session_from_before_the_watermark_is_revoked_however_recently_it_was_encrypted() {
        let later = NOW.after(5 * MINUTE);
        let deadlines = Deadlines::begin(&lifetime(), NOW).used(&lifetime(), later);
        assert_eq!(deadlines.judge(later, NOW), Ok(()));
        assert_eq!(deadlines.judge(later, NOW.after(MINUTE)), Err(NoEncryptedSession::Revoked));
    }

    #[test]
    fn a_use_is_due_once_per_tenth_of_the_idle_timeout_or_when_the_policy_changed() {
        let fresh = Deadlines::begin(&lifetime(), NOW);
        let due =
            |lifetime: Lifetime, minutes| fresh.use_is_due(&lifetime, NOW.after(minutes * MINUTE));
        assert!(!due(lifetime(), 0) && due(lifetime(), 1));
        assert!(due(lifetime().with_idle_timeout(5 * MINUTE), 0), "the timeout is shorter now");
        assert!(due(Lifetime::absolute(60 * MINUTE), 0), "there is no timeout now");
        let without = Deadlines::begin(&Lifetime::absolute(60 * MINUTE), NOW);
        assert!(!without.use_is_due(&Lifetime::absolute(60 * MINUTE), NOW.after(59 * MINUTE)));
        assert!(without.use_is_due(&lifetime(), NOW));
    }
}
