//! Who may sign in.

use cloakroom::Principal;
use serde::Deserialize;
use subtle::ConstantTimeEq;

/// Names and passwords, in the program's text for everybody to read: a demo's way, and nobody else's.
pub(super) const USERS: [(&str, &str); 2] = [("alice", "wonderland"), ("bob", "builder")];

/// What somebody says who wants to sign in.
#[derive(Deserialize)]
pub(super) struct Credentials {
    user: String,
    password: String,
}

impl Credentials {
    /// Who that is, if name and password belong together.
    pub(super) fn principal(&self) -> Option<Principal> {
        let (name, password) = USERS.iter().find(|(name, _)| *name == self.user)?;
        let right = bool::from(password.as_bytes().ct_eq(self.password.as_bytes()));
        right.then(|| Principal::new(name).ok()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(user: &str, password: &str) -> Option<String> {
        let (user, password) = (user.to_owned(), password.to_owned());
        let principal = Credentials { user, password }.principal();
        principal.map(|principal| principal.to_string())
    }

    #[test]
    fn only_a_name_with_its_own_password_signs_in() {
        assert_eq!(principal("alice", "wonderland").as_deref(), Some("alice"));
        assert_eq!(principal("bob", "builder").as_deref(), Some("bob"));
        for (user, password) in [("alice", "builder"), ("alice", ""), ("", ""), ("Alice", "wonderland")] {
            assert_eq!(principal(user, password), None, "{user}:{password}");
        }
    }
}
