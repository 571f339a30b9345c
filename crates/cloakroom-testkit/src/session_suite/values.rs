//! What a write returned `Ok` for can be read back, on every store.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use cloakroom::store::Page;
use cloakroom::value::{Codec, CodecError, JsonCodec};
use cloakroom::{Error, ErrorKind, Login, Principal, SessionMap, SessionValue, Sessions, Store};
use serde::{Deserialize, Serialize};

use super::{Counter, assert_kind, key_of};
use crate::block_on;

/// Values that JSON cannot hold, each in a type of its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Odd {
    price: f64,
    ratio: Option<f32>,
    prices: Vec<f64>,
    shape: Option<Shape>,
    keys: BTreeMap<String, Shape>,
}

/// Serde reads a tagged enum through a buffer that has no `u128`, and only text as keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Shape {
    Wide { number: u128 },
    Numbered { names: HashMap<u64, String> },
    Point { x: f64 },
}

fn unfit_values() -> Vec<Odd> {
    let with = |shape| Odd { shape: Some(shape), ..Odd::default() };
    let wide = Shape::Wide { number: u128::MAX };
    vec![
        Odd { price: f64::NAN, ..Odd::default() },
        Odd { price: f64::INFINITY, ..Odd::default() },
        Odd { ratio: Some(f32::NEG_INFINITY), ..Odd::default() },
        Odd { prices: vec![1.0, f64::NAN], ..Odd::default() },
        with(wide.clone()),
        with(Shape::Numbered { names: HashMap::from([(7, "seven".into())]) }),
        with(Shape::Point { x: f64::NAN }),
        Odd { keys: BTreeMap::from([("wide".into(), wide)]), ..Odd::default() },
    ]
}

/// By whatever call it comes: the store is left as it was, and the client is not blamed.
pub fn a_value_that_could_not_be_read_back_is_refused(store: impl Store) {
    let sessions: Sessions<Odd> = Sessions::new(store).unwrap();
    let alice = Principal::new("alice").unwrap();
    block_on(async {
        for unfit in unfit_values() {
            let refused = sessions.generate(unfit.clone()).await;
            assert_unfit(refused.as_ref().err());
            let first = Odd { price: 1.5, ..Odd::default() };
            let request_session = sessions.request_session();
            let mut session = request_session.session(&[("cookie", "")]).await.unwrap();
            assert_unfit(session.set(unfit.clone()).await.err().as_ref());
            assert!(!session.exists());
            session.set(first.clone()).await.unwrap();
            let key = key_of(&session);
            assert_unfit(session.set(unfit.clone()).await.err().as_ref());
            let hour = std::time::Duration::from_secs(3600);
            assert_unfit(session.set_for(unfit.clone(), hour).await.err().as_ref());
            assert_unfit(session.update(|value| *value = unfit.clone()).await.err().as_ref());
            let login = Login::of(&alice);
            let refused = session.login_with(login, |value| *value = unfit.clone()).await;
            assert_unfit(refused.err().as_ref());
            assert_eq!((session.value(), session.principal()), (&first, None));
            let stored = sessions.of_key(&key).await.unwrap();
            assert_eq!((stored.value(), stored.principal()), (&first, None));
        }
        assert_eq!(sessions.list(&alice, Page::first(10)).await.unwrap().len(), 0);
    });
}

#[track_caller]
fn assert_unfit(error: Option<&Error>) {
    let error = error.expect("the value is refused");
    assert_eq!((error.kind(), error.status().as_u16()), (ErrorKind::Unfit, 500));
}

/// A map whose keys are not text is a mistake of the programmer, who reads what is wrong.
pub fn the_error_for_an_unfit_value_names_the_type_and_the_reason(store: impl Store) {
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Board(BTreeMap<(u8, u8), String>);

    let store: Arc<dyn Store> = Arc::new(store);
    let boards: Sessions<Board> = Sessions::new(Arc::clone(&store)).unwrap();
    let odds: Sessions<Odd> = Sessions::new(store).unwrap();
    block_on(async {
        let board = Board(BTreeMap::from([((1, 2), "4111 1111".into())]));
        let error = boards.generate(board).await.err().unwrap();
        assert_eq!(error.status().as_u16(), 500);
        assert_says(&error, &["Board", "key must be a string"]);
        for (value, reason) in unfit_values().into_iter().zip(["NaN", "infinite"]) {
            let error = odds.generate(value).await.err().unwrap();
            assert_says(&error, &["Odd", reason]);
        }
        let secret = Shape::Numbered { names: HashMap::from([(4111, "4111".into())]) };
        let error = odds.generate(Odd { shape: Some(secret), ..Odd::default() }).await;
        assert_says(error.as_ref().err().unwrap(), &["Odd", "cannot be read back", "expected u64"]);
        let message = format!("{:?}", error.err().unwrap());
        assert!(!message.contains("4111"), "{message}");
    });
}

