//! What can be said of a value without writing it: whether JSON can hold it, how long that is, how
//! much memory it takes, and its shape.
//!
//! A store inside the process never writes a value as JSON. It would learn at no time that a value
//! could not be read back, as every other store does, nor count what the value takes. One pass of
//! the type's `Serialize` tells both, for a tenth of what writing and reading it would cost.

use std::fmt;

use serde::Serialize;
use serde::ser::{
    Error, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::MAX_DEPTH;

/// What a pass over a value tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Survey {
    /// The length of its JSON. A float counts as the longest of its kind.
    pub(crate) length: usize,
    /// About how many bytes of memory it takes; rather more than less.
    pub(crate) memory: usize,
    /// A hash of what the value consists of, apart from its text and numbers: values of one type
    /// and one shape are read back alike.
    pub(crate) shape: u64,
}

/// Why a value was not surveyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsurveyed {
    /// A float is NaN or infinite.
    NotFinite,
    /// Arrays and objects are nested too deeply.
    TooDeep,
    /// Only `serde_json` itself can tell.
    Unknown,
}

/// Surveys `value`.
pub(super) fn of<T: Serialize + ?Sized>(value: &T) -> Result<Survey, Unsurveyed> {
    let mut pass =
        Pass { length: 0, memory: size_of_val(value), shape: SEED, depth: 0, is_key: false };
    value.serialize(&mut pass)?;
    Ok(Survey { length: pass.length, memory: pass.memory, shape: pass.shape })
}

/// The longest JSON of a float.
const FLOAT: usize = 24;
/// What a heap block takes in addition to its contents.
const BLOCK: usize = 16;
/// How much room collections take for an element, in its own size: growing ones have room for as
/// many again, and nodes of trees are half full.
const ROOM: usize = 3;
/// How much room the first entry of a map takes: that of a tree's node.
const FIRST_ENTRY: usize = 12;
const SEED: u64 = 0x9E37_79B9_7F4A_7C15;

/// What a value is made of. Numbers that differ in their kind can be read back differently.
#[derive(Clone, Copy)]
enum Part {
    Bool = 1,
    Number,
    /// An integer of more than 64 bits.
    Wide,
    Float,
    Text,
    NumberAsKey,
    Bytes,
    None,
    Some,
    Unit,
    Array,
    Object,
    Struct,
    Variant,
    End,
}

struct Pass {
    length: usize,
    memory: usize,
    shape: u64,
    depth: usize,
    /// The next value is the key of an object.
    is_key: bool,
}

impl fmt::Display for Unsurveyed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not surveyed")
    }
}

impl std::error::Error for Unsurveyed {}

impl Error for Unsurveyed {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Unknown
    }
}

type Surveyed = Result<(), Unsurveyed>;

impl Pass {
    #[inline]
    fn add(&mut self, part: Part, length: usize) -> Surveyed {
        self.length += length;
        self.fold(part as u64);
        // `serde_json` takes some other values as keys; it knows which.
        if self.is_key { Err(Unsurveyed::Unknown) } else { Ok(()) }
    }

    #[inline]
    fn descend(&mut self) -> Surveyed {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(Unsurveyed::TooDeep) } else { Ok(()) }
    }

    #[inline]
    fn fold(&mut self, part: u64) {
        self.shape = (self.shape.rotate_left(5) ^ part).wrapping_mul(SEED);
    }

    /// A name in the program's text: the same text at another address only counts as another shape.
    #[inline]
    fn name(&mut self, name: &'static str) {
        self.fold(name.as_ptr() as u64 ^ name.len() as u64);
    }

    #[inline]
    fn string(&mut self, text: &str) {
        self.is_key = false;
        let escapes: usize = text.bytes().map(|byte| usize::from(ESCAPES[usize::from(byte)])).sum();
        self.length += 2 + text.len() + escapes;
    }

    #[inline]
    fn text(&mut self, text: &str) -> Surveyed {
        self.string(text);
        self.memory += text.len() + BLOCK;
        self.add(Part::Text, 0)
    }

    fn number(&mut self, magnitude: u128, is_negative: bool) -> Surveyed {
        let (part, digits) = match u64::try_from(magnitude) {
            Ok(small) => (Part::Number, small.checked_ilog10()),
            Err(_) => (Part::Wide, magnitude.checked_ilog10()),
        };
        let quotes = if std::mem::take(&mut self.is_key) {
            self.fold(Part::NumberAsKey as u64);
            2
        } else {
            0
        };
        let digits = digits.map_or(1, |log| log as usize + 1);
        self.add(part, digits + usize::from(is_negative) + quotes)
    }

    fn float(&mut self, is_finite: bool) -> Surveyed {
        if is_finite { self.add(Part::Float, FLOAT) } else { Err(Unsurveyed::NotFinite) }
    }

    /// `{"variant":` and the closing brace.
    fn variant(&mut self, variant: &'static str) -> Surveyed {
        self.add(Part::Variant, 3)?;
        self.name(variant);
        self.string(variant);
        Ok(())
    }
}

