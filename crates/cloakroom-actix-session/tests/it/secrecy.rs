//! Neither the store nor its calls contain anything that opens a session.

use std::sync::Arc;

use actix_session::storage::{SessionKey, SessionStore};
use cloakroom::key::Secret;
use cloakroom::{Key, Store};
use cloakroom_testkit::{Calls, SpyStore};

use crate::bridge::{Bridge, HOUR, copy, entries, key, state};

async fn the_store_holds_neither_key_nor_secret(store: impl Store) {
    let store = Arc::new(store);
    let bridge = Bridge::over(Arc::clone(&store));
    let (live, ended) = (bridge.saved("hat").await, bridge.saved("hat").await);
    bridge.sessions.update(copy(&live), state("in plain sight"), &HOUR).await.unwrap();
    bridge.sessions.delete(&ended).await.unwrap();

    let dump = dump(&*store).await;
    assert!(contains(&dump, b"in plain sight"));
    for text in [live, ended] {
        assert!(!contains(&dump, text.as_ref().as_bytes()), "the store keeps a key's text");
        // The last 21 characters encode only the secret.
        assert!(
            !contains(&dump, &text.as_ref().as_bytes()[22..]),
            "the store keeps a secret's text"
        );
        assert!(!contains(&dump, &secret(&text)), "the store keeps a secret");
    }
}

async fn the_public_id_without_the_secret_opens_and_ends_nothing(store: impl Store) {
    let store = Arc::new(store);
    let bridge = Bridge::over(Arc::clone(&store));
    let real = bridge.saved("hat").await;
    let id = real.as_ref().parse::<Key>().unwrap().id();
    for guess in [[0; 16], *id.as_bytes(), [0xFF; 16]] {
        let forged = key(Key::new(id, Secret::from_bytes(guess)).expose());
        assert_eq!(bridge.load(&forged).await, None);
        assert!(bridge.sessions.update(copy(&forged), state("stolen"), &HOUR).await.is_err());
        bridge.sessions.delete(&forged).await.unwrap();
    }
    assert_eq!(bridge.load(&real).await, Some(state("hat")));
}

async fn round_trips_are_as_documented(store: impl Store) {
    let spy = SpyStore::new(store);
    let bridge = Bridge::over(spy.clone());
    let saved = bridge.saved("hat").await;
    assert_eq!(spy.calls(), Calls { insert: 1, ..Calls::default() });
    spy.reset();
    bridge.load(&saved).await;
    assert_eq!(spy.calls(), Calls { get: 1, ..Calls::default() });
    spy.reset();
    bridge.sessions.update(copy(&saved), state("hat"), &HOUR).await.unwrap();
    assert_eq!(spy.calls(), Calls { get: 1, replace: 1, ..Calls::default() });
    spy.reset();
    bridge.sessions.update_ttl(&saved, &HOUR).await.unwrap();
    assert_eq!(spy.calls(), Calls { get: 1, replace: 1, ..Calls::default() });
    spy.reset();
    bridge.sessions.delete(&saved).await.unwrap();
    assert_eq!(spy.calls(), Calls { get: 1, end_if: 1, ..Calls::default() });
    spy.reset();
    bridge.load(&key("no key of ours")).await;
    bridge.sessions.delete(&key("nor this")).await.unwrap();
    assert_eq!(spy.calls(), Calls::default());
}

/// The sixteen bytes of the secret, decoded here since no public method exposes them.
fn secret(key: &SessionKey) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for character in key.as_ref().bytes() {
        let value = ALPHABET.iter().position(|letter| *letter == character).unwrap();
        bits = (bits << 6 | u32::try_from(value).unwrap()) & 0xFFFF;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xFF).unwrap());
        }
    }
    bytes.split_off(16)
}

/// Everything in the store, ids included.
async fn dump(store: &impl Store) -> Vec<u8> {
    let mut dump = Vec::new();
    for (id, stored) in entries(store).await {
        dump.extend(id.as_bytes());
        dump.extend(stored.to_bytes().unwrap());
    }
    dump
}

fn contains(dump: &[u8], needle: &[u8]) -> bool {
    dump.windows(needle.len()).any(|window| window == needle)
}

on_every_store! {
    the_store_holds_neither_key_nor_secret
    the_public_id_without_the_secret_opens_and_ends_nothing
    round_trips_are_as_documented
}
