//! A blocking server with a thread for each request, and headers that are plain strings.

use std::thread;

use cloakroom::{Error, MemoryStore, RequestSession, Sessions, block_on};
use serde::{Deserialize, Serialize};
use tiny_http::{Header, Request, Response, Server};

#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
struct Visitor {
    visits: u64,
}

type Headers = Vec<(String, String)>;

fn count(request_session: &RequestSession<Visitor>, request: &Headers) -> Result<String, Error> {
    let mut session = block_on(request_session.session(request))?;
    let visits = block_on(session.update(|visitor| {
        visitor.visits += 1;
        visitor.visits
    }))?;
    Ok(format!("Visit number {visits}\n"))
}

fn serve(sessions: &Sessions<Visitor>, request: Request) -> std::io::Result<()> {
    let headers: Headers = request
        .headers()
        .iter()
        .map(|header| (header.field.to_string(), header.value.to_string()))
        .collect();
    let request_session = sessions.request_session().with_method(request.method().as_str());
    let mut answer = Headers::new();
    let (status, text) = match count(&request_session, &headers) {
        Ok(text) => (200, text),
        Err(error) => {
            let header = error.header(); // when to try again
            answer.extend(header.map(|(name, value)| {
                (name.to_string(), value.to_str().unwrap_or_default().to_owned())
            }));
            (error.status().as_u16(), String::new())
        }
    };
    request_session.finish(&mut answer); // Set-Cookie, Vary, Cache-Control
    let mut response = Response::from_string(text).with_status_code(status);
    for (name, value) in answer {
        if let Ok(header) = Header::from_bytes(name, value) {
            response.add_header(header);
        }
    }
    request.respond(response)
}

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let sessions = Sessions::new(MemoryStore::new())?;
    let port = std::env::var("PORT").unwrap_or("3000".into());
    let server = Server::http(format!("127.0.0.1:{port}"))?;
    println!("http://localhost:{}", server.server_addr().to_ip().ok_or("no address")?.port());
    for request in server.incoming_requests() {
        let sessions = sessions.clone();
        thread::spawn(move || serve(&sessions, request));
    }
    Ok(())
}
