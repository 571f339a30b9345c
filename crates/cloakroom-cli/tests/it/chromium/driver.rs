//! A browser with a new profile, driven through WebDriver (W3C Recommendation).

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::Agent;

pub(crate) const TAB: &str = "\u{E004}";
pub(crate) const ENTER: &str = "\u{E007}";
/// The key of an element reference in WebDriver's responses.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser, closed on drop.
pub(crate) struct Driver {
    process: Child,
    agent: Agent,
    session: String,
    profile: TempDir,
}

impl Driver {
    pub(crate) fn start() -> Self {
        let driver = env::var("CLOAKROOM_CHROMEDRIVER").unwrap_or_else(|_| "chromedriver".into());
        let mut process =
            Command::new(&driver).arg("--port=0").stdout(Stdio::piped()).spawn().unwrap_or_else(
                |error| panic!("`{driver}`: {error}; `cargo xtask test` finds or installs it"),
            );
        let mut lines = BufReader::new(process.stdout.take().expect("pipe")).lines();
        let port = lines
            .find_map(|line| {
                let line = line.expect("UTF-8");
                Some(line.rsplit_once("successfully on port ")?.1.trim_end_matches('.').to_owned())
            })
            .expect("the driver prints its port");
        // Nothing after that is needed, but the pipe must not fill up.
        std::thread::spawn(move || lines.for_each(drop));
        let profile = tempfile::tempdir().expect("temporary directory");
        let config = Agent::config_builder().http_status_as_error(false);
        let mut browser = Self {
            process,
            agent: config.build().new_agent(),
            session: format!("http://127.0.0.1:{port}/session"),
            profile,
        };
        browser.open_session();
        browser
    }

