//! What is recorded about clients, and how their address is found behind proxies.

use std::net::{IpAddr, SocketAddr};

use http::header::USER_AGENT;
use http::{HeaderName, HeaderValue};
use ipnet::IpNet;

use crate::http::Headers;
use crate::policy::ClientInfo;

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// What to record about the client that creates a session or signs in.
///
/// By default, nothing.
///
/// ```
/// # use cloakroom::{MemoryStore, SessionMap, Sessions};
/// # use cloakroom::http::{AddressRule, ClientPolicy};
/// let proxies = ["10.0.0.0/8".parse()?]; // the load balancers
/// let policy = ClientPolicy::user_agents().with_addresses(AddressRule::behind(proxies));
/// let sessions: Sessions<SessionMap> =
///     Sessions::builder(MemoryStore::new()).clients(policy).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The address of the connection itself comes from the server: see
/// [`SessionLayer::with_peer_addr`](crate::SessionLayer::with_peer_addr) and
/// [`RequestSession::with_peer_addr`](crate::RequestSession::with_peer_addr). Without it, no
/// address is recorded. The actix middleware passes it on by itself.
#[derive(Clone, Debug)]
pub struct ClientPolicy {
    addresses: Option<AddressRule>,
}

impl ClientPolicy {
    /// Records the `User-Agent` header, cut to 255 bytes.
    pub const fn user_agents() -> Self {
        Self { addresses: None }
    }

    /// Also records the client's address, found by `rule`.
    ///
    /// [`Event::UnknownKey`](crate::observe::Event::UnknownKey) and
    /// [`Event::WrongSecret`](crate::observe::Event::WrongSecret) then carry it.
    ///
    /// # Security
    /// An address is personal data.
    pub fn with_addresses(mut self, rule: AddressRule) -> Self {
        self.addresses = Some(rule);
        self
    }

    /// Reads what this policy records from a request that came from `peer`.
    pub(crate) fn read(
        &self,
        request: &(impl Headers + ?Sized),
        peer: Option<IpAddr>,
    ) -> RequestClient {
        let address =
            self.addresses.as_ref().zip(peer).map(|(rule, peer)| rule.address(request, peer));
        let user_agent = request
            .values(&USER_AGENT)
            .next()
            .and_then(|agent| HeaderValue::from_bytes(agent).ok());
        RequestClient { user_agent, address }
    }
}

/// How to find a client's address.
///
/// # Security
/// Anyone can send an `X-Forwarded-For` header; only the entries that a trusted proxy appended are
/// true. The header is therefore read from its end, up to the first address that does not belong to
/// a trusted proxy.
#[derive(Clone, Debug)]
pub struct AddressRule {
    proxies: Box<[IpNet]>,
}

impl AddressRule {
    /// Uses the connection's own address: for a server that clients reach directly.
    pub fn direct() -> Self {
        Self { proxies: Box::default() }
    }

    /// Trusts proxies in these networks, each of which appends the address it was reached from to
    /// `X-Forwarded-For`.
    pub fn behind(proxies: impl IntoIterator<Item = IpNet>) -> Self {
        Self { proxies: proxies.into_iter().collect() }
    }

    fn address(&self, request: &(impl Headers + ?Sized), peer: IpAddr) -> IpAddr {
        let mut address = peer.to_canonical();
        let lines = request.values(&X_FORWARDED_FOR).rev();
        let mut forwarded = lines.flat_map(|line| line.rsplit(|byte| *byte == b','));
        while self.proxies.iter().any(|proxy| proxy.contains(&address)) {
            match forwarded.next().and_then(parse) {
                Some(before) => address = before,
                None => break,
            }
        }
        address
    }
}

/// Reads an address that may be in brackets or followed by a port.
fn parse(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let bare = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || text.parse().ok().map(|socket: SocketAddr| socket.ip());
    text.parse().ok().or_else(bare).or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

/// What one request says about its client, as far as the policy asks.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestClient {
    user_agent: Option<HeaderValue>,
    pub(crate) address: Option<IpAddr>,
}

impl RequestClient {
    /// The form in which it is recorded.
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

    fn address(proxies: &[&str], peer: &str, forwarded: &[&'static str]) -> String {
        let rule = AddressRule::behind(proxies.iter().map(|net| net.parse().unwrap()));
        let mut request = HeaderMap::new();
        for line in forwarded {
            request.append(&X_FORWARDED_FOR, HeaderValue::from_static(line));
        }
        rule.address(&request, peer.parse().unwrap()).to_string()
    }

    #[test]
    fn only_addresses_appended_by_a_trusted_proxy_are_trusted() {
        let ours = &["10.0.0.0/8", "fd00::/8"];
        for (proxies, peer, forwarded, client) in [
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
            // Leaked: the values must be static.
            let forwarded: Vec<&'static str> =
                forwarded.iter().map(|line| &*line.to_string().leak()).collect();
            assert_eq!(address(proxies, peer, &forwarded), client, "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn a_user_agent_that_is_not_ascii_is_not_recorded() {
        let mut request = HeaderMap::new();
        request.insert(USER_AGENT, HeaderValue::from_bytes(b"caf\xE9").unwrap());
        assert_eq!(ClientPolicy::user_agents().read(&request, None).client(), ClientInfo::new());
    }
}
