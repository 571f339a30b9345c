//! The keys that the processes share, as the browsers of users would have them.

use std::collections::HashSet;
use std::sync::mpsc::Sender;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cloakroom::Key;

use crate::slots::SLOTS;

/// The newest key of each slot, and the processes that are told of it.
#[derive(Debug)]
pub(crate) struct Hub(Mutex<State>);

#[derive(Debug)]
struct State {
    current: Vec<Option<Key>>,
    /// Every key that a client was given, with its slot.
    all: HashSet<(usize, Key)>,
    nodes: Vec<Option<Sender<String>>>,
}

impl Hub {
    pub(crate) fn new(nodes: usize) -> Self {
        let (current, nodes) = (vec![None; SLOTS], vec![None; nodes]);
        Self(Mutex::new(State { current, all: HashSet::new(), nodes }))
    }

    /// Tells a new process the keys, and from now on of each new one.
    pub(crate) fn join(&self, node: usize, lines: Sender<String>) {
        let mut state = self.state();
        for (slot, key) in state.current.iter().enumerate() {
            if let Some(key) = key {
                // A process that is gone needs no keys.
                let _ = lines.send(line(slot, key));
            }
        }
        state.nodes[node] = Some(lines);
    }

    /// The line that `node` has printed: `key SLOT FORMER KEY`.
    pub(crate) fn hear(&self, node: usize, said: &str) -> Option<()> {
        let words: Vec<&str> = said.split(' ').collect();
        let ["key", slot, former, key] = words[..] else { return None };
        let (slot, former, key) =
            (slot.parse::<usize>().ok()?, former.parse().ok(), key.parse::<Key>().ok()?);
        let mut state = self.state();
        state.all.insert((slot, key.clone()));
        if state.current[slot] == former {
            let line = line(slot, &key);
            state.current[slot] = Some(key);
            for lines in state.nodes.iter().flatten() {
                let _ = lines.send(line.clone());
            }
        } else if let (Some(key), Some(lines)) = (&state.current[slot], &state.nodes[node]) {
            // Another client was first.
            let _ = lines.send(line(slot, key));
        }
        Some(())
    }

    /// Tells all processes to come to an end.
    pub(crate) fn stop(&self) {
        for lines in self.state().nodes.iter().flatten() {
            let _ = lines.send("stop".to_owned());
        }
    }

    /// The newest key of each slot, and then all others.
    pub(crate) fn keys(&self) -> Vec<(usize, Key)> {
        let state = self.state();
        let slots = state.current.iter().enumerate();
        let newest = slots.filter_map(|(slot, key)| Some((slot, key.clone()?)));
        let mut keys: Vec<_> = newest.collect();
        let others =
            state.all.iter().filter(|(slot, key)| state.current[*slot].as_ref() != Some(key));
        keys.extend(others.cloned());
        keys
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn line(slot: usize, key: &Key) -> String {
    format!("key {slot} {}", key.expose())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use cloakroom::PublicId;
    use cloakroom::key::Secret;

    use super::*;

    fn key(secret: u8) -> Key {
        Key::new(PublicId::from_bytes([1; 16]), Secret::from_bytes([secret; 16]))
    }

    #[test]
    fn a_key_is_shared_unless_a_newer_one_was_first() {
        let hub = Hub::new(2);
        let (lines, told) = channel();
        hub.join(0, lines);
        let say = |former: &str, new: u8| {
            hub.hear(0, &format!("key 3 {former} {}", key(new).expose())).unwrap();
            told.try_iter().collect::<Vec<_>>()
        };
        assert_eq!(say("-", 1), [line(3, &key(1))]);
        assert_eq!(say(&key(1).expose(), 2), [line(3, &key(2))]);
        assert_eq!(say(&key(1).expose(), 9), [line(3, &key(2))]);
        let (lines, told) = channel();
        hub.join(1, lines);
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [line(3, &key(2))]);
        // All are kept for the last look, the newest first.
        let keys: Vec<_> = hub.keys().into_iter().map(|(_, key)| key).collect();
        assert_eq!((keys.len(), &keys[0]), (3, &key(2)));
        assert!(hub.hear(0, "key 3 - AAA").is_none());
    }
}
