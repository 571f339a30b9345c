//! Signing in, renewal and signing out, as each client sees it and as the server sees the client.

use cloakroom::CookiePolicy;
use cloakroom_clients::Server;
use cloakroom_testkit::servers::Certificates;
use serde_json::{Value, json};

use crate::program::{Client, Network, SESSION};

/// A law as a module, with a test for each client.
macro_rules! law {
    ($law:ident: $check:ident of $($name:ident $client:ident),+) => {
        mod $law {
            $(#[test]
            fn $name() {
                super::$check(super::Client::$client);
            })+
        }
    };
}

law!(a_session_over_plain_http_is_kept_renewed_and_ended: over_plain_http of
    curl Curl, httpx Httpx, java Java, requests Requests, reqwest Reqwest, undici Undici);

// reqwest is built without TLS here.
law!(a_session_over_tls_is_kept_renewed_and_ended: over_tls of
    curl Curl, httpx Httpx, java Java, requests Requests, undici Undici);

fn over_plain_http(client: Client) {
    let server = Server::plain(CookiePolicy::for_plain_http("id"));
    let url = format!("http://{}", server.address());
    judge("id", &client.play(SESSION, &url, Network::default()), &server);
}

fn over_tls(client: Client) {
    let certificates = Certificates::new();
    let server = Server::encrypted(&certificates);
    let url = format!("https://localhost:{}", server.address().port());
    let network = Network { certificates: Some(&certificates), ..Network::default() };
    judge("__Host-id", &client.play(SESSION, &url, network), &server);
}

/// Compares what the client saw, and the keys that it sent, with what they must be.
fn judge(cookie: &str, seen: &[Value], server: &Server) {
    let saw = |step: &str, saw: Value| json!({ "step": step, "status": 200, "saw": saw });
    let page =
        |step: &str, visits: u64, name: Value| saw(step, json!({ "visits": visits, "name": name }));
    let (no_one, alice) = (Value::Null, json!("alice"));
    let expected = [
        page("visit", 1, no_one.clone()),
        page("visit", 2, no_one.clone()),
        page("sign in", 2, alice.clone()),
        page("visit", 3, alice.clone()),
        // Renewed.
        page("visit", 4, alice.clone()),
        page("visit", 5, alice.clone()),
        // The old key retires.
        page("visit", 6, alice.clone()),
        saw("keys", json!(["Retired", "Retired", "valid"])),
        // Renewed by two requests at once.
        page("together", 7, alice.clone()),
        page("together", 8, alice.clone()),
        page("visit", 9, alice.clone()),
        page("sign out", 0, no_one.clone()),
        page("sign in", 0, alice),
        // Expired.
        page("come back", 0, no_one),
    ];
    let mut seen = seen.to_vec();
    // Either of the two requests can be the first.
    if let Some(pair) = seen.get_mut(8..10) {
        pair.sort_by_key(|line| line["saw"]["visits"].as_u64());
    }
    for (seen, expected) in seen.iter().zip(&expected) {
        assert_eq!(seen, expected);
    }
    assert_eq!(seen.len(), expected.len());

    // Each new key is in use as soon as it has been sent, and no other cookie is.
    let exchanges = server.exchanges();
    // http-cookie-agent sends an empty header if it has no cookie.
    let sent = exchanges.iter().flat_map(|it| &it.cookie).filter(|it| !it.is_empty());
    let mut sent: Vec<&str> = sent.map(String::as_str).collect();
    sent.dedup();
    let keys = server.keys();
    assert_eq!(keys.len(), 6, "anonymous, signed in, renewed twice, and both again");
    assert_eq!(sent, keys.iter().map(|key| format!("{cookie}={key}")).collect::<Vec<_>>());
    let signed_out = exchanges.iter().position(|it| it.path == "/logout").expect("it signed out");
    let next = &exchanges[signed_out + 1];
    assert_eq!(next.cookie.concat(), "", "a signed-out client sends no cookie");
}
