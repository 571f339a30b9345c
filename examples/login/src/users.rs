//! Who may sign in: names, and passwords as argon2 keeps them.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use cloakroom::Principal;
use tokio::sync::Semaphore;

pub struct Users {
    hashes: HashMap<String, String>,
    /// What the password of nobody is compared with, so that a name that is not known takes as long as one that is.
    nobodys: String,
    /// Passwords looked at at once: each takes a processor and 19 MiB, and anybody may send any number.
    turns: Arc<Semaphore>,
}

impl Users {
    pub fn with_alice() -> Result<Self, Box<dyn Error>> {
        let hash = |password: &str| -> Result<String, Box<dyn Error>> {
            Ok(Argon2::default().hash_password(password.as_bytes())?.to_string())
        };
        let hashes = HashMap::from([("alice".to_owned(), hash("coat")?)]);
        Ok(Self { hashes, nobodys: hash("nobody")?, turns: Arc::new(Semaphore::new(4)) })
    }

    /// Who this is; `None` if the name or the password is wrong, and nobody learns which.
    pub async fn check(&self, name: String, password: String) -> Option<Principal> {
        let is_known = self.hashes.contains_key(&name);
        let hash = self.hashes.get(&name).unwrap_or(&self.nobodys).clone();
        let turn = Arc::clone(&self.turns).acquire_owned().await.ok()?;
        // Argon2 keeps a processor busy on purpose: not one that serves requests.
        let is_right = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let hash = PasswordHash::new(&hash).ok()?;
            Argon2::default().verify_password(password.as_bytes(), &hash).ok()
        });
        is_right.await.ok().flatten().filter(|()| is_known)?;
        Principal::new(name).ok()
    }
}
