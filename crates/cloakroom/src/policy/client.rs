//! What is known about a client.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// What is known about the client that holds a session's key, for lists of sessions: a label, a
/// user agent and an address. Cheap to clone.
///
/// All three are empty by default. [`SessionsBuilder::clients`](crate::SessionsBuilder::clients)
/// records the user agent and the address when a session begins and when a user signs in;
/// [`Session::set_label`](crate::Session::set_label) and
/// [`Login::with_label`](crate::Login::with_label) give it a label.
///
/// Control characters are removed from texts and long texts are cut, so that none of them can
/// garble a list or a log.
///
/// ```
/// # use cloakroom::policy::ClientInfo;
/// let client = ClientInfo::new().with_label("Kitchen tablet");
/// assert_eq!((client.label(), client.user_agent()), (Some("Kitchen tablet"), None));
/// ```
///
/// # Security
/// A client can claim to be any user agent: nothing here proves anything. User agent and address
/// are personal data; they are kept as long as the session.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct ClientInfo(Option<Arc<Known>>);

#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct Known {
    label: Option<Box<str>>,
    user_agent: Option<Box<str>>,
    address: Option<IpAddr>,
}

impl ClientInfo {
    /// The maximum length of a label, in bytes.
    pub const MAX_LABEL: usize = 64;
    /// The maximum length of a user agent, in bytes.
    pub const MAX_USER_AGENT: usize = 255;

    /// A client about which nothing is known.
    pub const fn new() -> Self {
        Self(None)
    }

    /// This client with a name that its user gave it; an empty text removes it.
    #[must_use = "the changed client is returned"]
    pub fn with_label(self, label: &str) -> Self {
        self.edit(|known| known.label = clean(label, Self::MAX_LABEL))
    }

    /// This client with a `User-Agent` (RFC 9110 section 10.1.5); an empty text removes it.
    #[must_use = "the changed client is returned"]
    pub fn with_user_agent(self, agent: &str) -> Self {
        self.edit(|known| known.user_agent = clean(agent, Self::MAX_USER_AGENT))
    }

    /// This client with an address.
    #[must_use = "the changed client is returned"]
    pub fn with_address(self, address: IpAddr) -> Self {
        self.edit(|known| known.address = Some(address))
    }

    /// The name that its user gave it.
    pub fn label(&self) -> Option<&str> {
        self.0.as_ref()?.label.as_deref()
    }

    /// The user agent that it claimed to be.
    pub fn user_agent(&self) -> Option<&str> {
        self.0.as_ref()?.user_agent.as_deref()
    }

    /// The address that it connected from.
    pub fn address(&self) -> Option<IpAddr> {
        self.0.as_ref()?.address
    }

    /// About how many bytes of memory it takes.
    pub(crate) fn memory(&self) -> usize {
        self.0.as_ref().map_or(0, |known| {
            let texts = [&known.label, &known.user_agent];
            size_of::<Known>() + texts.into_iter().flatten().map(|text| text.len()).sum::<usize>()
        })
    }

    pub(crate) const fn is_known(&self) -> bool {
        self.0.is_some()
    }

    /// This client after a new sign-in: what was seen `now`, with the old label if there is no new
    /// one.
    pub(crate) fn seen_as(&self, now: &Self) -> Self {
        if now.0.is_none() {
            return self.clone();
        }
        now.clone().with_label(now.label().or(self.label()).unwrap_or_default())
    }

    fn edit(self, change: impl FnOnce(&mut Known)) -> Self {
        let mut known = self.0.map(Arc::unwrap_or_clone).unwrap_or_default();
        change(&mut known);
        Self(Some(known).filter(|known| *known != Known::default()).map(Arc::new))
    }
}

/// The text without control characters, cut to `longest` bytes; `None` if nothing is left.
fn clean(text: &str, longest: usize) -> Option<Box<str>> {
    let mut kept: String = text.chars().filter(|char| !char.is_control()).take(longest).collect();
    while kept.len() > longest {
        kept.pop();
    }
    Some(kept.trim()).filter(|kept| !kept.is_empty()).map(Into::into)
}

impl fmt::Debug for ClientInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientInfo")
            .field("label", &self.label())
            .field("user_agent", &self.user_agent())
            .field("address", &self.address())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters_and_lose_control_characters() {
        let client =
            ClientInfo::new().with_label(&"é".repeat(40)).with_user_agent("a\u{1b}[31m\r\nb ");
        assert_eq!(client.label().map(str::len), Some(64));
        assert_eq!(client.user_agent(), Some("a[31mb"));
        assert_eq!(ClientInfo::new().with_label("\n \t"), ClientInfo::new());
    }

    #[test]
    fn cleaning_a_text_twice_changes_nothing() {
        let once = ClientInfo::new().with_user_agent(&format!("{} {}", "x".repeat(254), "y"));
        let twice = ClientInfo::new().with_user_agent(once.user_agent().unwrap_or_default());
        assert_eq!(once, twice);
    }

    #[test]
    fn a_label_is_kept_when_the_client_is_seen_again() {
        let named = ClientInfo::new().with_label("desk").with_user_agent("old");
        let seen = named.seen_as(&ClientInfo::new().with_user_agent("new"));
        assert_eq!((seen.label(), seen.user_agent()), (Some("desk"), Some("new")));
        assert_eq!(named.seen_as(&ClientInfo::new()), named);
    }
}