/// The bytes that escaping adds to each byte.
const ESCAPES: [u8; 256] = {
    let mut escapes = [0; 256];
    let mut byte = 0;
    while byte < 0x20 {
        escapes[byte] = if matches!(byte, 0x08..=0x0A | 0x0C | 0x0D) { 1 } else { 5 };
        byte += 1;
    }
    escapes[b'"' as usize] = 1;
    escapes[b'\\' as usize] = 1;
    escapes
};

/// The members of an array or an object, with their commas.
struct Members<'a> {
    pass: &'a mut Pass,
    is_first: bool,
    /// The shape of what came before them, and of those so far.
    shape: u64,
    /// The shape of the member before. Equal members in a row count as one, so that a list has one
    /// shape however long it is.
    last: u64,
    /// True once a map has an entry.
    has_entry: bool,
}

impl<'a> Members<'a> {
    fn new(pass: &'a mut Pass, part: Part) -> Result<Self, Unsurveyed> {
        pass.add(part, 2)?;
        pass.descend()?;
        let shape = std::mem::replace(&mut pass.shape, SEED);
        Ok(Self { pass, is_first: true, shape, last: 0, has_entry: false })
    }

    #[inline]
    fn comma(&mut self) {
        self.pass.length += usize::from(!std::mem::replace(&mut self.is_first, false));
    }

    /// Adds the shape of the member that was just surveyed.
    #[inline]
    fn count_shape(&mut self) {
        let shape = std::mem::replace(&mut self.pass.shape, SEED);
        if shape != self.last {
            self.last = shape;
            self.shape = (self.shape.rotate_left(5) ^ shape).wrapping_mul(SEED);
        }
    }

    fn member<T: Serialize + ?Sized>(&mut self, value: &T) -> Surveyed {
        self.comma();
        self.pass.memory += ROOM * size_of_val(value);
        value.serialize(&mut *self.pass)?;
        self.count_shape();
        Ok(())
    }

    /// A half of a map's entry.
    fn entry(&mut self, size: usize) {
        self.pass.memory += size * if self.has_entry { ROOM } else { FIRST_ENTRY } + BLOCK;
    }

    fn field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Surveyed {
        self.comma();
        self.pass.length += 1;
        self.pass.string(key);
        self.pass.name(key);
        self.pass.memory += size_of_val(value);
        value.serialize(&mut *self.pass)?;
        self.count_shape();
        Ok(())
    }

    #[inline]
    fn finish(self) {
        self.pass.depth -= 1;
        self.pass.shape = self.shape;
        self.pass.fold(Part::End as u64);
    }
}

macro_rules! numbers {
    ($($method:ident: $number:ty),*) => {$(
        fn $method(self, number: $number) -> Surveyed {
            #[allow(clippy::cast_lossless, unused_comparisons, reason = "one body for all widths")]
            self.number((number as i128).unsigned_abs(), number < 0)
        }
    )*};
}

impl<'a> Serializer for &'a mut Pass {
    type Ok = ();
    type Error = Unsurveyed;
    type SerializeSeq = Members<'a>;
    type SerializeTuple = Members<'a>;
    type SerializeTupleStruct = Members<'a>;
    type SerializeTupleVariant = Members<'a>;
    type SerializeMap = Members<'a>;
    type SerializeStruct = Members<'a>;
    type SerializeStructVariant = Members<'a>;

