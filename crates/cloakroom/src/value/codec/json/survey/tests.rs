//! A survey tells what `serde_json` would write.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// One variant of each form in serde.
#[derive(Clone, Debug, Serialize)]
enum Kind {
    Unit,
    New(u8),
    Tuple(i64, String),
    Struct { text: Option<String>, character: char, unit: () },
}

#[derive(Clone, Debug, Serialize)]
struct Wrapped(BTreeMap<String, Vec<Kind>>, (bool, u128, i8), std::num::NonZero<u64>);

fn check(value: &impl Serialize) {
    assert_eq!(of(value).unwrap().length, serde_json::to_string(value).unwrap().len());
}

fn shape<T: Serialize>(value: &T) -> u64 {
    of(value).unwrap().shape
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Unit),
        any::<u8>().prop_map(Kind::New),
        any::<(i64, String)>().prop_map(|(number, text)| Kind::Tuple(number, text)),
        any::<(Option<String>, char)>().prop_map(|(text, character)| Kind::Struct {
            text,
            character,
            unit: ()
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_length_is_that_of_the_json_that_serde_json_writes(
        map in prop::collection::btree_map(
            any::<String>(),
            prop::collection::vec(kind(), 0..4),
            0..4,
        ),
        numbers in any::<(bool, u128, i8)>(),
        number in 1_u64..,
    ) {
        check(&Wrapped(map, numbers, std::num::NonZero::new(number).unwrap()));
    }
}

#[test]
fn every_character_is_as_long_as_its_escape_sequence() {
    (0..=0x7F_u8).for_each(|byte| check(&char::from(byte)));
    check(&i128::MIN);
    check(&u64::MAX);
    check(&[0_u8; 0]);
}

#[test]
fn a_value_that_json_cannot_hold_is_refused() {
    assert_eq!(of(&[1.5, f64::NAN]), Err(Unsurveyed::NotFinite));
    assert_eq!(of(&Some(f32::INFINITY)), Err(Unsurveyed::NotFinite));
    let nested = |depth| (0..depth).fold(serde_json::json!(0), |inside, _| [inside].into());
    assert!(of(&nested(127)).is_ok());
    assert_eq!(of(&nested(128)), Err(Unsurveyed::TooDeep));
}

#[derive(PartialEq, Eq, PartialOrd, Ord, Serialize)]
enum Key {
    Unit,
}

#[test]
fn keys_are_text_or_numbers_and_others_are_left_to_serde_json() {
    check(&BTreeMap::from([(7, "seven"), (-8, "eight")]));
    check(&BTreeMap::from([(Key::Unit, 1)]));
    assert_eq!(of(&BTreeMap::from([(Some("key"), 1)])), Err(Unsurveyed::Unknown));
    assert_eq!(of(&BTreeMap::from([(["key"], 1)])), Err(Unsurveyed::Unknown));
    assert_eq!(of(&BTreeMap::from([(true, 1)])), Err(Unsurveyed::Unknown));
}

#[test]
fn a_float_is_no_longer_than_it_counts() {
    for float in [f64::MIN, f64::MIN_POSITIVE, -1.0 / 3.0, 5e-324, f64::from(f32::MIN)] {
        let length = serde_json::to_string(&float).unwrap().len();
        assert!(length <= of(&float).unwrap().length, "{float}");
    }
}

#[test]
fn values_that_can_be_read_back_differently_have_different_shapes() {
    let shapes = [
        shape(&Kind::Unit),
        shape(&Kind::New(1)),
        shape(&1),
        shape(&1.0),
        shape(&u128::MAX),
        shape(&"1"),
        shape(&Some(1)),
        shape(&None::<u8>),
        shape(&()),
        shape(&[1]),
        shape(&[[1]]),
        shape(&(1, "1")),
        shape(&("1", 1)),
        shape(&BTreeMap::from([("1", 1)])),
        shape(&BTreeMap::from([(1, 1)])),
    ];
    let distinct: std::collections::BTreeSet<_> = shapes.iter().collect();
    assert_eq!(distinct.len(), shapes.len());
}

#[test]
fn text_numbers_and_the_length_of_a_list_are_not_part_of_a_shape() {
    assert_eq!(shape(&vec![1; 10_000]), shape(&vec![-2_i64; 3]));
    assert_eq!(shape(&("a", u64::MAX)), shape(&("b", 0)));
    let map = |keys: &[&'static str]| keys.iter().map(|&key| (key, 1)).collect();
    assert_eq!(shape::<BTreeMap<_, _>>(&map(&["a"])), shape(&map(&["b", "c"])));
}

#[test]
fn an_element_counts_its_real_size_once_it_was_read_back() {
    #[derive(Serialize, serde::Deserialize)]
    #[expect(clippy::large_enum_variant, reason = "that is what is measured")]
    enum Large {
        Nothing,
        Filled([u64; 32]),
    }
    let list = [Large::Nothing, Large::Filled([0; 32])].into_iter().collect::<Vec<_>>();
    assert_eq!(of(&list).unwrap().memory, None);
    let json = serde_json::to_vec(&list).unwrap();
    let _: Vec<Large> = read_back(&json).unwrap();
    let nothings: Vec<_> = (0..100).map(|_| Large::Nothing).collect();
    let memory = of(&nothings).unwrap().memory.unwrap();
    assert!((100 * size_of::<Large>()..300 * size_of::<Large>()).contains(&memory), "{memory}");
}

#[test]
fn reading_back_reads_the_same_value() {
    let json = br#"{"a":[1,-2,3.5,null,true,"x",{"b":[]}],"c":"d","e":18446744073709551615}"#;
    let plain: serde_json::Value = serde_json::from_slice(json).unwrap();
    assert_eq!(read_back::<serde_json::Value>(json).unwrap(), plain);
    assert!(read_back::<serde_json::Value>(b"{} x").is_err());
}
