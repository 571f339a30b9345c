//! The pass over a value, as `serde` calls it.

use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::{Members, Part, Pass, Surveyed, Unsurveyed};

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
        bytes.iter().try_for_each(|byte| members.element(byte))?;
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
    ($($array:ident: $method:ident as $part:ident),*) => {$(
        impl $array for Members<'_> {
            type Ok = ();
            type Error = Unsurveyed;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Surveyed {
                self.$part(value)
            }

            fn end(self) -> Surveyed {
                self.finish();
                Ok(())
            }
        }
    )*};
}

arrays! {
    SerializeSeq: serialize_element as element, SerializeTuple: serialize_element as part,
    SerializeTupleStruct: serialize_field as part, SerializeTupleVariant: serialize_field as part
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
        self.key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Surveyed {
        self.value(value)
    }

    fn end(self) -> Surveyed {
        self.finish();
        Ok(())
    }
}