    fn open_session(&mut self) {
        let mut options = json!({
            "args": [
                "--headless=new",
                // It loads only our pages, and the sandbox does not work in every container.
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--window-size=900,800",
                format!("--user-data-dir={}", self.profile.path().display()),
            ],
        });
        if let Ok(binary) = env::var("CLOAKROOM_CHROMIUM") {
            options["binary"] = binary.into();
        }
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
        });
        let opened = self.send("POST", "", &json!({"capabilities": {"alwaysMatch": capabilities}}));
        self.session =
            format!("{}/{}", self.session, opened["sessionId"].as_str().expect("session id"));
    }

    /// Sends a command, and returns its result.
    fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.try_send(method, path, body);
        answer.unwrap_or_else(|error| panic!("{method} {path} {body}: {error}"))
    }

    fn try_send(&self, method: &str, path: &str, body: &Value) -> Result<Value, Value> {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.session))
            .header("content-type", "application/json");
        let answer = if method == "POST" {
            self.agent.run(request.body(body.to_string()).expect("valid request"))
        } else {
            self.agent.run(request.body(()).expect("valid request"))
        };
        let text =
            answer.expect("answered").body_mut().with_config().limit(64 << 20).read_to_string();
        let answer: Value = serde_json::from_str(&text.expect("UTF-8")).expect("JSON");
        let value = &answer["value"];
        if value.get("error").is_none() { Ok(value.clone()) } else { Err(value["message"].clone()) }
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.send("POST", path, body)
    }

    fn get(&self, path: &str) -> Value {
        self.send("GET", path, &Value::Null)
    }

    pub(crate) fn go(&self, url: &str) {
        self.post("/url", &json!({"url": url}));
    }

    pub(crate) fn back(&self) {
        self.post("/back", &json!({}));
    }

    pub(crate) fn source(&self) -> String {
        self.get("/source").as_str().expect("UTF-8").to_owned()
    }

    fn find_all(&self, selector: &str) -> Vec<String> {
        let found = self.post("/elements", &json!({"using": "css selector", "value": selector}));
        let found = found.as_array().expect("array");
        found
            .iter()
            .map(|element| element[ELEMENT].as_str().expect("element reference").to_owned())
            .collect()
    }

    fn find(&self, selector: &str) -> String {
        let found = self.find_all(selector).into_iter().next();
        found.unwrap_or_else(|| panic!("no {selector} on this page:\n{}", self.source()))
    }

    pub(crate) fn count(&self, selector: &str) -> usize {
        self.find_all(selector).len()
    }

    /// Clicks, and waits for the next page.
    pub(crate) fn click(&self, selector: &str) {
        let element = self.find(selector);
        self.leave(|| drop(self.post(&format!("/element/{element}/click"), &json!({}))));
    }

    /// Does something that leads to another page, and waits until it is loaded.
    pub(crate) fn leave(&self, act: impl FnOnce()) {
        self.run("window.isLeft = true");
        act();
        let loaded = "return !window.isLeft && document.readyState === 'complete'";
        let mut attempts = 0;
        // A script fails while the browser is between two pages.
        while self.try_run(loaded) != Some(Value::Bool(true)) {
            attempts += 1;
            assert!(attempts < 10_000, "no other page was loaded");
        }
    }

    pub(crate) fn type_into(&self, selector: &str, text: &str) {
        self.post(&format!("/element/{}/value", self.find(selector)), &json!({"text": text}));
    }

    /// The visible text of an element.
    pub(crate) fn text(&self, selector: &str) -> String {
        let text = self.get(&format!("/element/{}/text", self.find(selector)));
        text.as_str().expect("UTF-8").to_owned()
    }

    /// Waits until one of these elements contains this text, on a page that updates itself.
    pub(crate) fn wait_for(&self, selector: &str, text: &str) {
        let shown = format!(
            "return [...document.querySelectorAll({})].some((it) => it.textContent.includes({}))",
            json!(selector),
            json!(text)
        );
        let mut attempts = 0;
        while self.try_run(&shown) != Some(Value::Bool(true)) {
            attempts += 1;
            assert!(attempts < 20_000, "no {selector} shows {text}:\n{}", self.source());
        }
    }

    /// Waits until the element with this id has the focus, which a fragment gives it once the page
    /// is loaded.
    pub(crate) fn wait_for_focus(&self, id: &str) {
        let mut attempts = 0;
        while self.focused() != id {
            attempts += 1;
            assert!(attempts < 10_000, "{} has the focus, not {id}", self.focused());
        }
    }

    /// Presses keys on the focused element.
    pub(crate) fn press(&self, keys: &str) {
        let strokes: Vec<Value> = keys
            .chars()
            .flat_map(|key| {
                [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})]
            })
            .collect();
        self.post(
            "/actions",
            &json!({"actions": [{"type": "key", "id": "keyboard", "actions": strokes}]}),
        );
    }

    /// The id of the focused element, or else its text.
    pub(crate) fn focused(&self) -> String {
        let script = "return document.activeElement.id || document.activeElement.textContent";
        self.run(script).as_str().expect("UTF-8").to_owned()
    }

    /// Controls without an accessible name.
    pub(crate) fn unlabelled_controls(&self) -> Vec<String> {
        let controls = self.find_all("a, button, input:not([type=hidden])");
        // A page that updates itself can have removed one by now.
        let name = |element: &String| {
            self.try_send("GET", &format!("/element/{element}/computedlabel"), &Value::Null)
        };
        let is_unlabelled = |element: &String| {
            name(element).is_ok_and(|name| name.as_str().is_none_or(str::is_empty))
        };
        controls.into_iter().filter(is_unlabelled).collect()
    }

    fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({"script": script, "args": []}))
    }

    fn try_run(&self, script: &str) -> Option<Value> {
        self.try_send("POST", "/execute/sync", &json!({"script": script, "args": []})).ok()
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<Value> {
        let cookies = self.get("/cookie");
        cookies.as_array().expect("array").iter().find(|cookie| cookie["name"] == name).cloned()
    }

    pub(crate) fn set_cookie(&self, cookie: &Value) {
        self.post("/cookie", &json!({"cookie": cookie}));
    }

    pub(crate) fn tab(&self) -> String {
        self.get("/window").as_str().expect("window handle").to_owned()
    }

    /// Opens a tab and switches to it.
    pub(crate) fn open_tab(&self) -> String {
        let tab = self.post("/window/new", &json!({"type": "tab"}));
        let tab = tab["handle"].as_str().expect("window handle").to_owned();
        self.switch(&tab);
        tab
    }

    pub(crate) fn switch(&self, tab: &str) {
        self.post("/window", &json!({"handle": tab}));
    }

    /// The messages in the browser's console.
    pub(crate) fn console(&self) -> Vec<String> {
        let log = self.post("/se/log", &json!({"type": "browser"}));
        let log = log.as_array().expect("array");
        log.iter().map(|entry| entry["message"].as_str().expect("UTF-8").to_owned()).collect()
    }

    /// Emulates a preference for light or dark colours.
    pub(crate) fn prefer(&self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        let params = json!({"media": "", "features": features});
        self.post(
            "/goog/cdp/execute",
            &json!({"cmd": "Emulation.setEmulatedMedia", "params": params}),
        );
    }

    /// The whole page as a PNG, in base64.
    pub(crate) fn screenshot(&self) -> String {
        let params = json!({"captureBeyondViewport": true, "format": "png"});
        let image = self
            .post("/goog/cdp/execute", &json!({"cmd": "Page.captureScreenshot", "params": params}));
        image["data"].as_str().expect("UTF-8").to_owned()
    }

    /// The page's background colour.
    pub(crate) fn background(&self) -> String {
        let colour = self.run("return getComputedStyle(document.body).backgroundColor");
        colour.as_str().expect("UTF-8").to_owned()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Closes the browser, then the driver.
        let _ = self.agent.delete(&self.session).call();
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
