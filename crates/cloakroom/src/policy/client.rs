//! What is known of the client that holds a key.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// What is known of the client that holds a session's key, for lists: a name that the visitor gave it, the user agent it
/// said it was, the address it signed in from.
///
/// Nothing is noted unless the application asks for it ([`SessionsBuilder::clients`](crate::SessionsBuilder::clients)) or says it
/// ([`Session::set_label`](crate::Session::set_label)). Nothing here proves anything: a client says what it likes.
///
/// Texts are cut to their longest and lose their control characters, so that no list or log can be garbled by them.
///
/// ```
/// # use cloakroom::policy::ClientInfo;
/// let client = ClientInfo::new().with_label("Kitchen tablet");
/// assert_eq!((client.label(), client.user_agent()), (Some("Kitchen tablet"), None));
/// ```
///
/// # Security
/// User agent and address are personal data, kept as long as the session.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ClientInfo(Option<Arc<Known>>);

#[derive(Clone, Default, PartialEq, Eq)]
struct Known {
    label: Option<Box<str>>,
    user_agent: Option<Box<str>>,
    address: Option<IpAddr>,
}

impl ClientInfo {
    /// The longest label, in bytes.
    pub const MAX_LABEL: usize = 64;
    /// The longest user agent, in bytes.
    pub const MAX_USER_AGENT: usize = 255;

    /// A client of which nothing is known.
    pub const fn new() -> Self {
        Self(None)
    }

    /// The same under a name that its visitor gave it; none if it is empty.
    #[must_use = "a client is a value: the named one is returned"]
    pub fn with_label(self, label: &str) -> Self {
        self.knowing(|known| known.label = cut(label, Self::MAX_LABEL))
    }

    /// The same, which says it is this user agent (RFC 9110 section 10.1.5); none if it is empty.
    #[must_use = "a client is a value: the described one is returned"]
    pub fn with_user_agent(self, agent: &str) -> Self {
        self.knowing(|known| known.user_agent = cut(agent, Self::MAX_USER_AGENT))
    }

    /// The same, at this address.
    #[must_use = "a client is a value: the described one is returned"]
    pub fn with_address(self, address: IpAddr) -> Self {
        self.knowing(|known| known.address = Some(address))
    }

    pub(crate) const fn is_known(&self) -> bool {
        self.0.is_some()
    }

    /// The name that its visitor gave it.
    pub fn label(&self) -> Option<&str> {
        self.0.as_ref()?.label.as_deref()
    }

    /// The user agent it said it was.
    pub fn user_agent(&self) -> Option<&str> {
        self.0.as_ref()?.user_agent.as_deref()
    }

    /// The address it was seen at.
    pub fn address(&self) -> Option<IpAddr> {
        self.0.as_ref()?.address
    }

    /// What is known now in place of what was known then; a name that the visitor gave it stays.
    pub(crate) fn seen_as(&self, now: &Self) -> Self {
        if now.0.is_none() {
            return self.clone();
        }
        now.clone().with_label(now.label().or(self.label()).unwrap_or_default())
    }

    fn knowing(self, learn: impl FnOnce(&mut Known)) -> Self {
        let mut known = self.0.map(Arc::unwrap_or_clone).unwrap_or_default();
        learn(&mut known);
        Self(Some(known).filter(|known| *known != Known::default()).map(Arc::new))
    }
}

fn cut(text: &str, longest: usize) -> Option<Box<str>> {
    let mut kept: String = text.chars().filter(|char| !char.is_control()).take(longest).collect();
    kept.truncate(kept.floor_char_boundary(longest));
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
    fn texts_are_cut_at_a_character_and_lose_what_garbles_a_terminal() {
        let client =
            ClientInfo::new().with_label(&"é".repeat(40)).with_user_agent("a\u{1b}[31m\r\nb ");
        assert_eq!(client.label().map(str::len), Some(64));
        assert_eq!(client.user_agent(), Some("a[31mb"));
        assert_eq!(ClientInfo::new().with_label("\n \t"), ClientInfo::new());
    }

    #[test]
    fn what_was_cut_is_cut_to_itself() {
        let once = ClientInfo::new().with_user_agent(&format!("{} {}", "x".repeat(254), "y"));
        let again = ClientInfo::new().with_user_agent(once.user_agent().unwrap_or_default());
        assert_eq!(once, again);
    }

    #[test]
    fn a_name_that_was_given_outlasts_a_new_description() {
        let named = ClientInfo::new().with_label("desk").with_user_agent("old");
        let seen = named.seen_as(&ClientInfo::new().with_user_agent("new"));
        assert_eq!((seen.label(), seen.user_agent()), (Some("desk"), Some("new")));
        assert_eq!(named.seen_as(&ClientInfo::new()), named);
    }
}