    numbers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64
    }

    fn serialize_u128(self, number: u128) -> Surveyed {
        self.number(number, false)
    }

    fn serialize_bool(self, value: bool) -> Surveyed {
        self.add(Part::Bool, if value { 4 } else { 5 })
    }

    fn serialize_f32(self, float: f32) -> Surveyed {
        self.float(float.is_finite())
    }

    fn serialize_f64(self, float: f64) -> Surveyed {
        self.float(float.is_finite())
    }

    fn serialize_char(self, value: char) -> Surveyed {
        self.text(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, text: &str) -> Surveyed {
        self.text(text)
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Surveyed {
        self.fold(Part::Bytes as u64);
        let mut members = Members::new(self, Part::Array)?;
        bytes.iter().try_for_each(|byte| members.member(byte))?;
        members.finish();
        Ok(())
    }

    fn serialize_none(self) -> Surveyed {
        self.add(Part::None, 4)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Surveyed {
        self.add(Part::Some, 0)?;
        self.memory += size_of_val(value);
        value.serialize(self)
    }

    fn serialize_unit(self) -> Surveyed {
        self.add(Part::Unit, 4)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Surveyed {
        self.add(Part::Unit, 4)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Surveyed {
        self.name(variant);
        self.string(variant);
        self.add(Part::Variant, 0)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Surveyed {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Surveyed {
        self.variant(variant)?;
        self.memory += size_of_val(value);
        self.descend()?;
        value.serialize(&mut *self)?;
        self.depth -= 1;
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Members<'a>, Unsurveyed> {
        Members::new(self, Part::Array)
    }

    fn serialize_tuple(self, _: usize) -> Result<Members<'a>, Unsurveyed> {
        Members::new(self, Part::Array)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Members<'a>, Unsurveyed> {
        Members::new(self, Part::Array)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Members<'a>, Unsurveyed> {
        self.variant(variant)?;
        Members::new(self, Part::Struct)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Members<'a>, Unsurveyed> {
        Members::new(self, Part::Object)
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Members<'a>, Unsurveyed> {
        // serde_json passes numbers and raw JSON to itself under such names.
        if name.starts_with("$serde_json::") {
            return Err(Unsurveyed::Unknown);
        }
        self.name(name);
        Members::new(self, Part::Struct)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Members<'a>, Unsurveyed> {
        self.variant(variant)?;
        Members::new(self, Part::Struct)
    }
}

macro_rules! arrays {
    ($($array:ident: $method:ident),*) => {$(
        impl $array for Members<'_> {
            type Ok = ();
            type Error = Unsurveyed;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Surveyed {
                self.member(value)
            }

            fn end(self) -> Surveyed {
                self.finish();
                Ok(())
            }
        }
    )*};
}

arrays! {
    SerializeSeq: serialize_element, SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field, SerializeTupleVariant: serialize_field
}

macro_rules! objects {
    ($($object:ident),*) => {$(
        impl $object for Members<'_> {
            type Ok = ();
            type Error = Unsurveyed;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Surveyed {
                self.field(key, value)
            }

            fn end(self) -> Surveyed {
                self.finish();
                Ok(())
            }
        }
    )*};
}

objects! { SerializeStruct, SerializeStructVariant }

impl SerializeMap for Members<'_> {
    type Ok = ();
    type Error = Unsurveyed;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Surveyed {
        self.comma();
        self.pass.is_key = true;
        key.serialize(&mut *self.pass)?;
        self.entry(size_of_val(key));
        // The colon. An error if the key was neither text nor a number.
        self.pass.length += 1;
        if self.pass.is_key { Err(Unsurveyed::Unknown) } else { Ok(()) }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Surveyed {
        value.serialize(&mut *self.pass)?;
        self.entry(size_of_val(value));
        self.has_entry = true;
        self.count_shape();
        Ok(())
    }

    fn end(self) -> Surveyed {
        self.finish();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
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
}