#[track_caller]
fn assert_says(error: &Error, parts: &[&str]) {
    let message = error.to_string();
    assert!(parts.iter().all(|part| message.contains(part)), "{message}");
}

/// The same for a map's entries, which are JSON before they are written.
pub fn a_map_refuses_what_json_cannot_hold(store: impl Store) {
    let sessions: Sessions<SessionMap> = Sessions::new(store).unwrap();
    block_on(async {
        let mut session = sessions.generate(SessionMap::default()).await.unwrap();
        session.insert("price", 1.5).await.unwrap();
        assert_unfit(session.insert("price", f64::NAN).await.err().as_ref());
        assert_unfit(session.insert("prices", [Some(f32::INFINITY)]).await.err().as_ref());
        let mut map = SessionMap::default();
        assert!(map.insert("price", f64::NAN).is_err());
        assert!(map.change("price", |price: &mut f64| *price = f64::INFINITY).is_err());
        assert!(map.is_empty());
        let stored = sessions.of_key(session.key().unwrap()).await.unwrap();
        assert_eq!(stored.value().get::<f64>("price").unwrap(), Some(1.5));
        assert_eq!(stored.value().len(), 1);
    });
}

/// A codec of the application's own is held to the same.
pub fn a_codec_that_loses_what_it_wrote_is_found_at_the_write(store: impl Store) {
    #[derive(Debug)]
    struct Loses;

    impl Codec<Counter> for Loses {
        fn format(&self) -> u8 {
            0x80
        }

        fn encode(&self, value: &Counter, body: &mut Vec<u8>) -> Result<(), CodecError> {
            let count = u8::try_from(value.count).map_err(CodecError::new)?;
            body.push(count);
            Ok(())
        }

        fn decode(&self, body: &[u8]) -> Result<Counter, CodecError> {
            match body {
                [count @ 0..10] => Ok(Counter::of(u64::from(*count))),
                _ => Err("a digit was expected".into()),
            }
        }
    }

    let sessions: Sessions<Counter> = Sessions::builder(store).codec(Loses).build().unwrap();
    block_on(async {
        let mut session = sessions.generate(Counter::of(9)).await.unwrap();
        for (count, reason) in [(10, "a digit was expected"), (256, "out of range")] {
            let error = session.set(Counter::of(count)).await.unwrap_err();
            assert_unfit(Some(&error));
            assert_says(&error, &[reason]);
        }
        assert_eq!(sessions.of_key(session.key().unwrap()).await.unwrap().value().count, 9);
    });
}

/// What node N of a rolling deployment writes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Shop {
    visits: u32,
    items: Vec<Item>,
    by_name: BTreeMap<String, Item>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Item {
    id: u32,
}

/// What node N+1 writes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct NextShop {
    #[serde(skip_serializing_if = "Option::is_none")]
    theme: Option<String>,
    visits: u32,
    items: Vec<NextItem>,
    #[serde(default)]
    by_name: BTreeMap<String, NextItem>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct NextItem {
    id: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gift: Option<String>,
}

/// At any depth, through every call that writes the value.
pub fn an_older_version_keeps_the_fields_that_it_does_not_know(store: impl Store) {
    let store: Arc<dyn Store> = Arc::new(store);
    let (old, new) = (sessions::<Shop>(&store), sessions::<NextShop>(&store));
    block_on(async {
        let gift = |id| NextItem { id, gift: Some(format!("for {id}")) };
        let written = NextShop {
            theme: Some("dark, \"very\": dark".into()),
            visits: 1,
            items: vec![gift(1), gift(2)],
            by_name: BTreeMap::from([("x".into(), gift(3))]),
        };
        let session = new.generate(written.clone()).await.unwrap();
        let key = key_of(&session);
        let of_key = async || old.of_key(&key).await.unwrap();
        let mut session = of_key().await;
        session.update(|shop| shop.visits += 1).await.unwrap();
        let mut session = of_key().await;
        session.update(|shop| shop.items.push(Item { id: 9 })).await.unwrap();
        let mut session = of_key().await;
        let shop = Shop { visits: 3, ..session.value().clone() };
        session.set(shop).await.unwrap();
        let mut session = of_key().await;
        session.update(|shop| shop.items.remove(0)).await.unwrap();
        let mut session = of_key().await;
        session.extend(std::time::Duration::from_secs(60)).await.unwrap();
        let expected =
            NextShop { visits: 3, items: vec![gift(2), NextItem { id: 9, gift: None }], ..written };
        assert_eq!(new.of_key(&key).await.unwrap().value(), &expected);

        // What is sent with a sign-in is a write as well.
        let cookie = format!("__Host-id={}", key.expose());
        let request_session = old.request_session();
        let mut session = request_session.session(&[("cookie", cookie.as_str())]).await.unwrap();
        let alice = Principal::new("alice").unwrap();
        session.login_with(Login::of(&alice), |shop| shop.visits = 4).await.unwrap();
        let session = new.of_key(&key_of(&session)).await.unwrap();
        assert_eq!(session.value(), &NextShop { visits: 4, ..expected });
    });
}

