//! What their records carry, as a value of ours.

use std::collections::HashMap;

use cloakroom::{CodecError, Kind, OldPayload, Payload};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tower_sessions_core::session_store;

/// Names and JSON values, as their record has them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct State(pub(crate) HashMap<String, Value>);

/// Sets these sessions apart from others of the application on the same store.
#[derive(Clone, Copy, Debug)]
pub struct TowerSessions;

impl Kind for TowerSessions {
    const NAME: &'static str = "tower-sessions";
}

/// The schema of what is written, after the byte that says JSON.
pub(crate) const SCHEMA: u8 = 0;

/// The data as the manager's JSON codec would write it.
pub(crate) fn to_payload(data: &HashMap<String, Value>) -> Result<Payload, session_store::Error> {
    let mut bytes = vec![0x01, SCHEMA];
    match serde_json::to_writer(&mut bytes, data) {
        Ok(()) => Ok(Payload::from_bytes(bytes)),
        Err(_) => Err(session_store::Error::Encode("cannot write the session's data as JSON".to_owned())),
    }
}

/// There is no older schema yet.
pub(crate) fn refuse_old(_: OldPayload<'_>) -> Result<State, CodecError> {
    Err("the session was written by another version".into())
}

#[cfg(test)]
mod tests {
    use cloakroom::{Codec, Json};

    use super::*;

    #[test]
    fn data_is_written_as_the_codec_writes_it() {
        let state = State(HashMap::from([("n".to_owned(), Value::from(7))]));
        let bytes = to_payload(&state.0).unwrap().to_bytes().unwrap().unwrap();
        assert_eq!(&bytes[..], b"\x01\x00{\"n\":7}");
        assert_eq!(Codec::<State>::decode(&Json, &bytes[2..]).unwrap(), state);
    }
}
