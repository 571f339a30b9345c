//! A client with one cookie, which it shows and takes as browsers do.

use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::{Request, Response};

#[derive(Clone)]
pub(crate) struct Browser {
    agent: Agent,
    url: String,
    /// `name=value`, as it goes into a Cookie header.
    pub(crate) cookie: Option<String>,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) response: Response<()>,
    pub(crate) body: String,
}

impl Browser {
    pub(crate) fn new(url: String) -> Self {
        // A server that refuses a body unread closes the connection, so none is used twice.
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_connections(0);
        Self { agent: config.build().new_agent(), url, cookie: None }
    }

    /// Shows its cookie there from now on.
    pub(crate) fn goes_to(&mut self, url: &str) {
        url.clone_into(&mut self.url);
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[], "")
    }

    /// Goes to a page, as opposed to fetching something for one.
    pub(crate) fn navigate(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[("sec-fetch-mode", "navigate")], "")
    }

    pub(crate) fn post(&mut self, path: &str) -> Answer {
        self.send("POST", path, &[], "")
    }

    pub(crate) fn post_json(&mut self, path: &str, body: &Value) -> Answer {
        let kind = [("content-type", "application/json")];
        self.send("POST", path, &kind, &body.to_string())
    }

    pub(crate) fn post_form(&mut self, path: &str, body: &str) -> Answer {
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        self.send("POST", path, &kind, body)
    }

    pub(crate) fn delete(&mut self, path: &str) -> Answer {
        self.send("DELETE", path, &[], "")
    }

    pub(crate) fn sign_in(&mut self, user: &str, password: &str) -> Answer {
        self.post_json("/api/login", &json!({"user": user, "password": password}))
    }

    /// What the demo remembers of this browser.
    pub(crate) fn session(&mut self) -> Value {
        self.get("/api/session").json()
    }

    /// The same browser, when the server has come up again somewhere else.
    pub(crate) fn at(self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self }
    }

    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        self.try_send(method, path, headers, body).expect("an answer")
    }

    /// Sends a request that may never be answered.
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
        let request = request.body(body.to_owned()).expect("a valid request");
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
