//! The tokens that sign the operator in, each once and for some minutes.

use std::fmt;
use std::io;
use std::time::Duration;

use cloakroom::Timestamp;
use cloakroom::key::{Entropy, OsEntropy};
use subtle::ConstantTimeEq;

/// How long a token can be used.
pub(crate) const MINUTES: u64 = 10;
/// Tokens that are remembered, to tell their holders what became of them.
const REMEMBERED: usize = 16;

/// What became of a token that was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presented {
    /// It was valid, and is used up now.
    Accepted,
    UsedBefore,
    Expired,
    /// It was never valid.
    Unknown,
}

/// The tokens, the newest last.
#[derive(Debug, Default)]
pub(super) struct Tokens(Vec<Token>);

struct Token {
    text: String,
    expires: Timestamp,
    is_used: bool,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("is_used", &self.is_used).finish_non_exhaustive()
    }
}

impl Tokens {
    /// Adds a token and returns it. `None` if there is a valid one, so there is at most one.
    pub(super) fn issue(&mut self, now: Timestamp) -> io::Result<Option<String>> {
        let is_valid = |token: &Token| !token.is_used && !token.expires.has_passed(now);
        if self.0.iter().any(is_valid) {
            return Ok(None);
        }
        let text = random()?;
        let expires = now.after(Duration::from_secs(MINUTES * 60));
        self.0.push(Token { text: text.clone(), expires, is_used: false });
        if self.0.len() > REMEMBERED {
            self.0.remove(0);
        }
        Ok(Some(text))
    }

    /// Uses up a token.
    pub(super) fn redeem(&mut self, presented: &str, now: Timestamp) -> Presented {
        match self.find(presented) {
            None => Presented::Unknown,
            Some(token) if token.is_used => Presented::UsedBefore,
            Some(token) if token.expires.has_passed(now) => Presented::Expired,
            Some(token) => {
                token.is_used = true;
                Presented::Accepted
            }
        }
    }

    /// Makes a token valid again that was accepted, and signed no one in.
    pub(super) fn restore(&mut self, presented: &str) {
        if let Some(token) = self.find(presented) {
            token.is_used = false;
        }
    }

    fn find(&mut self, presented: &str) -> Option<&mut Token> {
        let is_it = |token: &&mut Token| token.text.as_bytes().ct_eq(presented.as_bytes()).into();
        self.0.iter_mut().find(is_it)
    }
}

/// 128 random bits as hexadecimal digits.
pub(super) fn random() -> io::Result<String> {
    let mut bytes = [0; 16];
    OsEntropy.fill(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn minutes(minutes: u64) -> Timestamp {
        START.after(Duration::from_secs(minutes * 60))
    }

    #[test]
    fn a_token_signs_in_one_visitor() {
        let mut tokens = Tokens::default();
        let token = tokens.issue(START).unwrap().unwrap();
        for other in ["", &token[1..], &"0".repeat(32)] {
            assert_eq!(tokens.redeem(other, START), Presented::Unknown);
        }
        assert_eq!(tokens.redeem(&token, START), Presented::Accepted);
        assert_eq!(tokens.redeem(&token, START), Presented::UsedBefore);
        assert_eq!(tokens.redeem(&token, minutes(MINUTES)), Presented::UsedBefore);
        assert!(!format!("{tokens:?}").contains(&token));
    }

    #[test]
    fn a_token_expires() {
        let mut tokens = Tokens::default();
        let token = tokens.issue(START).unwrap().unwrap();
        assert_eq!(tokens.redeem(&token, minutes(MINUTES)), Presented::Expired);
        let last = START.after(Duration::from_millis(MINUTES * 60_000 - 1));
        assert_eq!(tokens.redeem(&token, last), Presented::Accepted);
        tokens.restore(&token);
        assert_eq!(tokens.redeem(&token, last), Presented::Accepted);
    }

    #[test]
    fn there_is_at_most_one_valid_token() {
        let mut tokens = Tokens::default();
        let first = tokens.issue(START).unwrap().unwrap();
        assert_eq!(tokens.issue(START).unwrap(), None);
        let second = tokens.issue(minutes(MINUTES)).unwrap().unwrap();
        assert_eq!(tokens.redeem(&first, minutes(MINUTES)), Presented::Expired);
        assert_eq!(tokens.redeem(&second, minutes(MINUTES)), Presented::Accepted);
        for _ in 0..2 * REMEMBERED {
            let later = minutes(2 * MINUTES);
            let token = tokens.issue(later).unwrap().unwrap();
            assert_eq!(tokens.redeem(&token, later), Presented::Accepted);
        }
        assert_eq!(tokens.0.len(), REMEMBERED);
    }
}
