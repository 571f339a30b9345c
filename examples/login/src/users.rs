//! The users: names, and password hashes made by argon2.

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
    /// The hash to check for an unknown name, so that it takes as long as for a known one.
    dummy: String,
    /// Limits how many passwords are checked at once: each takes a processor and 19 MiB.
    permits: Arc<Semaphore>,
}

impl Users {
    pub fn with_alice() -> Result<Self, Box<dyn Error>> {
        let hash = |password: &str| -> Result<String, Box<dyn Error>> {
            Ok(Argon2::default().hash_password(password.as_bytes())?.to_string())
        };
        let hashes = HashMap::from([("alice".to_owned(), hash("wonderland")?)]);
        Ok(Self { hashes, dummy: hash("dummy")?, permits: Arc::new(Semaphore::new(4)) })
    }

    /// The user with this name and password; `None` does not say which of them is wrong.
    pub async fn check(&self, name: String, password: String) -> Option<Principal> {
        let is_known = self.hashes.contains_key(&name);
        let hash = self.hashes.get(&name).unwrap_or(&self.dummy).clone();
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok()?;
        // Argon2 takes time on purpose, which a thread that serves requests must not spend.
        let is_right = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let hash = PasswordHash::new(&hash).ok()?;
            Argon2::default().verify_password(password.as_bytes(), &hash).ok()
        });
        is_right.await.ok().flatten().filter(|()| is_known)?;
        Principal::new(name).ok()
    }
}
