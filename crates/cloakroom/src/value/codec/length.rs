//! The length of a value's JSON, counted without writing it.
//!
//! A store inside the process asks for it at every write. With `serde_json` and a counting writer,
//! creating or changing a session takes 5 % more instructions (counted by callgrind).

use std::fmt;

use serde::Serialize;
use serde::ser::{
    Error, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// The length of the JSON that `serde_json` writes for `value`; `None` for values that it must
/// write to know: floats, keys that are not strings, and values that refuse to be serialized.
pub(super) fn of<T: Serialize + ?Sized>(value: &T) -> Option<usize> {
    let mut length = Length { bytes: 0, is_key: false };
    value.serialize(&mut length).ok().map(|()| length.bytes)
}

struct Length {
    bytes: usize,
    /// The next value is the key of an object, which must be a string.
    is_key: bool,
}

/// The error for a value that is not counted here.
#[derive(Debug)]
struct Uncounted;

impl fmt::Display for Uncounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not counted")
    }
}

impl std::error::Error for Uncounted {}

impl Error for Uncounted {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

type Counted = Result<(), Uncounted>;

impl Length {
    fn add(&mut self, bytes: usize) -> Counted {
        self.bytes += bytes;
        if self.is_key { Err(Uncounted) } else { Ok(()) }
    }

    fn string(&mut self, text: &str) -> Counted {
        self.is_key = false;
        let escapes: usize = text.bytes().map(|byte| usize::from(ESCAPES[usize::from(byte)])).sum();
        self.add(2 + text.len() + escapes)
    }

    fn number(&mut self, magnitude: u128, is_negative: bool) -> Counted {
        let digits = match u64::try_from(magnitude) {
            Ok(small) => small.checked_ilog10(),
            Err(_) => magnitude.checked_ilog10(),
        };
        self.add(digits.map_or(1, |log| log as usize + 1) + usize::from(is_negative))
    }

    /// `{"variant":` and the closing brace.
    fn variant(&mut self, variant: &str) -> Counted {
        self.add(3)?;
        self.string(variant)
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
    length: &'a mut Length,
    is_first: bool,
}

impl<'a> Members<'a> {
    fn new(length: &'a mut Length, brackets: usize) -> Result<Self, Uncounted> {
        length.add(brackets)?;
        Ok(Self { length, is_first: true })
    }

    fn comma(&mut self) {
        self.length.bytes += usize::from(!std::mem::replace(&mut self.is_first, false));
    }

    fn member<T: Serialize + ?Sized>(&mut self, value: &T) -> Counted {
        self.comma();
        value.serialize(&mut *self.length)
    }

    fn field<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Counted {
        self.comma();
        self.length.bytes += 1;
        self.length.string(key)?;
        value.serialize(&mut *self.length)
    }
}

macro_rules! numbers {
    ($($method:ident: $number:ty),*) => {$(
        fn $method(self, number: $number) -> Counted {
            #[allow(clippy::cast_lossless, unused_comparisons, reason = "one body for all widths")]
            self.number((number as i128).unsigned_abs(), number < 0)
        }
    )*};
}

impl<'a> Serializer for &'a mut Length {
    type Ok = ();
    type Error = Uncounted;
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

    fn serialize_u128(self, number: u128) -> Counted {
        self.number(number, false)
    }

    fn serialize_bool(self, value: bool) -> Counted {
        self.add(if value { 4 } else { 5 })
    }

    fn serialize_f32(self, _: f32) -> Counted {
        Err(Uncounted)
    }

    fn serialize_f64(self, _: f64) -> Counted {
        Err(Uncounted)
    }

    fn serialize_char(self, value: char) -> Counted {
        self.string(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, text: &str) -> Counted {
        self.string(text)
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Counted {
        let mut members = Members::new(self, 2)?;
        bytes.iter().try_for_each(|byte| members.member(byte))
    }

    fn serialize_none(self) -> Counted {
        self.add(4)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Counted {
        self.add(0)?;
        value.serialize(self)
    }

    fn serialize_unit(self) -> Counted {
        self.add(4)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Counted {
        self.add(4)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Counted {
        self.string(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Counted {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Counted {
        self.variant(variant)?;
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Members<'a>, Uncounted> {
        Members::new(self, 2)
    }

    fn serialize_tuple(self, _: usize) -> Result<Members<'a>, Uncounted> {
        Members::new(self, 2)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Members<'a>, Uncounted> {
        Members::new(self, 2)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Members<'a>, Uncounted> {
        self.variant(variant)?;
        Members::new(self, 2)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Members<'a>, Uncounted> {
        Members::new(self, 2)
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Members<'a>, Uncounted> {
        // serde_json passes numbers and raw JSON to itself under such names.
        if name.starts_with("$serde_json::") { Err(Uncounted) } else { Members::new(self, 2) }
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Members<'a>, Uncounted> {
        self.variant(variant)?;
        Members::new(self, 2)
    }
}

macro_rules! arrays {
    ($($array:ident: $method:ident),*) => {$(
        impl $array for Members<'_> {
            type Ok = ();
            type Error = Uncounted;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Counted {
                self.member(value)
            }

            fn end(self) -> Counted {
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
            type Error = Uncounted;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Counted {
                self.field(key, value)
            }

            fn end(self) -> Counted {
                Ok(())
            }
        }
    )*};
}

objects! { SerializeStruct, SerializeStructVariant }

impl SerializeMap for Members<'_> {
    type Ok = ();
    type Error = Uncounted;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Counted {
        self.comma();
        self.length.is_key = true;
        key.serialize(&mut *self.length)?;
        // The colon; an error if the key was not a string.
        self.length.add(1)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Counted {
        value.serialize(&mut *self.length)
    }

    fn end(self) -> Counted {
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
        assert_eq!(of(value), Some(serde_json::to_string(value).unwrap().len()));
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
    fn floats_and_keys_that_are_not_strings_are_not_counted() {
        assert_eq!(of(&1.5), None);
        assert_eq!(of(&BTreeMap::from([(7, "seven")])), None);
        assert_eq!(of(&BTreeMap::from([(Some("key"), 1)])), None);
        assert_eq!(of(&BTreeMap::from([(["key"], 1)])), None);
        assert_eq!(of(&BTreeMap::from([("key", 1)])), Some(9));
    }
}
