//! What old clients send, byte by byte.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use cloakroom::CookiePolicy;
use cloakroom_clients::Server;

/// Java's clients write a cookie like this if its `Max-Age` came without `Expires` (RFC 2965
/// section 3.3.4).
#[test]
fn a_key_in_quotes_among_attributes_opens_its_session() {
    let server = Server::plain(CookiePolicy::for_plain_http("id"));
    let first = get(server.address(), "");
    assert!(first.ends_with(r#"{"name":null,"visits":1}"#), "{first}");
    let key = &server.keys()[0];
    let cookie = format!(r#"Cookie: $Version="1"; id="{key}";$Path="/";$Domain="127.0.0.1""#);
    let second = get(server.address(), &format!("{cookie}\r\n"));
    assert!(second.ends_with(r#"{"name":null,"visits":2}"#), "{second}");
}

/// The response to a visit with these header lines.
fn get(server: SocketAddr, headers: &str) -> String {
    let mut stream = TcpStream::connect(server).expect("a connection");
    let request =
        format!("GET /visit HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("it answers");
    response
}
