//! One browser with a profile of its own, driven by the WebDriver protocol (W3C Recommendation).

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::Agent;

pub(crate) const TAB: &str = "\u{E004}";
pub(crate) const ENTER: &str = "\u{E007}";
/// The key under which an element's reference stands in answers.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser, which goes with this value.
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
        let mut lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        let port = lines
            .find_map(|line| {
                let line = line.expect("text");
                Some(line.rsplit_once("successfully on port ")?.1.trim_end_matches('.').to_owned())
            })
            .expect("the driver says where it listens");
        // Whatever it says later is nobody's concern, but somebody must take it.
        std::thread::spawn(move || lines.for_each(drop));
        let profile = tempfile::tempdir().expect("a directory");
        let config = Agent::config_builder().http_status_as_error(false);
        let mut browser = Self {
            process,
            agent: config.build().new_agent(),
            session: format!("http://127.0.0.1:{port}/session"),
            profile,
        };
        browser.begin();
        browser
    }

    fn begin(&mut self) {
        let mut options = json!({
            "args": [
                "--headless=new",
                // It sees no page but ours, and the sandbox is not to be had everywhere.
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
        let wanted = json!({
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
        });
        let begun = self.ask("POST", "", &json!({"capabilities": {"alwaysMatch": wanted}}));
        self.session =
            format!("{}/{}", self.session, begun["sessionId"].as_str().expect("a session"));
    }

    /// One command; its answer.
    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.try_ask(method, path, body);
        answer.unwrap_or_else(|error| panic!("{method} {path} {body}: {error}"))
    }

    fn try_ask(&self, method: &str, path: &str, body: &Value) -> Result<Value, Value> {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.session))
            .header("content-type", "application/json");
        let answer = if method == "POST" {
            self.agent.run(request.body(body.to_string()).expect("a request"))
        } else {
            self.agent.run(request.body(()).expect("a request"))
        };
        let text =
            answer.expect("an answer").body_mut().with_config().limit(64 << 20).read_to_string();
        let answer: Value = serde_json::from_str(&text.expect("text")).expect("JSON");
        let value = &answer["value"];
        if value.get("error").is_none() { Ok(value.clone()) } else { Err(value["message"].clone()) }
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.ask("POST", path, body)
    }

    fn get(&self, path: &str) -> Value {
        self.ask("GET", path, &Value::Null)
    }

    pub(crate) fn go(&self, url: &str) {
        self.post("/url", &json!({"url": url}));
    }

    pub(crate) fn back(&self) {
        self.post("/back", &json!({}));
    }

    pub(crate) fn source(&self) -> String {
        self.get("/source").as_str().expect("text").to_owned()
    }

    fn find_all(&self, selector: &str) -> Vec<String> {
        let found = self.post("/elements", &json!({"using": "css selector", "value": selector}));
        let found = found.as_array().expect("a list");
        found
            .iter()
            .map(|element| element[ELEMENT].as_str().expect("a reference").to_owned())
            .collect()
    }

    fn find(&self, selector: &str) -> String {
        let found = self.find_all(selector).into_iter().next();
        found.unwrap_or_else(|| panic!("no {selector} on this page:\n{}", self.source()))
    }

    pub(crate) fn count(&self, selector: &str) -> usize {
        self.find_all(selector).len()
    }

    /// Clicks, and waits for the page that comes of it.
    pub(crate) fn click(&self, selector: &str) {
        let element = self.find(selector);
        self.leave(|| drop(self.post(&format!("/element/{element}/click"), &json!({}))));
    }

    /// Does something that leads to another page, and waits until that is there.
    pub(crate) fn leave(&self, act: impl FnOnce()) {
        self.run("window.isLeft = true");
        act();
        let arrived = "return !window.isLeft && document.readyState === 'complete'";
        let mut asked = 0;
        // Between two pages a question may find neither.
        while self.try_run(arrived) != Some(Value::Bool(true)) {
            asked += 1;
            assert!(asked < 10_000, "no other page came");
        }
    }

    pub(crate) fn type_into(&self, selector: &str, text: &str) {
        self.post(&format!("/element/{}/value", self.find(selector)), &json!({"text": text}));
    }

    /// The text as a visitor sees it.
    pub(crate) fn text(&self, selector: &str) -> String {
        let text = self.get(&format!("/element/{}/text", self.find(selector)));
        text.as_str().expect("text").to_owned()
    }

    /// Waits until some such element shows this text; the page may change by itself meanwhile.
    pub(crate) fn wait_for(&self, selector: &str, text: &str) {
        let shown = format!(
            "return [...document.querySelectorAll({})].some((element) => element.textContent.includes({}))",
            json!(selector),
            json!(text)
        );
        let mut asked = 0;
        while self.try_run(&shown) != Some(Value::Bool(true)) {
            asked += 1;
            assert!(asked < 20_000, "no {selector} shows {text}:\n{}", self.source());
        }
    }

    /// Presses keys, wherever the focus is.
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

    /// The name of what has the focus: its id, or else its text.
    pub(crate) fn focused(&self) -> String {
        let script = "return document.activeElement.id || document.activeElement.textContent";
        self.run(script).as_str().expect("text").to_owned()
    }

    /// Controls that a screen reader has no name for.
    pub(crate) fn unnamed_controls(&self) -> Vec<String> {
        let controls = self.find_all("a, button, input:not([type=hidden])");
        // A page that changes by itself may have lost one meanwhile.
        let name = |element: &String| {
            self.try_ask("GET", &format!("/element/{element}/computedlabel"), &Value::Null)
        };
        let unnamed = |element: &String| {
            name(element).is_ok_and(|name| name.as_str().is_none_or(str::is_empty))
        };
        controls.into_iter().filter(unnamed).collect()
    }

    fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({"script": script, "args": []}))
    }

    fn try_run(&self, script: &str) -> Option<Value> {
        self.try_ask("POST", "/execute/sync", &json!({"script": script, "args": []})).ok()
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<Value> {
        let cookies = self.get("/cookie");
        cookies.as_array().expect("a list").iter().find(|cookie| cookie["name"] == name).cloned()
    }

    pub(crate) fn set_cookie(&self, cookie: &Value) {
        self.post("/cookie", &json!({"cookie": cookie}));
    }

    pub(crate) fn tab(&self) -> String {
        self.get("/window").as_str().expect("a tab").to_owned()
    }

    /// A new tab, which is in front from now on.
    pub(crate) fn open_tab(&self) -> String {
        let tab = self.post("/window/new", &json!({"type": "tab"}));
        let tab = tab["handle"].as_str().expect("a tab").to_owned();
        self.switch(&tab);
        tab
    }

    pub(crate) fn switch(&self, tab: &str) {
        self.post("/window", &json!({"handle": tab}));
    }

    /// What the browser wrote into its console.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let log = self.post("/se/log", &json!({"type": "browser"}));
        let log = log.as_array().expect("a list");
        log.iter().map(|entry| entry["message"].as_str().expect("text").to_owned()).collect()
    }

    /// Shows pages as somebody sees them who asked for dark colours, or for light ones.
    pub(crate) fn prefer(&self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        let params = json!({"media": "", "features": features});
        self.post(
            "/goog/cdp/execute",
            &json!({"cmd": "Emulation.setEmulatedMedia", "params": params}),
        );
    }

    /// The whole page as a picture, in base64 of PNG.
    pub(crate) fn picture(&self) -> String {
        let params = json!({"captureBeyondViewport": true, "format": "png"});
        let picture = self
            .post("/goog/cdp/execute", &json!({"cmd": "Page.captureScreenshot", "params": params}));
        picture["data"].as_str().expect("text").to_owned()
    }

    /// The colour behind the page.
    pub(crate) fn ground(&self) -> String {
        let colour = self.run("return getComputedStyle(document.body).backgroundColor");
        colour.as_str().expect("text").to_owned()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The browser goes with its session, the driver with its process.
        let _ = self.agent.delete(&self.session).call();
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