fn sessions<V: SessionValue>(store: &Arc<dyn Store>) -> Sessions<V> {
    Sessions::new(Arc::clone(store)).unwrap()
}

/// The newer version takes a field away: it is gone, and the older one does not bring it back.
pub fn a_field_that_a_version_removes_is_gone(store: impl Store) {
    let store: Arc<dyn Store> = Arc::new(store);
    let (old, new) = (sessions::<Shop>(&store), sessions::<NextShop>(&store));
    block_on(async {
        let theme = Some("dark".into());
        let first = NextShop { theme, visits: 1, ..NextShop::default() };
        let mut session = new.generate(first).await.unwrap();
        let key = key_of(&session);
        session.update(|shop| shop.theme = None).await.unwrap();
        let mut session = old.of_key(&key).await.unwrap();
        session.update(|shop| shop.visits += 1).await.unwrap();
        let session = new.of_key(&key).await.unwrap();
        assert_eq!((session.value().theme.as_deref(), session.value().visits), (None, 2));
    });
}

thread_local! {
    static ENCODED: Cell<u32> = const { Cell::new(0) };
}

/// Looking for fields of other versions costs nothing while there are none.
pub fn a_write_encodes_its_value_once(store: impl Store) {
    #[derive(Debug)]
    struct CountsEncoding;

    impl Codec<Counter> for CountsEncoding {
        fn format(&self) -> u8 {
            Codec::<Counter>::format(&JsonCodec)
        }

        fn encode(&self, value: &Counter, body: &mut Vec<u8>) -> Result<(), CodecError> {
            ENCODED.set(ENCODED.get() + 1);
            JsonCodec.encode(value, body)
        }

        fn decode(&self, body: &[u8]) -> Result<Counter, CodecError> {
            JsonCodec.decode(body)
        }

        fn may_lose_fields(&self, stored: &[u8], written: &[u8]) -> bool {
            Codec::<Counter>::may_lose_fields(&JsonCodec, stored, written)
        }

        fn keep_fields(&self, stored: &[u8], known: &[u8], written: &[u8]) -> Option<Vec<u8>> {
            Codec::<Counter>::keep_fields(&JsonCodec, stored, known, written)
        }
    }

    let sessions: Sessions<Counter> =
        Sessions::builder(store).codec(CountsEncoding).build().unwrap();
    block_on(async {
        ENCODED.set(0);
        let session = sessions.generate(Counter::of(1)).await.unwrap();
        assert_eq!(ENCODED.get(), 1);
        for expected in 2..5 {
            // From the store, as in another request.
            let mut session = sessions.of_key(session.key().unwrap()).await.unwrap();
            session.update(|counter| counter.count += 1).await.unwrap();
            assert_eq!(ENCODED.get(), expected);
        }
    });
}

/// On every store, whatever it would accept itself.
pub fn a_value_larger_than_the_bound_is_refused(store: impl Store) {
    let sessions: Sessions<SessionMap> = Sessions::builder(store).max_value(1_000).build().unwrap();
    block_on(async {
        let mut session = sessions.generate(SessionMap::default()).await.unwrap();
        session.insert("small", "x".repeat(900)).await.unwrap();
        let error = session.insert("large", "x".repeat(100)).await.unwrap_err();
        assert_eq!((error.kind(), error.status().as_u16()), (ErrorKind::Unfit, 413));
        assert_says(&error, &["1025 bytes", "`max_value` is 1000"]);
        let session = sessions.of_key(session.key().unwrap()).await.unwrap();
        assert_eq!(session.value().len(), 1);
    });
}

/// The default is a megabyte, far above what a session should hold and below what stores refuse.
pub fn a_value_of_several_megabytes_is_refused_by_default(store: impl Store) {
    let sessions: Sessions<SessionMap> = Sessions::new(store).unwrap();
    block_on(async {
        let mut session = sessions.generate(SessionMap::default()).await.unwrap();
        session.insert("fits", "x".repeat(1_000_000)).await.unwrap();
        assert_kind(session.insert("x", "x".repeat(100_000)).await, ErrorKind::Unfit);
        assert_eq!(sessions.of_key(session.key().unwrap()).await.unwrap().value().len(), 1);
    });
}
