//! The data of a tower-sessions record, as a session value.

use std::collections::HashMap;

use cloakroom::SessionKind;
use cloakroom::value::{Codec, CodecError, JsonCodec, OldPayload, Payload};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Failure;

/// The names and JSON values of a record, as each version of tower-sessions has them.
pub(crate) type Data = HashMap<String, Value>;

/// The data as a session value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct State(pub(crate) Data);

/// The kind that separates these sessions from the application's other sessions on the same store.
#[derive(Clone, Copy, Debug)]
pub struct TowerSessions;

impl SessionKind for TowerSessions {
    const NAME: &'static str = "tower-sessions";
}

/// The schema byte that follows the format byte of JSON.
pub(crate) const SCHEMA: u8 = 0;

/// How deep a value may nest: one level less than the decoder accepts, for the map around it.
const DEPTH: usize = 126;

/// The data as a session value, or an error if it could be written but not read back. The check
/// runs on every store, including one in memory that encodes nothing.
pub(crate) fn checked(data: &Data) -> Result<State, Failure> {
    if data.values().all(|value| is_within(value, DEPTH)) {
        return Ok(State(data.clone()));
    }
    Err(Failure::Encode(format!("a value is nested more than {DEPTH} levels deep")))
}

/// True if the value nests at most `levels` lists and objects.
fn is_within(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(values) => {
            levels > 0 && values.iter().all(|value| is_within(value, levels - 1))
        }
        Value::Object(entries) => {
            levels > 0 && entries.values().all(|value| is_within(value, levels - 1))
        }
        _ => true,
    }
}

/// The data encoded as the manager's codec encodes it.
pub(crate) fn to_payload(data: &State) -> Result<Payload, Failure> {
    let mut bytes = vec![Codec::<State>::format(&JsonCodec), SCHEMA];
    match JsonCodec.encode(data, &mut bytes) {
        Ok(()) => Ok(Payload::from_bytes(bytes)),
        Err(_) => Err(Failure::Encode("cannot write the session's data as JSON".to_owned())),
    }
}

/// Refuses every other schema: there is no older one yet.
pub(crate) fn refuse_old(_: OldPayload<'_>) -> Result<State, CodecError> {
    Err("the session was written by another version".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_encoded_as_the_codec_encodes_it() {
        let state = State(HashMap::from([("n".to_owned(), Value::from(7))]));
        let bytes = to_payload(&state).unwrap().to_bytes().unwrap().unwrap();
        assert_eq!(&bytes[..], b"\x01\x00{\"n\":7}");
        assert_eq!(Codec::<State>::decode(&JsonCodec, &bytes[2..]).unwrap(), state);
    }
}
