//! Values of every shape.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::BuildHasherDefault;

use cloakroom::{Flash, SessionMap, SessionValue};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Fixed keys, so that each run measures the same.
type Hashing = BuildHasherDefault<std::hash::DefaultHasher>;

/// What is done with the values of each type.
pub(crate) trait Visit {
    /// Called for each kind of value, with a function that makes the one of a number.
    fn visit<V: SessionValue>(&mut self, name: &str, make: impl Fn(usize) -> V);
}

fn map(value: impl Serialize) -> SessionMap {
    let mut map = SessionMap::default();
    map.insert("key", value).unwrap();
    map
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Visitor {
    name: String,
    city: String,
    visits: u64,
    cart: Vec<Item>,
    seen: Option<Box<Visitor>>,
    flash: Flash,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Item {
    article: String,
    count: u32,
    gift: Option<[u64; 8]>,
}

/// Most values of this type take a small part of its size.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
enum Step {
    #[default]
    Begun,
    Filled {
        fields: Box<[u64; 32]>,
    },
    Paid([u64; 32]),
}

/// An untagged variant is written as what it holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Either {
    Small(u8),
    Large([u64; 32]),
}

fn visitor(number: usize) -> Visitor {
    let item = |count| Item { article: format!("article {number}"), count, gift: None };
    Visitor {
        name: format!("visitor {number}"),
        city: "Amsterdam".into(),
        visits: 3,
        cart: (0..5).map(item).collect(),
        seen: Some(Box::default()),
        flash: Flash::default(),
    }
}

/// `text` as a program builds it, piece by piece.
fn grown(length: usize) -> String {
    (0..length).fold(String::new(), |mut text, _| {
        text.push('x');
        text
    })
}

/// Shows each kind of value, with lists of so many elements.
pub(crate) fn each(length: usize, visit: &mut impl Visit) {
    maps(length, visit);
    types(visit);
    collections(length, visit);
}

fn maps(length: usize, visit: &mut impl Visit) {
    visit.visit("nothing", |_| SessionMap::default());
    visit.visit("a number", map);
    visit.visit("ten keys", |number| {
        let mut map = SessionMap::default();
        (0..10).for_each(|key| map.insert(format!("key {key}"), number).unwrap());
        map
    });
    visit.visit("many keys", |_| {
        let mut map = SessionMap::default();
        (0..length).for_each(|key| map.insert(format!("{key}"), 0).unwrap());
        map
    });
    for (name, value) in [
        ("zeros", json!(0)),
        ("[]", json!([])),
        ("[[]]", json!([[]])),
        ("[0]", json!([0])),
        ("{}", json!({})),
        (r#"{"":0}"#, json!({ "": 0 })),
        (r#"{"a":{}}"#, json!({ "a": {} })),
        ("nulls", Value::Null),
        ("empty texts", json!("")),
        ("one letter", json!("a")),
        ("floats", json!(1.5)),
        ("17 letters", json!("17 letters in all")),
    ] {
        visit.visit(&format!("list of {name}"), |_| map(vec![&value; length]));
    }
    visit.visit("deep lists", |_| {
        map(vec![(0..100).fold(json!(0), |inside, _| json!([inside])); 50])
    });
    visit.visit("deep objects", |_| {
        map(vec![(0..100).fold(json!(0), |inside, _| json!({ "a": inside })); 50])
    });
    visit.visit("long text", |_| map("x".repeat(100_000)));
}

fn types(visit: &mut impl Visit) {
    visit.visit("u8", |number| u8::try_from(number % 255 + 1).unwrap());
    visit.visit("visitor", visitor);
    visit.visit("visitors", |number| (0..50).map(|_| visitor(number)).collect::<Vec<_>>());
    visit.visit("steps", |_| vec![Step::Begun; 1_000]);
    visit.visit("filled steps", |_| vec![Step::Filled { fields: Box::default() }; 100]);
    visit.visit("paid steps", |_| vec![Step::Paid([0; 32]); 100]);
    visit.visit("pairs", |_| vec![(1_u8, Some(1_u64)); 3_000]);
    visit.visit("nothings", |_| vec![None::<[u64; 16]>; 1_000]);
    visit.visit("either", |_| vec![Either::Small(1); 1_000]);
    visit.visit("json", |_| json!([[], {}, [[]]]));
    visit.visit("grown text", |_| grown(8_193));
    visit.visit("grown texts", |_| (0..300).map(|_| grown(17)).collect::<Vec<_>>());
}

fn collections(length: usize, visit: &mut impl Visit) {
    visit.visit("bytes", |_| vec![0_u8; length]);
    visit.visit("grown bytes", |_| {
        let mut bytes = Vec::new();
        (0..8_193).for_each(|_| bytes.push(0_u8));
        bytes
    });
    visit.visit("empty texts", |_| vec![String::new(); length]);
    visit.visit("lists of a byte", |_| vec![vec![0_u8]; length]);
    visit.visit("grown lists of a number", |_| {
        let grown = |_| {
            (0..1).fold(Vec::new(), |mut list, _| {
                list.push(7_u64);
                list
            })
        };
        (0..length).map(grown).collect::<Vec<_>>()
    });
    visit.visit("a queue", |_| (0..8_193_u64).collect::<VecDeque<_>>());
    visit.visit("a hash map", |_| {
        (0..14_400_u64).map(|key| (key, key)).collect::<HashMap<_, _, Hashing>>()
    });
    visit.visit("a hash set", |_| (0..14_400_u16).collect::<HashSet<_, Hashing>>());
    visit.visit("a small hash map", |_| HashMap::<_, _, Hashing>::from_iter([(1_u64, 1_u64)]));
    visit.visit("hash maps", |_| {
        vec![HashMap::<_, _, Hashing>::from_iter([("a".to_owned(), 1_u64)]); 300]
    });
    visit.visit("a tree", |_| (0..10_000_u32).map(|key| (key, 1_u8)).collect::<BTreeMap<_, _>>());
    visit.visit("trees", |_| vec![BTreeMap::from([(1_u64, [1_u64; 8])]); 300]);
    visit.visit("a set", |_| (0..10_000_u16).collect::<BTreeSet<_>>());
    visit.visit("sets", |_| vec![BTreeSet::from(["a".to_owned()]); 300]);
}
