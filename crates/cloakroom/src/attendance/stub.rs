//! The part of an attendance that can be written down.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::hex;
use crate::key::{KindTag, Lineage, SessionId};

/// What another process of the application needs to attend a session: put it into the queue beside the job.
///
/// Its text, for serde too, is 96 hex digits.
///
/// ```
/// # use cloakroom::{Map, MemoryStore, Sessions, Stub};
/// # cloakroom::Io::future(async {
/// # let sessions: Sessions<Map> = Sessions::new(MemoryStore::new())?;
/// # let session = sessions.generate(Map::default()).await?;
/// let queued: String = session.attend()?.stub().expose();
///
/// let stub: Stub = queued.parse()?; // in the worker, minutes later
/// let mut session = sessions.attend(&stub)?.session().await?;
/// session.update(|map| map.insert("export", "ready")).await??;
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// # }).wait().unwrap();
/// ```
///
/// # Security
/// As secret as the store: whoever holds it can have the application act on the session. It opens nothing for a client, and no
/// key follows from it. Never take one from a client.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Stub {
    pub(super) id: SessionId,
    pub(super) lineage: Lineage,
    pub(super) kind: KindTag,
}

impl Stub {
    pub(crate) const fn new(id: SessionId, lineage: Lineage, kind: KindTag) -> Self {
        Self { id, lineage, kind }
    }

    pub(crate) fn is_of(&self, kind: KindTag) -> bool {
        self.kind == kind
    }

    /// The public name of the session.
    pub const fn id(&self) -> SessionId {
        self.id
    }

    /// The stub's text.
    pub fn expose(&self) -> String {
        struct Hex([u8; 48]);
        impl fmt::Display for Hex {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                hex::write(f, &self.0)
            }
        }
        let mut bytes = [0; 48];
        bytes[..16].copy_from_slice(self.id.as_bytes());
        bytes[16..32].copy_from_slice(self.lineage.as_bytes());
        bytes[32..].copy_from_slice(self.kind.as_bytes());
        Hex(bytes).to_string()
    }
}

impl FromStr for Stub {
    type Err = ParseStubError;

    fn from_str(text: &str) -> Result<Self, ParseStubError> {
        let (mut id, mut lineage, mut kind) = ([0; 16], [0; 16], [0; 16]);
        for (part, bytes) in [&mut id, &mut lineage, &mut kind].into_iter().enumerate() {
            let digits = text.get(32 * part..32 * (part + 1)).ok_or(ParseStubError(()))?;
            hex::read(digits, bytes).ok_or(ParseStubError(()))?;
        }
        if text.len() != 96 {
            return Err(ParseStubError(()));
        }
        let lineage = Lineage::from_bytes(lineage);
        Ok(Self { id: SessionId::from_bytes(id), lineage, kind: KindTag::from_bytes(kind) })
    }
}

impl Serialize for Stub {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.expose())
    }
}

impl<'de> Deserialize<'de> for Stub {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl fmt::Debug for Stub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stub({}, ..)", self.id)
    }
}

/// A text that is no [`Stub`]. It does not repeat the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseStubError(());

impl fmt::Display for ParseStubError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a session's stub is 96 hexadecimal digits")
    }
}

impl std::error::Error for ParseStubError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stub_survives_its_text_and_nothing_else_is_one() {
        let stub =
            Stub::new(SessionId::from_bytes([1; 16]), Lineage::from_bytes([2; 16]), KindTag::of("admin"));
        let text = stub.expose();
        assert_eq!(text.parse(), Ok(stub));
        let json = serde_json::to_string(&stub).unwrap();
        assert_eq!(serde_json::from_str::<Stub>(&json).unwrap(), stub);
        for other in ["", &text[..95], &format!("{text}0"), &text.replace('0', "é"), &"g".repeat(96)] {
            assert!(other.parse::<Stub>().is_err());
        }
        assert!(!format!("{stub:?}").contains("0202"));
    }
}
