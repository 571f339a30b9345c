//! Who may sign in.

use cloakroom::{Assurance, Lifetime, Login, Principal, Timestamp};
use serde::Deserialize;
use subtle::ConstantTimeEq;

/// Names and passwords, in the program's text for everybody to read: a demo's way, and nobody else's.
pub(super) const USERS: [(&str, &str); 2] = [("alice", "wonderland"), ("bob", "builder")];

/// How well a password proves who somebody is, in a demo that has nothing better.
const PASSWORD: Assurance = Assurance::new(1);

/// What somebody says who wants to sign in.
#[derive(Deserialize)]
pub(super) struct Credentials {
    user: String,
    password: String,
    /// Whether they want to stay signed in on this device.
    #[serde(default)]
    remember: bool,
}

impl Credentials {
    /// The login, if name and password belong together; `now` is the time before they are looked at.
    pub(super) fn login(&self, now: Timestamp) -> Option<Login> {
        let (name, password) = USERS.iter().find(|(name, _)| *name == self.user)?;
        let right = bool::from(password.as_bytes().ct_eq(self.password.as_bytes()));
        let principal = Principal::new(name).ok().filter(|_| right)?;
        let login = Login::of(&principal).checked_at(now).with_assurance(PASSWORD);
        Some(if self.remember { login.with_lifetime(Lifetime::remember_me()) } else { login })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signs_in(user: &str, password: &str) -> bool {
        let (user, password) = (user.to_owned(), password.to_owned());
        Credentials { user, password, remember: false }.login(Timestamp::EPOCH).is_some()
    }

    #[test]
    fn only_a_name_with_its_own_password_signs_in() {
        assert!(signs_in("alice", "wonderland") && signs_in("bob", "builder"));
        for (user, password) in
            [("alice", "builder"), ("alice", ""), ("", ""), ("Alice", "wonderland")]
        {
            assert!(!signs_in(user, password), "{user}:{password}");
        }
    }
}
