//! What is noted of clients, and whose word is taken for their address.

use std::net::{IpAddr, SocketAddr};

use http::header::USER_AGENT;
use http::{HeaderName, HeaderValue};
use ipnet::IpNet;

use crate::http::Headers;
use crate::policy::ClientInfo;

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// What is noted of the client that begins a session or signs in on it: nothing, unless the application asks.
///
/// ```
/// # use cloakroom::{MemoryStore, SessionMap, Sessions};
/// # use cloakroom::http::{AddressRule, ClientPolicy};
/// let proxies = ["10.0.0.0/8".parse()?]; // the load balancers, and nobody else
/// let policy = ClientPolicy::user_agents().with_addresses(AddressRule::behind(proxies));
/// let sessions: Sessions<SessionMap> = Sessions::builder(MemoryStore::new()).clients(policy).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The connection's own address comes from the server: [`SessionLayer::with_peer_addr`](crate::SessionLayer::with_peer_addr), or
/// [`RequestSession::with_peer_addr`](crate::RequestSession::with_peer_addr). Without it no address is noted.
#[derive(Clone, Debug)]
pub struct ClientPolicy {
    addresses: Option<AddressRule>,
}

impl ClientPolicy {
    /// The user agent that a client says it is, cut to 255 bytes.
    pub const fn user_agents() -> Self {
        Self { addresses: None }
    }

    /// And the address it is at, by this rule. Wrong keys are then counted by address too.
    pub fn with_addresses(mut self, rule: AddressRule) -> Self {
        self.addresses = Some(rule);
        self
    }

    /// What a request from `peer` tells of its client.
    pub(crate) fn note(&self, request: &(impl Headers + ?Sized), peer: Option<IpAddr>) -> Noted {
        let address =
            self.addresses.as_ref().zip(peer).map(|(rule, peer)| rule.address(request, peer));
        let user_agent = request
            .values(&USER_AGENT)
            .next()
            .and_then(|agent| HeaderValue::from_bytes(agent).ok());
        Noted { user_agent, address }
    }
}

/// Whose word is taken for a client's address.
///
/// # Security
/// `X-Forwarded-For` is written by whoever likes: only what a trusted proxy appended is true. So it is read from its end,
/// and no further than the first address that is not a trusted proxy's own.
#[derive(Clone, Debug)]
pub struct AddressRule {
    proxies: Box<[IpNet]>,
}

impl AddressRule {
    /// Nobody's: the connection's own address, for a server that clients reach directly.
    pub fn direct() -> Self {
        Self { proxies: Box::default() }
    }

    /// That of proxies in these networks, each of which appends to `X-Forwarded-For` whom it was reached by.
    pub fn behind(proxies: impl IntoIterator<Item = IpNet>) -> Self {
        Self { proxies: proxies.into_iter().collect() }
    }

    fn address(&self, request: &(impl Headers + ?Sized), peer: IpAddr) -> IpAddr {
        let mut address = peer.to_canonical();
        let lines = request.values(&X_FORWARDED_FOR).rev();
        let mut told = lines.flat_map(|line| line.rsplit(|byte| *byte == b','));
        while self.proxies.iter().any(|proxy| proxy.contains(&address)) {
            match told.next().and_then(parse) {
                Some(before) => address = before,
                None => break,
            }
        }
        address
    }
}

/// An address, perhaps in brackets or with a port.
fn parse(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let bare = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || text.parse().ok().map(|socket: SocketAddr| socket.ip());
    text.parse().ok().or_else(bare).or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

/// What a request told of its client, before anybody wants to keep it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Noted {
    user_agent: Option<HeaderValue>,
    pub(crate) address: Option<IpAddr>,
}

impl Noted {
    /// As it is kept.
    pub(crate) fn client(&self) -> ClientInfo {
        if self.user_agent.is_none() && self.address.is_none() {
            return ClientInfo::new();
        }
        let agent =
            self.user_agent.as_ref().and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        let client = ClientInfo::new().with_user_agent(agent);
        match self.address {
            Some(address) => client.with_address(address),
            None => client,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn address(proxies: &[&str], peer: &str, told: &[&'static str]) -> String {
        let rule = AddressRule::behind(proxies.iter().map(|net| net.parse().unwrap()));
        let mut request = HeaderMap::new();
        for line in told {
            request.append(&X_FORWARDED_FOR, HeaderValue::from_static(line));
        }
        rule.address(&request, peer.parse().unwrap()).to_string()
    }

    #[test]
    fn only_what_a_trusted_proxy_appended_is_believed() {
        let ours = &["10.0.0.0/8", "fd00::/8"];
        for (proxies, peer, told, client) in [
            (&[] as &[&str], "192.0.2.1", &["6.6.6.6"] as &[&str], "192.0.2.1"),
            (ours, "192.0.2.1", &["6.6.6.6"], "192.0.2.1"),
            (ours, "10.0.0.1", &[], "10.0.0.1"),
            (ours, "10.0.0.1", &["6.6.6.6, 192.0.2.7"], "192.0.2.7"),
            (ours, "10.0.0.1", &["6.6.6.6", "192.0.2.7, 10.0.0.2"], "192.0.2.7"),
            (ours, "10.0.0.1", &["6.6.6.6, 192.0.2.7", "10.0.0.2"], "192.0.2.7"),
            (ours, "10.0.0.1", &["192.0.2.7:4711"], "192.0.2.7"),
            (ours, "fd00::1", &["[2001:db8::9]:4711, [fd00::2]"], "2001:db8::9"),
            (ours, "::ffff:10.0.0.1", &["::ffff:192.0.2.7"], "192.0.2.7"),
            (ours, "10.0.0.1", &["192.0.2.7, nonsense"], "10.0.0.1"),
            (ours, "10.0.0.1", &["192.0.2.7,"], "10.0.0.1"),
        ] {
            // Leaked once each, by a test.
            let told: Vec<&'static str> =
                told.iter().map(|line| &*line.to_string().leak()).collect();
            assert_eq!(address(proxies, peer, &told), client, "{peer} told {told:?}");
        }
    }

    #[test]
    fn a_user_agent_that_is_no_text_is_none() {
        let mut request = HeaderMap::new();
        request.insert(USER_AGENT, HeaderValue::from_bytes(b"caf\xE9").unwrap());
        assert_eq!(ClientPolicy::user_agents().note(&request, None).client(), ClientInfo::new());
    }
}
