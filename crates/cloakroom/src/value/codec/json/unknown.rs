//! Fields that another version of the application wrote, and this one does not know.
//!
//! Serde skips such a field when it reads, so it would be gone after the next write. It is found by
//! comparing what the store holds with what this version writes for the value that it read, and put
//! back into what is written instead.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// True if `written` may lack a field of `stored`, which it replaces; false if it surely does not.
///
/// What two texts have in common at their beginning and end is kept. If no name of a field lies in
/// what is replaced between them, no field is lost.
pub(super) fn may_be_lost(stored: &[u8], written: &[u8]) -> bool {
    let both = stored.iter().zip(written);
    let prefix = both.take_while(|(one, other)| one == other).count();
    let (old, new) = (&stored[prefix..], &written[prefix..]);
    let both = old.iter().rev().zip(new.iter().rev());
    let suffix = both.take_while(|(one, other)| one == other).count();
    let replaced = old.len() - suffix;
    // The replaced text can end within a name: its colon follows then.
    let rest = old[replaced..].iter().position(|byte| matches!(byte, b',' | b']' | b'}' | b':'));
    let end = rest.map_or(old.len(), |position| replaced + position + 1);
    memchr::memchr(b':', &old[..end]).is_some()
}

/// `written`, with the fields of `stored` that are not in `known`, which is the same value as this
/// version writes it; `None` if there are none.
pub(super) fn kept(stored: &[u8], known: &[u8], written: &[u8]) -> Option<Vec<u8>> {
    let text = |json| serde_json::from_slice::<&RawValue>(json).map(RawValue::get).ok();
    let mut merged = Merged { json: Vec::with_capacity(stored.len()), keeps: false };
    merged.value(text(stored)?, text(known)?, text(written)?)?;
    merged.keeps.then_some(merged.json)
}

/// The text in progress. Its methods return `None` for text that is not JSON.
struct Merged {
    json: Vec<u8>,
    /// Whether a field was put back.
    keeps: bool,
}

impl Merged {
    fn value(&mut self, stored: &str, known: &str, written: &str) -> Option<()> {
        let are = |bracket| [stored, known, written].iter().all(|json| json.starts_with(bracket));
        if stored != known && are('{') {
            self.object(&parse(stored)?, &parse(known)?, &parse(written)?)
        } else if stored != known && are('[') {
            self.array(&parse::<Vec<_>>(stored)?, &parse::<Vec<_>>(known)?, parse(written)?)
        } else {
            self.json.extend_from_slice(written.as_bytes());
            Some(())
        }
    }

    fn object(
        &mut self,
        stored: &Object<'_>,
        known: &Object<'_>,
        written: &Object<'_>,
    ) -> Option<()> {
        self.json.push(b'{');
        let mut count = 0;
        for (name, value) in &written.0 {
            self.name(&mut count, name)?;
            match (stored.get(name), known.get(name)) {
                (Some(stored), Some(known)) => self.value(stored, known, value.get())?,
                _ => self.json.extend_from_slice(value.get().as_bytes()),
            }
        }
        for (name, value) in &stored.0 {
            if known.get(name).is_none() && written.get(name).is_none() {
                self.name(&mut count, name)?;
                self.json.extend_from_slice(value.get().as_bytes());
                self.keeps = true;
            }
        }
        self.json.push(b'}');
        Some(())
    }

    /// An element keeps what belongs to the element that it was: the one in its place if none was
    /// added or removed, else the next one that is equal to it.
    fn array(
        &mut self,
        stored: &[&RawValue],
        known: &[&RawValue],
        written: Vec<&RawValue>,
    ) -> Option<()> {
        let are_in_place = written.len() == known.len();
        let mut next = 0;
        self.json.push(b'[');
        for (index, element) in written.into_iter().enumerate() {
            if index > 0 {
                self.json.push(b',');
            }
            let is_same = |known: &&RawValue| known.get() == element.get();
            let place = if are_in_place {
                Some(index)
            } else {
                known.iter().skip(next).position(is_same).map(|found| next + found)
            };
            let was = place.and_then(|place| Some((place, stored.get(place)?, known.get(place)?)));
            match was {
                Some((place, stored, known)) => {
                    next = place + 1;
                    self.value(stored.get(), known.get(), element.get())?;
                }
                None => self.json.extend_from_slice(element.get().as_bytes()),
            }
        }
        self.json.push(b']');
        Some(())
    }

    fn name(&mut self, count: &mut usize, name: &str) -> Option<()> {
        if *count > 0 {
            self.json.push(b',');
        }
        *count += 1;
        serde_json::to_writer(&mut self.json, name).ok()?;
        self.json.push(b':');
        Some(())
    }
}

fn parse<'a, T: Deserialize<'a>>(json: &'a str) -> Option<T> {
    serde_json::from_str(json).ok()
}

