//! JSON objects in which every member is named once.
//!
//! Two readers of a member that stands there twice can disagree about which one counts
//! ([RFC 8725, section 2.4](https://www.rfc-editor.org/rfc/rfc8725#section-2.4)).

use std::fmt;

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// An object, whose members' names differ, also in the objects within it.
#[derive(Debug)]
pub(super) struct Object(Vec<(String, Member)>);

#[derive(Debug)]
enum Member {
    Text(String),
    Object(Object),
    /// A value of which nothing but its presence matters.
    Other,
}

impl Object {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.member(name).is_some()
    }

    /// The text of a member; `None` if there is none, or it is no text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.member(name)? {
            Member::Text(text) => Some(text),
            Member::Object(_) | Member::Other => None,
        }
    }

    /// The member that is an object.
    pub(super) fn object(&self, name: &str) -> Option<&Self> {
        match self.member(name)? {
            Member::Object(object) => Some(object),
            Member::Text(_) | Member::Other => None,
        }
    }

    fn member(&self, name: &str) -> Option<&Member> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, member)| member)
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut object = Object(Vec::new());
        while let Some(name) = map.next_key::<String>()? {
            if object.has(&name) {
                return Err(A::Error::custom("a member is named twice"));
            }
            object.0.push((name, map.next_value()?));
        }
        Ok(object)
    }
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MemberVisitor)
    }
}

struct MemberVisitor;

impl<'de> Visitor<'de> for MemberVisitor {
    type Value = Member;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Member, E> {
        Ok(Member::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Member, A::Error> {
        ObjectVisitor.visit_map(map).map(Member::Object)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Member, A::Error> {
        while list.next_element::<Member>()?.is_some() {}
        Ok(Member::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Member, E> {
        Ok(Member::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Member, E> {
        Ok(Member::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Member, E> {
        Ok(Member::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Member, E> {
        Ok(Member::Other)
    }

    fn visit_unit<E>(self) -> Result<Member, E> {
        Ok(Member::Other)
    }
}
