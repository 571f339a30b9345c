//! Two kinds of sessions under one cookie: each would take the other's cookie for a dead one of its
//! own, and replace it.

use std::any::type_name;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::sessions::Sessions;
use crate::value::{SessionKind, SessionValue};

/// The cookies of all layers of this process, each with its first owner.
static LAYERS: Mutex<Vec<Owner>> = Mutex::new(Vec::new());
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
///
/// Layers around different routes of one application are no error: they can serve different hosts,
/// and a test program has many applications. If their values differ, the developer is told.
pub(super) fn register<V: SessionValue, K: SessionKind>(sessions: &Sessions<V, K>) {
    let Some(other) = other_owner(sessions) else { return };
    let (cookie, value) = (sessions.cookie_name().unwrap_or_default(), type_name::<V>());
    if other != value {
        sessions.tell_developer(format_args!(
            "two layers of this program have the cookie `{cookie}`, one for `Session<{other}>` and \
             one for `Session<{value}>`: if one host serves both, each replaces the other's \
             cookie; give one of them {}",
            Advice(value)
        ));
    }
}

/// The value of other sessions whose layer has the same cookie, if there is one.
fn other_owner<V: SessionValue, K: SessionKind>(sessions: &Sessions<V, K>) -> Option<&'static str> {
    let (cookie, address) = (sessions.cookie_name()?, sessions.address());
    let mut layers = LAYERS.lock().unwrap_or_else(PoisonError::into_inner);
    match layers.iter().find(|owner| *owner.cookie == *cookie) {
        Some(owner) if owner.address == address => None,
        Some(owner) => {
            ARE_SHARED.store(true, Ordering::Relaxed);
            Some(owner.value)
        }
        None => {
            layers.push(Owner { cookie: cookie.into(), address, value: type_name::<V>() });
            None
        }
    }
}

/// What to give sessions with this value that share a cookie.
struct Advice(&'static str);

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a kind of its own, as in `Session<{}, Preferences>` with `impl SessionKind for \
             Preferences`, or another cookie name",
            self.0
        )
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
                 and one for `Session<{value}>`: give one of them {}",
                Advice(value)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{CookiePolicy, Transport};
    use crate::stores::MemoryStore;

    #[test]
    fn a_layer_is_told_whose_cookie_it_shares() {
        fn sessions<V: SessionValue>() -> Sessions<V> {
            let cookie = CookiePolicy::for_plain_http("shared-by-two-layers");
            let builder = Sessions::builder(MemoryStore::new());
            builder.transport(Transport::cookie(cookie)).build().unwrap()
        }
        let numbers = sessions::<u64>();
        assert_eq!(other_owner(&numbers), None);
        assert_eq!(other_owner(&numbers.clone()), None);
        assert_eq!(other_owner(&sessions::<String>()), Some("u64"));
        assert!(are_shared());
    }
}
