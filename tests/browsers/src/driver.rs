//! A browser with a profile of its own, driven through WebDriver (W3C Recommendation).

mod page;

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::AtomicU64;

use serde_json::{Map, Value, json};
use tempfile::TempDir;
use ureq::Agent;

pub use page::{ENTER, TAB};

/// How a browser is started.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    arguments: Vec<String>,
    preferences: Map<String, Value>,
    waits_for_nothing: bool,
}

impl Settings {
    /// Adds a command-line argument.
    pub fn argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Sets one of the profile's preferences, such as `net.network_prediction_options`.
    pub fn preference(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.preferences.insert(name.into(), value.into());
        self
    }

    /// Lets commands go on while a page is loading: for a server that holds a response back.
    ///
    /// [`Driver::go`] and [`Driver::click`] wait for the next page all the same.
    pub fn without_waiting(mut self) -> Self {
        self.waits_for_nothing = true;
        self
    }
}

/// A browser, closed on drop.
#[derive(Debug)]
pub struct Driver {
    process: Child,
    agent: Agent,
    /// Where sessions of the WebDriver protocol are opened.
    endpoint: String,
    session: String,
    browser: u64,
    settings: Settings,
    profile: TempDir,
    /// How many pages were left: see [`leave`](Driver::leave).
    left: AtomicU64,
}

/// Starts the driver; `None` if it ends before it prints its port.
fn start_driver() -> Option<(Child, String)> {
    let driver = env::var("CLOAKROOM_CHROMEDRIVER").unwrap_or_else(|_| "chromedriver".into());
    let mut process =
        Command::new(&driver).arg("--port=0").stdout(Stdio::piped()).spawn().unwrap_or_else(
            |error| panic!("`{driver}`: {error}; `cargo xtask test` finds or installs it"),
        );
    let mut lines = BufReader::new(process.stdout.take().expect("pipe")).lines();
    let port = lines.find_map(|line| {
        let line = line.expect("UTF-8");
        Some(line.rsplit_once("successfully on port ")?.1.trim_end_matches('.').to_owned())
    });
    let Some(port) = port else {
        process.wait().expect("it has closed its output");
        return None;
    };
    // Nothing after that is needed, but the pipe must not fill up.
    std::thread::spawn(move || lines.for_each(drop));
    Some((process, port))
}

impl Driver {
    /// Starts a browser with a new profile.
    pub fn start() -> Self {
        Self::start_with(Settings::default())
    }

    /// Starts a browser with a new profile and these settings.
    pub fn start_with(settings: Settings) -> Self {
        // It takes a free port and then the same one for IPv6, which another driver can have.
        let (process, port) =
            (0..5).find_map(|_| start_driver()).expect("the driver prints its port");
        let profile = tempfile::tempdir().expect("temporary directory");
        let config = Agent::config_builder().http_status_as_error(false);
        let mut browser = Self {
            process,
            agent: config.build().new_agent(),
            endpoint: format!("http://127.0.0.1:{port}/session"),
            session: String::new(),
            browser: 0,
            settings,
            profile,
            left: AtomicU64::new(0),
        };
        browser.open_session();
        browser
    }

    fn open_session(&mut self) {
        let mut arguments = vec![
            "--headless=new".to_owned(),
            // It loads only our pages, and the sandbox does not work in every container.
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--window-size=900,800".to_owned(),
            format!("--user-data-dir={}", self.profile.path().display()),
        ];
        arguments.extend(self.settings.arguments.iter().cloned());
        let mut options = json!({"args": arguments, "prefs": self.settings.preferences});
        if let Ok(binary) = env::var("CLOAKROOM_CHROMIUM") {
            options["binary"] = binary.into();
        }
        let strategy = if self.settings.waits_for_nothing { "none" } else { "normal" };
        let capabilities = json!({
            "browserName": "chrome",
            "pageLoadStrategy": strategy,
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
        });
        self.session.clone_from(&self.endpoint);
        let opened = self.send("POST", "", &json!({"capabilities": {"alwaysMatch": capabilities}}));
        let session = opened["sessionId"].as_str().expect("session id");
        self.session = format!("{}/{session}", self.endpoint);
        self.browser = opened["capabilities"]["goog:processID"].as_u64().expect("process id");
    }

    /// Quits the browser, which writes its profile, and starts it again with the same profile.
    pub fn restart(&mut self) {
        self.send("DELETE", "", &Value::Null);
        self.open_session();
    }

    /// Kills the browser, as a crash would, and starts it again with the same profile.
    pub fn crash(&mut self) {
        let killed = Command::new("kill").args(["-9", &self.browser.to_string()]).status();
        assert!(killed.is_ok_and(|status| status.success()), "the browser runs");
        let _ = self.agent.delete(&self.session).call();
        // The lock of a browser on another host would be waited for; this one has just ended.
        let _ = std::fs::remove_file(self.profile.path().join("SingletonLock"));
        self.open_session();
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
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Closes the browser, then the driver.
        let _ = self.agent.delete(&self.session).call();
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
