//! Two kinds of sessions under one cookie: each would take the other's cookie for a dead one of its
//! own, and replace it.

use std::any::type_name;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::sessions::Sessions;
use crate::value::{SessionKind, SessionValue};

/// The cookies of all layers of this process, each with the address of its policy.
static LAYERS: Mutex<Vec<(Box<str>, usize)>> = Mutex::new(Vec::new());
/// True once two layers have the same cookie. Only then requests are looked at: in an application
/// without that mistake they cost nothing.
static ARE_SHARED: AtomicBool = AtomicBool::new(false);

/// Which sessions a request belongs to, by cookie.
#[derive(Clone, Default)]
pub(super) struct CookieOwners(Vec<Owner>);

#[derive(Clone)]
struct Owner {
    cookie: Box<str>,
    /// The address of its policy, which is shared by all its clones.
    address: usize,
    value: &'static str,
}

/// Notes a layer with these sessions.
pub(super) fn register<V: SessionValue, K: SessionKind>(sessions: &Sessions<V, K>) {
    let Some(cookie) = sessions.cookie_name() else { return };
    let mut layers = LAYERS.lock().unwrap_or_else(PoisonError::into_inner);
    let is_same = |(other, _): &(Box<str>, usize)| **other == *cookie;
    match layers.iter().find(|layer| is_same(layer)) {
        Some((_, address)) if *address == sessions.address() => {}
        Some(_) => ARE_SHARED.store(true, Ordering::Relaxed),
        None => layers.push((cookie.into(), sessions.address())),
    }
}

/// True if a request can pass through two layers with one cookie.
pub(super) fn are_shared() -> bool {
    ARE_SHARED.load(Ordering::Relaxed)
}

impl CookieOwners {
    /// Claims the cookie for these sessions. Says what to do if it is that of others.
    pub(super) fn claim<V: SessionValue, K: SessionKind>(
        &mut self,
        sessions: &Sessions<V, K>,
    ) -> Option<String> {
        let cookie = sessions.cookie_name()?;
        let (address, value) = (sessions.address(), type_name::<V>());
        let Some(owner) = self.0.iter().find(|owner| *owner.cookie == *cookie) else {
            self.0.push(Owner { cookie: cookie.into(), address, value });
            return None;
        };
        let other = owner.value;
        (owner.address != address).then(|| {
            format!(
                "two layers around this route have the cookie `{cookie}`, one for `Session<{other}>` \
                 and one for `Session<{value}>`: give one of them a kind of its own, as in \
                 `Session<{value}, Preferences>` with `impl SessionKind for Preferences`, or \
                 another cookie name"
            )
        })
    }
}
