//! The demo's users.

use cloakroom::{Assurance, Lifetime, Login, Principal, Timestamp};
use serde::Deserialize;
use subtle::ConstantTimeEq;

/// Names and passwords. Only a demo may have them in its source.
pub(super) const USERS: [(&str, &str); 2] = [("alice", "wonderland"), ("bob", "builder")];

/// The assurance level of a password.
const PASSWORD: Assurance = Assurance::new(1);

/// What the sign-in form and the API's login send.
#[derive(Deserialize)]
pub(super) struct Credentials {
    user: String,
    password: String,
    /// Whether to stay signed in on this device.
    #[serde(default)]
    remember: bool,
}

impl Credentials {
    /// The login, if the password is the user's. `now` is the time before the check.
    pub(super) fn login(&self, now: Timestamp) -> Option<Login> {
        let (name, password) = USERS.iter().find(|(name, _)| *name == self.user)?;
        let is_right = bool::from(password.as_bytes().ct_eq(self.password.as_bytes()));
        let principal = Principal::new(name).ok().filter(|_| is_right)?;
        let login = with_password(&principal, now);
        Some(if self.remember { login.with_lifetime(Lifetime::remember_me()) } else { login })
    }
}

/// The first of the users.
pub(super) fn first() -> Principal {
    Principal::new(USERS[0].0).expect("the name is short and has no control characters")
}

/// The login of a user whose password is right. `now` is the time before the check.
pub(super) fn with_password(principal: &Principal, now: Timestamp) -> Login {
    Login::of(principal).with_authenticated_at(now).with_assurance(PASSWORD)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_accepted(user: &str, password: &str) -> bool {
        let (user, password) = (user.to_owned(), password.to_owned());
        Credentials { user, password, remember: false }.login(Timestamp::EPOCH).is_some()
    }

    #[test]
    fn a_user_signs_in_with_their_own_password_only() {
        assert!(is_accepted("alice", "wonderland") && is_accepted("bob", "builder"));
        for (user, password) in
            [("alice", "builder"), ("alice", ""), ("", ""), ("Alice", "wonderland")]
        {
            assert!(!is_accepted(user, password), "{user}:{password}");
        }
    }
}
