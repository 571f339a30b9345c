//! A blocking server with a thread for each request, and headers as text.

use std::io::{self, Write};
use std::sync::Arc;
use std::thread;

use cloakroom::{Error, RequestSession, block_on};
use cloakroom_testkit::scenarios::{Barrier, RunningServer, Visitor, alice};
use tiny_http::{Header, Request, Response, Server};

type Sessions = cloakroom::Sessions<Visitor>;
type Session = cloakroom::Session<Visitor>;
type Headers = Vec<(String, String)>;

/// The application on `tiny_http`.
pub fn serve(sessions: cloakroom::Sessions<Visitor>, barrier: Barrier) -> RunningServer {
    let server = Arc::new(Server::http("127.0.0.1:0").expect("a free port"));
    let address = server.server_addr().to_ip().expect("an address");
    let listening = Arc::clone(&server);
    thread::spawn(move || {
        for request in listening.incoming_requests() {
            let (sessions, barrier) = (sessions.clone(), barrier.clone());
            thread::spawn(move || handle(&sessions, &barrier, request));
        }
    });
    RunningServer::new(address, StopOnDrop(server))
}

struct StopOnDrop(Arc<Server>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.unblock();
    }
}

fn handle(sessions: &Sessions, barrier: &Barrier, request: Request) -> io::Result<()> {
    let headers: Headers = request
        .headers()
        .iter()
        .map(|header| (header.field.to_string(), header.value.to_string()))
        .collect();
    if request.url() == "/stream" {
        return stream(sessions, barrier, &headers, request);
    }
    let request_session = sessions.request_session().with_method(request.method().as_str());
    let mut response_headers = Headers::new();
    let response = match request.url() {
        "/ignore" => (200, "nothing to see".to_owned()),
        route => respond_to(route, sessions, &request_session, &headers, barrier)
            .unwrap_or_else(|error| error_response(&error, &mut response_headers)),
    };
    respond(request, response, response_headers, &request_session)
}

/// Status and body for an error, whose header is added to `response_headers`.
fn error_response(error: &Error, response_headers: &mut Headers) -> (u16, String) {
    let header = error.header();
    response_headers
        .extend(header.map(|(name, value)| {
            (name.to_string(), value.to_str().unwrap_or_default().to_owned())
        }));
    (error.status().as_u16(), String::new())
}

fn respond(
    request: Request,
    (status, body): (u16, String),
    mut response_headers: Headers,
    request_session: &RequestSession<Visitor>,
) -> io::Result<()> {
    request_session.finish(&mut response_headers);
    let mut response = Response::from_string(body).with_status_code(status);
    for (name, value) in response_headers {
        if let Ok(header) = Header::from_bytes(name, value) {
            response.add_header(header);
        }
    }
    request.respond(response)
}

fn respond_to(
    route: &str,
    sessions: &Sessions,
    request_session: &RequestSession<Visitor>,
    request: &Headers,
    barrier: &Barrier,
) -> Result<(u16, String), Error> {
    let (mut session, mut second) =
        (block_on(request_session.session(request))?, block_on(request_session.session(request))?);
    let body = match route {
        "/count" | "/fail" => count(&mut session)?.to_string(),
        "/read" if !session.exists() => "null".into(),
        "/read" => session.value().visits.to_string(),
        "/login" => block_on(session.login(&alice())).map(|()| String::new())?,
        "/logout" => block_on(session.logout()).map(|()| String::new())?,
        "/revoke" => match session.id() {
            Some(id) => block_on(sessions.revoke(id)).map(|()| String::new())?,
            None => String::new(),
        },
        "/both" => {
            block_on(session.login(&alice()))?;
            count(&mut second)?.to_string()
        }
        "/slow" => {
            count(&mut session)?;
            barrier.pass().wait();
            count(&mut session)?.to_string()
        }
        "/panic" => {
            count(&mut session)?;
            broken()
        }
        _ => return Ok((404, String::new())),
    };
    Ok((if route == "/fail" { 500 } else { 200 }, body))
}

#[expect(clippy::panic, reason = "the scenario requires it")]
fn broken() -> String {
    panic!("this handler panics on purpose")
}

/// Writes head and body by hand, since `tiny_http` buffers both until the body is complete.
fn stream(
    sessions: &Sessions,
    barrier: &Barrier,
    headers: &Headers,
    request: Request,
) -> io::Result<()> {
    let request_session = sessions.request_session().with_method(request.method().as_str());
    let begun = block_on(request_session.session(headers)).and_then(|mut session| {
        let first = count(&mut session)?;
        Ok((session, first))
    });
    let mut response_headers = Headers::new();
    let (mut session, first) = match begun {
        Ok(begun) => begun,
        Err(error) => {
            return respond(
                request,
                error_response(&error, &mut response_headers),
                response_headers,
                &request_session,
            );
        }
    };
    request_session.finish(&mut response_headers);
    let mut out = request.into_writer();
    write!(out, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n")?;
    for (name, value) in response_headers {
        write!(out, "{name}: {value}\r\n")?;
    }
    write!(out, "\r\n")?;
    write_chunk(&mut out, &first.to_string())?;
    barrier.pass().wait();
    let counted = count(&mut session).map_err(|error| error.kind());
    let login = block_on(session.login(&alice())).map_err(|error| error.kind());
    write_chunk(&mut out, &format!("{counted:?} {login:?}"))?;
    write_chunk(&mut out, "")
}

fn write_chunk(out: &mut impl Write, text: &str) -> io::Result<()> {
    write!(out, "{:x}\r\n{text}\r\n", text.len())?;
    out.flush()
}

fn count(session: &mut Session) -> Result<u64, Error> {
    block_on(session.update(|visitor| {
        visitor.visits += 1;
        visitor.visits
    }))
}