/// The fields of an object, in their order.
struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Object<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.get())
    }
}

impl<'a> Deserialize<'a> for Object<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'a> Visitor<'a> for Fields {
            type Value = Object<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'a>>(self, mut fields: A) -> Result<Object<'a>, A::Error> {
                let mut object = Object(Vec::new());
                while let Some(field) = fields.next_entry()? {
                    object.0.push(field);
                }
                Ok(object)
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(stored: &str, known: &str, written: &str, expected: Option<&str>) {
        let [stored, known, written] = [stored, known, written].map(str::as_bytes);
        let kept = kept(stored, known, written);
        assert_eq!(kept.as_deref().map(|json| std::str::from_utf8(json).unwrap()), expected);
        assert!(expected.is_none() || may_be_lost(stored, written));
    }

    #[test]
    fn a_field_that_only_the_store_knows_is_kept_at_any_depth() {
        let (stored, known) = (r#"{"n":1,"new":[2,{"a":3}]}"#, r#"{"n":1}"#);
        check(stored, known, r#"{"n":2}"#, Some(r#"{"n":2,"new":[2,{"a":3}]}"#));
        check(r#"{"new":1}"#, "{}", "{}", Some(r#"{"new":1}"#));
        let stored = r#"{"cart":{"items":[{"id":1,"new":true},{"id":2}]},"n":1}"#;
        let known = r#"{"cart":{"items":[{"id":1},{"id":2}]},"n":1}"#;
        let written = r#"{"cart":{"items":[{"id":1},{"id":2}]},"n":2}"#;
        check(
            stored,
            known,
            written,
            Some(r#"{"cart":{"items":[{"id":1,"new":true},{"id":2}]},"n":2}"#),
        );
        check(r#"{"A":{"x":1,"new":2}}"#, r#"{"A":{"x":1}}"#, r#"{"A":{"x":5}}"#, {
            Some(r#"{"A":{"x":5,"new":2}}"#)
        });
        check(r#"{"\u00e9\n":1,"n":1}"#, r#"{"n":1}"#, r#"{"n":2}"#, Some(r#"{"n":2,"é\n":1}"#));
    }

    #[test]
    fn an_element_keeps_its_fields_when_others_are_added_and_removed() {
        let stored = r#"[{"id":1,"new":1},{"id":2,"new":2},{"id":3,"new":3}]"#;
        let known = r#"[{"id":1},{"id":2},{"id":3}]"#;
        let kept = r#"[{"id":0},{"id":2,"new":2},{"id":3,"new":3},{"id":4}]"#;
        check(stored, known, r#"[{"id":0},{"id":2},{"id":3},{"id":4}]"#, Some(kept));
        check(stored, known, r#"[{"id":3}]"#, Some(r#"[{"id":3,"new":3}]"#));
        let kept = r#"[{"id":1,"new":1},{"id":7,"new":2},{"id":3,"new":3}]"#;
        check(stored, known, r#"[{"id":1},{"id":7},{"id":3}]"#, Some(kept));
        check(stored, known, "[]", None);
    }

    #[test]
    fn what_this_version_removed_stays_removed() {
        check(r#"{"a":1,"b":2}"#, r#"{"a":1,"b":2}"#, r#"{"a":1}"#, None);
        check(r#"{"A":{"x":1}}"#, r#"{"A":{"x":1}}"#, r#"{"B":{}}"#, None);
        check(r#"{"a":1,"b":2}"#, r#"{"a":1}"#, r#"{"a":1,"b":3}"#, None);
        check("[1,2]", "[1,2]", "[2]", None);
        check("1", "1", "2", None);
    }

    #[test]
    fn a_change_within_one_value_loses_no_field() {
        for (stored, written) in [
            (r#"{"n":1,"new":2}"#, r#"{"n":4711,"new":2}"#),
            (r#"{"a":"x","n":1}"#, r#"{"a":"y","n":1}"#),
            (r#"{"list":[1,2,3]}"#, r#"{"list":[1,2,3,4]}"#),
            ("{}", r#"{"a":1}"#),
            ("1", "2"),
        ] {
            assert!(!may_be_lost(stored.as_bytes(), written.as_bytes()), "{stored} {written}");
        }
        for (stored, written) in [
            (r#"{"n":1,"new":2}"#, r#"{"n":1}"#),
            (r#"{"ab":1}"#, r#"{"b":1}"#),
            (r#"{"ab":1}"#, r#"{"xab":1}"#),
            (r#"{"a":1,"b":2}"#, r#"{"b":2}"#),
            (r#"{"a":1}"#, "{}"),
        ] {
            assert!(may_be_lost(stored.as_bytes(), written.as_bytes()), "{stored} {written}");
        }
    }
}
