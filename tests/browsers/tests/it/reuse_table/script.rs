//! A program that sends one request, with a cookie or a token that it was given.

use ureq::Agent;
use ureq::http::Request;

use crate::server::Server;

/// What the program was answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
    /// The key in the answer's `Set-Cookie`.
    pub(super) key: Option<String>,
}

/// Sends a request with one more header.
pub(super) fn send(
    server: &Server,
    method: &str,
    path: &str,
    header: (&str, &str),
    body: &str,
) -> Answer {
    let config = Agent::config_builder().http_status_as_error(false).max_redirects(0);
    let request = Request::builder()
        .method(method)
        .uri(server.url(path))
        .header("content-type", "application/x-www-form-urlencoded")
        .header(header.0, header.1)
        .body(body.to_owned())
        .expect("a valid request");
    let mut answer = config.build().new_agent().run(request).expect("an answer");
    let key = answer.headers().get("set-cookie").and_then(|line| {
        let pair = line.to_str().ok()?.split(';').next()?;
        Some(pair.split_once('=')?.1.to_owned())
    });
    let status = answer.status().as_u16();
    Answer { status, body: answer.body_mut().read_to_string().expect("UTF-8"), key }
}

/// What a change with this key in the cookie came to.
pub(super) fn change(server: &Server, key: &str) -> Answer {
    send(server, "POST", "/visit", ("cookie", &format!("__Host-id={key}")), "")
}

impl Answer {
    /// In a word or two, as alice's program sees it.
    pub(super) fn outcome(&self) -> &'static str {
        match self.status {
            409 => "409",
            200 if self.body.contains("id=who>alice") => "goes on",
            200 => "no session",
            _ => "another error",
        }
    }
}
