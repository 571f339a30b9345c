//! An HTTP client with one cookie, which it keeps as a browser does.

use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::{Request, Response};

#[derive(Clone)]
pub(crate) struct Browser {
    agent: Agent,
    url: String,
    /// `name=value`, the Cookie header.
    pub(crate) cookie: Option<String>,
}

pub(crate) struct Answer {
    pub(crate) response: Response<()>,
    pub(crate) body: String,
}

impl Browser {
    pub(crate) fn new(url: String) -> Self {
        // Connections are not reused: a server that refuses a body unread closes the connection.
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_connections(0);
        Self { agent: config.build().new_agent(), url, cookie: None }
    }

    /// The same browser, with the site at another address from now on.
    pub(crate) fn at(self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self }
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[], "")
    }

    /// Opens a page, as opposed to fetching a part of one.
    pub(crate) fn navigate(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[("sec-fetch-mode", "navigate")], "")
    }

    pub(crate) fn post(&mut self, path: &str) -> Answer {
        self.send("POST", path, &[], "")
    }

    pub(crate) fn post_json(&mut self, path: &str, body: &Value) -> Answer {
        let headers = [("content-type", "application/json")];
        self.send("POST", path, &headers, &body.to_string())
    }

    pub(crate) fn post_form(&mut self, path: &str, body: &str) -> Answer {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        self.send("POST", path, &headers, body)
    }

    pub(crate) fn delete(&mut self, path: &str) -> Answer {
        self.send("DELETE", path, &[], "")
    }

    pub(crate) fn sign_in(&mut self, user: &str, password: &str) -> Answer {
        self.post_json("/api/login", &json!({"user": user, "password": password}))
    }

    /// This browser's session, as the demo's API shows it.
    pub(crate) fn session(&mut self) -> Value {
        self.get("/api/session").json()
    }

    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        self.try_send(method, path, headers, body).expect("answered")
    }

    /// Sends a request that the server may fail to answer.
    pub(crate) fn try_send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Answer, ureq::Error> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        let request = request.body(body.to_owned()).expect("valid request");
        let answer = Answer::read(self.agent.run(request)?)?;
        match answer.set_cookie() {
            Some(header) if header.contains("; Max-Age=0") => self.cookie = None,
            Some(header) => self.cookie = header.split(';').next().map(ToOwned::to_owned),
            None => {}
        }
        Ok(answer)
    }
}

impl Answer {
    fn read(response: Response<ureq::Body>) -> Result<Self, ureq::Error> {
        let (parts, mut body) = response.into_parts();
        Ok(Self { response: Response::from_parts(parts, ()), body: body.read_to_string()? })
    }

    pub(crate) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    pub(crate) fn set_cookie(&self) -> Option<&str> {
        self.header("set-cookie")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect(&self.body)
    }
}
