//! The part of a detached session that can be stored.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::key::hex;
use crate::key::{KeyFamily, KindTag, PublicId};
use crate::time::Timestamp;

/// What another process of the application needs to use a session: put it into the queue with the
/// job.
///
/// Its text, which serde uses too, is 96 hexadecimal digits, or 112 if the session is bound to a
/// device.
///
/// ```
/// # use cloakroom::{MemoryStore, SessionMap, Sessions};
/// # use cloakroom::session::SessionGrant;
/// # cloakroom::Io::future(async {
/// # let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new())?;
/// # let session = sessions.generate(SessionMap::default()).await?;
/// let queued: String = session.detach()?.grant().expose();
///
/// let grant: SessionGrant = queued.parse()?; // in the worker, minutes later
/// let mut session = sessions.detached(&grant)?.session().await?;
/// session.update(|map| map.insert("export", "ready")).await??;
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// # }).wait().unwrap();
/// ```
///
/// # Security
/// Keep it as secret as the store: with it, the application acts on the session. It opens nothing
/// for a client, and no key can be derived from it. Never accept one from a client.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SessionGrant {
    pub(super) id: PublicId,
    pub(super) family: KeyFamily,
    pub(super) kind: KindTag,
    /// If the session is bound to a device: the deadline of the secret that opened it.
    pub(super) until: Option<Timestamp>,
}

impl SessionGrant {
    pub(crate) const fn new(
        id: PublicId,
        family: KeyFamily,
        kind: KindTag,
        until: Option<Timestamp>,
    ) -> Self {
        Self { id, family, kind, until }
    }

    pub(crate) fn is_of(&self, kind: KindTag) -> bool {
        self.kind == kind
    }

    /// The public id of the session.
    pub const fn id(&self) -> PublicId {
        self.id
    }

    /// The grant as text.
    pub fn expose(&self) -> String {
        struct Hex(Vec<u8>);
        impl fmt::Display for Hex {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                hex::write(f, &self.0)
            }
        }
        let Self { id, family, kind, until } = self;
        let mut bytes = [*id.as_bytes(), *family.as_bytes(), *kind.as_bytes()].concat();
        bytes.extend(until.iter().flat_map(|until| until.as_millis().to_be_bytes()));
        Hex(bytes).to_string()
    }
}

impl FromStr for SessionGrant {
    type Err = ParseGrantError;

    fn from_str(text: &str) -> Result<Self, ParseGrantError> {
        let (mut id, mut family, mut kind) = ([0; 16], [0; 16], [0; 16]);
        for (part, bytes) in [&mut id, &mut family, &mut kind].into_iter().enumerate() {
            let digits = text.get(32 * part..32 * (part + 1)).ok_or(ParseGrantError(()))?;
            hex::read(digits, bytes).ok_or(ParseGrantError(()))?;
        }
        let until = match text.get(96..).ok_or(ParseGrantError(()))? {
            "" => None,
            digits if digits.len() == 16 => {
                let mut millis = [0; 8];
                hex::read(digits, &mut millis).ok_or(ParseGrantError(()))?;
                Some(Timestamp::from_millis(u64::from_be_bytes(millis)))
            }
            _ => return Err(ParseGrantError(())),
        };
        let (id, family) = (PublicId::from_bytes(id), KeyFamily::from_bytes(family));
        Ok(Self { id, family, kind: KindTag::from_bytes(kind), until })
    }
}

impl Serialize for SessionGrant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.expose())
    }
}

impl<'de> Deserialize<'de> for SessionGrant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl fmt::Debug for SessionGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionGrant({}, ..)", self.id)
    }
}

/// A text that is not a [`SessionGrant`].
///
/// The error does not repeat the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseGrantError(());

impl fmt::Display for ParseGrantError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a session grant is 96 or 112 hexadecimal digits")
    }
}

impl std::error::Error for ParseGrantError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_read_back_from_its_text_and_no_other_text_is_one() {
        for until in [None, Some(Timestamp::from_millis(7))] {
            let grant = SessionGrant::new(
                PublicId::from_bytes([1; 16]),
                KeyFamily::from_bytes([2; 16]),
                KindTag::of("admin"),
                until,
            );
            let text = grant.expose();
            assert_eq!(text.len(), if until.is_some() { 112 } else { 96 });
            assert_eq!(text.parse(), Ok(grant));
            let json = serde_json::to_string(&grant).unwrap();
            assert_eq!(serde_json::from_str::<SessionGrant>(&json).unwrap(), grant);
            let (shorter, longer) = (&text[..text.len() - 1], format!("{text}0"));
            for other in ["", shorter, &longer, &text.replace('0', "é"), &"g".repeat(text.len())] {
                assert!(other.parse::<SessionGrant>().is_err());
            }
            assert!(!format!("{grant:?}").contains("0202"));
        }
    }
}
