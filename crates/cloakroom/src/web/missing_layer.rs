//! A handler that asks for a session which no layer around its route provides.

use std::any::{Any, TypeId, type_name};
use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::error::Error;
use crate::sessions::RequestSession;
use crate::value::{DefaultKind, SessionKind, SessionValue};

/// The layers that this process has made, each once.
///
/// Only an error looks at them, so requests pay nothing for its message.
static LAYERS: Mutex<Vec<KnownLayer>> = Mutex::new(Vec::new());

/// Where a framework keeps what its layers add to a request.
pub(super) trait RequestExtensions: Any {
    /// What to do if no layer for these sessions has been made.
    fn add(sessions: &dyn fmt::Display) -> String;
    /// What to do if one has been made, and it does not wrap this route.
    const MOVE: &'static str;

    fn has<T: Clone + Send + Sync + 'static>(&self) -> bool;
}

/// A layer that has been made.
#[derive(Clone, Copy)]
struct KnownLayer {
    id: TypeId,
    session: Asked,
    /// Whether the request with these extensions passed through such a layer.
    wraps: fn(&dyn Any) -> bool,
}

/// The type arguments of a `Session`.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Asked {
    value: &'static str,
    /// `None` for the default kind.
    kind: Option<&'static str>,
}

impl Asked {
    fn of<V: SessionValue, K: SessionKind>() -> Self {
        let is_default = TypeId::of::<K>() == TypeId::of::<DefaultKind>();
        Self { value: type_name::<V>(), kind: (!is_default).then(type_name::<K>) }
    }
}

/// As its `Session` and its `Sessions` are written, without that word.
impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            None => write!(f, "<{}>", self.value),
            Some(kind) => write!(f, "<{}, {kind}>", self.value),
        }
    }
}

/// Notes that a layer for these sessions has been made.
pub(super) fn register<E: RequestExtensions, V: SessionValue, K: SessionKind>() {
    let id = TypeId::of::<(E, V, K)>();
    let mut layers = LAYERS.lock().unwrap_or_else(PoisonError::into_inner);
    if layers.iter().all(|layer| layer.id != id) {
        layers.push(KnownLayer { id, session: Asked::of::<V, K>(), wraps: wraps::<E, V, K> });
    }
}

fn wraps<E: RequestExtensions, V: SessionValue, K: SessionKind>(extensions: &dyn Any) -> bool {
    extensions.downcast_ref::<E>().is_some_and(E::has::<RequestSession<V, K>>)
}

/// The error for a request that has these extensions, and no session of this type.
#[cold]
pub(super) fn error<E: RequestExtensions, V: SessionValue, K: SessionKind>(
    extensions: &E,
) -> Error {
    let layers = LAYERS.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let id = TypeId::of::<(E, V, K)>();
    let around: Vec<_> = layers
        .iter()
        .filter(|layer| (layer.wraps)(extensions))
        .map(|layer| layer.session)
        .collect();
    let is_elsewhere = layers.iter().any(|layer| layer.id == id);
    Error::no_layer(explain::<E>(Asked::of::<V, K>(), &around, is_elsewhere))
}

/// What is missing, what is there instead, and what to write.
fn explain<E: RequestExtensions>(asked: Asked, around: &[Asked], is_elsewhere: bool) -> String {
    let names: Vec<_> = around.iter().map(|other| format!("`Session{other}`")).collect();
    let only = if names.is_empty() { "" } else { ", only for " };
    let same_kind = around.iter().find(|other| other.kind == asked.kind);
    let same_value = around.iter().find(|other| other.value == asked.value);
    let way_out = if is_elsewhere {
        E::MOVE.to_owned()
    } else if let Some(other) = same_kind {
        let value = asked.value;
        format!(
            "ask for `Session{other}`, or give `{value}` a kind of its own, as in \
             `Session<{value}, Preferences>` with `impl SessionKind for Preferences`, and a layer \
             for that"
        )
    } else if let Some(other) = same_value {
        format!("ask for `Session{other}`, or {}", E::add(&asked))
    } else {
        E::add(&asked)
    };
    let around = names.join(" and ");
    format!("no session layer for `Session{asked}` wraps this route{only}{around}: {way_out}")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nothing;

    impl RequestExtensions for Nothing {
        const MOVE: &'static str = "move it";

        fn add(sessions: &dyn fmt::Display) -> String {
            format!("add {sessions}")
        }

        fn has<T: Clone + Send + Sync + 'static>(&self) -> bool {
            false
        }
    }

    #[test]
    fn each_mistake_has_its_own_way_out() {
        let session = |value, kind| Asked { value, kind };
        let (cart, prefs) = (session("Cart", None), session("Prefs", None));
        let admins = session("Cart", Some("Admin"));
        let staff = session("Desk", Some("Staff"));
        let table: [(Asked, &[Asked], bool, &str); 6] = [
            (cart, &[], false, "wraps this route: add <Cart>"),
            (admins, &[], false, "add <Cart, Admin>"),
            (cart, &[], true, "wraps this route: move it"),
            (cart, &[prefs], false, "only for `Session<Prefs>`: ask for `Session<Prefs>`, or give"),
            (cart, &[admins], false, "ask for `Session<Cart, Admin>`, or add <Cart>"),
            (cart, &[staff], false, "only for `Session<Desk, Staff>`: add <Cart>"),
        ];
        for (asked, around, is_elsewhere, part) in table {
            let text = explain::<Nothing>(asked, around, is_elsewhere);
            assert!(text.contains(part), "{text}");
        }
    }
}
