//! A Secure cookie over plain HTTP: where a client does not send it back, each request begins a
//! session, and nothing fails. docs/testing.md says so.

use cloakroom::CookiePolicy;
use cloakroom_clients::Server;

use crate::program::{Client, Network, VISITS};

/// Clients that take plain HTTP to this computer for secure, as browsers do.
const LENIENT: [Client; 3] = [Client::Curl, Client::Reqwest, Client::Undici];

/// Clients for which only https is secure.
const STRICT: [Client; 3] = [Client::Httpx, Client::Java, Client::Requests];

#[test]
fn some_clients_send_a_secure_cookie_over_plain_http_to_this_computer() {
    for client in LENIENT {
        assert_eq!(visits_on_this_computer(client), [[1, 2, 3]; 2], "{client:?}");
    }
}

#[test]
fn others_begin_a_session_with_each_request_to_this_computer() {
    for client in STRICT {
        assert_eq!(visits_on_this_computer(client), [[1, 1, 1]; 2], "{client:?}");
    }
}

#[test]
fn under_another_name_every_client_begins_a_session_with_each_request() {
    for client in [LENIENT, STRICT].concat() {
        let server = Server::plain(CookiePolicy::default());
        // A request through a proxy names a host that no one has to look up.
        let network = Network { proxy: Some(server.address()), ..Network::default() };
        assert_eq!(visits(client, "http://shop.test", network), [1, 1, 1], "{client:?}");
        assert_eq!(server.keys().len(), 3);
    }
}

fn visits_on_this_computer(client: Client) -> [Vec<u64>; 2] {
    ["127.0.0.1", "localhost"].map(|host| {
        let server = Server::plain(CookiePolicy::default());
        let url = format!("http://{host}:{}", server.address().port());
        visits(client, &url, Network::default())
    })
}

/// The number that each of three visits is given.
fn visits(client: Client, url: &str, network: Network<'_>) -> Vec<u64> {
    let seen = client.play(VISITS, url, network);
    seen.iter().filter_map(|line| line["saw"]["visits"].as_u64()).collect()
}
