//! What can be said of a value without writing it: whether JSON can hold it, how long that is, how
//! much memory it takes, and its shape.
//!
//! A store inside the process keeps values as they are. Without this pass it would accept values
//! that no other store can return, and could not count what they take. The pass costs a tenth of
//! writing and reading the JSON.

mod reader;
mod serializer;
mod sizes;

use std::fmt;

use serde::ser::Error;
use serde::{Deserialize, Serialize};

use super::MAX_DEPTH;

/// What a pass over a value tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Survey {
    /// The length of its JSON. A float counts as the longest of its kind.
    pub(crate) length: usize,
    /// About how many bytes of memory it takes; rather more than less. `None` if it has a
    /// collection whose elements have an unknown size.
    pub(crate) memory: Option<usize>,
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
    let mut pass = Pass {
        length: 0,
        memory: size_of_val(value),
        is_measured: true,
        shape: SEED,
        depth: 0,
        is_key: false,
    };
    value.serialize(&mut pass)?;
    let Pass { length, memory, is_measured, shape, .. } = pass;
    Ok(Survey { length, memory: Some(memory).filter(|_| is_measured), shape })
}

/// Reads a value from `body`, so that the next survey knows how large the elements of its
/// collections are.
pub(super) fn read_back<'de, T: Deserialize<'de>>(body: &'de [u8]) -> serde_json::Result<T> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = T::deserialize(reader::Learning(&mut deserializer))?;
    deserializer.end()?;
    Ok(value)
}

/// The longest JSON of a float.
const FLOAT: usize = 24;
/// What a heap block takes in addition to its contents.
const BLOCK: usize = 16;
/// How much room a collection takes for an element, in the element's size: growing ones have room
/// for as many again, tables are half empty, and so are the nodes of trees.
const ROOM: usize = 2;
/// What a tree's node takes for itself, for each of its elements.
const LINKS: usize = 8;
/// How much room the first element of a list takes: a part of a tree's node, and twice that of the
/// shortest vector.
const FIRST_ELEMENT: usize = 8;
/// How much room the first entry of a map takes: that of a tree's node.
const FIRST_ENTRY: usize = 12;
/// How many entries share the room of the first.
const ENTRIES_OF_FIRST: usize = 6;
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
    /// The size of every element was known.
    is_measured: bool,
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
        // It can have grown, and have room for as much again.
        self.memory += text.len() + text.len() / 2 + BLOCK;
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

    fn size_of_element<T: ?Sized>(&mut self, element: &T) -> usize {
        sizes::of_element(element).unwrap_or_else(|| {
            self.is_measured = false;
            0
        })
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
    /// How many there are so far.
    count: usize,
    /// The size of an element or of a map's key, and that of a map's value, once one was there.
    sizes: (usize, usize),
    /// The shape of what came before them, and of those so far.
    shape: u64,
    /// The shape of the member before. Equal members in a row count as one, so that a list has one
    /// shape however long it is.
    last: u64,
}

impl<'a> Members<'a> {
    fn new(pass: &'a mut Pass, part: Part) -> Result<Self, Unsurveyed> {
        pass.add(part, 2)?;
        pass.descend()?;
        let shape = std::mem::replace(&mut pass.shape, SEED);
        Ok(Self { pass, count: 0, sizes: (0, 0), shape, last: 0 })
    }

    #[inline]
    fn comma(&mut self) {
        self.pass.length += usize::from(self.count > 0);
        self.count += 1;
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

    /// An element of a list.
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Surveyed {
        self.pass.memory += if self.count == 0 {
            self.sizes.0 = self.pass.size_of_element(value);
            FIRST_ELEMENT * self.sizes.0 + 2 * BLOCK
        } else {
            ROOM * self.sizes.0 + LINKS
        };
        self.member(value)
    }

    /// A part of an array, a tuple or a list.
    fn member<T: Serialize + ?Sized>(&mut self, value: &T) -> Surveyed {
        self.comma();
        value.serialize(&mut *self.pass)?;
        self.count_shape();
        Ok(())
    }

    /// A part of an array or a tuple, which can be in a heap block of its own.
    fn part<T: Serialize + ?Sized>(&mut self, value: &T) -> Surveyed {
        self.pass.memory += size_of_val(value);
        self.member(value)
    }

    /// The key of a map's entry.
    fn key<T: Serialize + ?Sized>(&mut self, key: &T) -> Surveyed {
        if self.count == 0 {
            self.sizes.0 = self.pass.size_of_element(key);
        }
        self.comma();
        self.pass.is_key = true;
        key.serialize(&mut *self.pass)?;
        // The colon. An error if the key was neither text nor a number.
        self.pass.length += 1;
        if self.pass.is_key { Err(Unsurveyed::Unknown) } else { Ok(()) }
    }

    /// The value of a map's entry.
    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Surveyed {
        if self.count == 1 {
            self.sizes.1 = self.pass.size_of_element(value);
        }
        let size = self.sizes.0 + self.sizes.1;
        self.pass.memory += match self.count {
            1 => FIRST_ENTRY * size + 2 * BLOCK,
            2..=ENTRIES_OF_FIRST => 2 * LINKS,
            _ => ROOM * size + 2 * LINKS,
        };
        value.serialize(&mut *self.pass)?;
        self.count_shape();
        Ok(())
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

#[cfg(test)]
mod tests;
