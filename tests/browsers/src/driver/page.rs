//! What a test does with the page that the browser shows.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::Driver;

/// The Tab key, for [`Driver::press`].
pub const TAB: &str = "\u{E004}";
/// The Enter key, for [`Driver::press`].
pub const ENTER: &str = "\u{E007}";
/// The key of an element reference in WebDriver's responses.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

impl Driver {
    fn post(&self, path: &str, body: &Value) -> Value {
        self.send("POST", path, body)
    }

    fn get(&self, path: &str) -> Value {
        self.send("GET", path, &Value::Null)
    }

    /// Opens a URL as if it were typed, and waits for the page.
    pub fn go(&self, url: &str) {
        self.leave(|| drop(self.post("/url", &json!({"url": url}))));
    }

    /// Goes back in the history.
    pub fn back(&self) {
        self.leave(|| drop(self.post("/back", &json!({}))));
    }

    /// Loads the page again.
    pub fn reload(&self) {
        self.leave(|| drop(self.post("/refresh", &json!({}))));
    }

    /// The page as HTML.
    pub fn source(&self) -> String {
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

    /// How many elements match.
    pub fn count(&self, selector: &str) -> usize {
        self.find_all(selector).len()
    }

    /// Clicks, and waits for the next page.
    pub fn click(&self, selector: &str) {
        let element = self.find(selector);
        self.leave(|| drop(self.post(&format!("/element/{element}/click"), &json!({}))));
    }

    /// Does something that leads to another page, and waits until it is loaded.
    pub fn leave(&self, act: impl FnOnce()) {
        // A number, as the history can show a page again that was left before, with its mark.
        let number = self.left.fetch_add(1, Ordering::Relaxed);
        self.run(&format!("window.leftAs = {number}"));
        act();
        self.wait_until(&format!(
            "window.leftAs !== {number} && document.readyState === 'complete'"
        ));
    }

    /// Types into an element.
    pub fn type_into(&self, selector: &str, text: &str) {
        self.post(&format!("/element/{}/value", self.find(selector)), &json!({"text": text}));
    }

    /// The visible text of an element.
    pub fn text(&self, selector: &str) -> String {
        let text = self.get(&format!("/element/{}/text", self.find(selector)));
        text.as_str().expect("UTF-8").to_owned()
    }

    /// Waits until one of these elements contains this text, on a page that updates itself.
    pub fn wait_for(&self, selector: &str, text: &str) {
        self.wait_until(&format!(
            "[...document.querySelectorAll({})].some((it) => it.textContent.includes({}))",
            json!(selector),
            json!(text)
        ));
    }

    /// Waits until the element with this id has the focus, which a fragment gives it once the page
    /// is loaded.
    pub fn wait_for_focus(&self, id: &str) {
        let mut attempts = 0;
        while self.focused() != id {
            attempts += 1;
            assert!(attempts < 10_000, "{} has the focus, not {id}", self.focused());
        }
    }

    /// Presses keys on the focused element.
    pub fn press(&self, keys: &str) {
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
    pub fn focused(&self) -> String {
        let script = "return document.activeElement.id || document.activeElement.textContent";
        self.run(script).as_str().expect("UTF-8").to_owned()
    }

    /// Controls without an accessible name.
    pub fn unlabelled_controls(&self) -> Vec<String> {
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

    /// Waits until this expression of JavaScript is true on the page.
    pub fn wait_until(&self, condition: &str) {
        let script = format!("return Boolean({condition})");
        let mut attempts = 0;
        // A script fails while the browser is between two pages.
        while self.try_run(&script) != Some(Value::Bool(true)) {
            attempts += 1;
            assert!(attempts < 20_000, "{condition} never became true:\n{}", self.source());
        }
    }

    /// Runs the body of a function, and returns its result.
    pub fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({"script": script, "args": []}))
    }

    fn try_run(&self, script: &str) -> Option<Value> {
        self.try_send("POST", "/execute/sync", &json!({"script": script, "args": []})).ok()
    }

    /// The cookie of this name that the page's URL would be sent.
    pub fn cookie(&self, name: &str) -> Option<Value> {
        let cookies = self.get("/cookie");
        cookies.as_array().expect("array").iter().find(|cookie| cookie["name"] == name).cloned()
    }

    /// Removes the cookie of this name that the page's URL would be sent.
    pub fn delete_cookie(&self, name: &str) {
        self.send("DELETE", &format!("/cookie/{name}"), &Value::Null);
    }

    /// Sets a cookie, as WebDriver describes it.
    pub fn set_cookie(&self, cookie: &Value) {
        self.post("/cookie", &json!({"cookie": cookie}));
    }

    /// The tab that commands go to.
    pub fn tab(&self) -> String {
        self.get("/window").as_str().expect("window handle").to_owned()
    }

    /// Opens a tab and switches to it.
    pub fn open_tab(&self) -> String {
        let tab = self.post("/window/new", &json!({"type": "tab"}));
        let tab = tab["handle"].as_str().expect("window handle").to_owned();
        self.switch(&tab);
        tab
    }

    /// Closes this tab; another has to be switched to.
    pub fn close_tab(&self) {
        self.send("DELETE", "/window", &Value::Null);
    }

    /// Switches to a tab.
    pub fn switch(&self, tab: &str) {
        self.post("/window", &json!({"handle": tab}));
    }

    /// The messages in the browser's console.
    pub fn console(&self) -> Vec<String> {
        let log = self.post("/se/log", &json!({"type": "browser"}));
        let log = log.as_array().expect("array");
        log.iter().map(|entry| entry["message"].as_str().expect("UTF-8").to_owned()).collect()
    }

    /// Emulates a preference for light or dark colours.
    pub fn prefer(&self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        let params = json!({"media": "", "features": features});
        self.post(
            "/goog/cdp/execute",
            &json!({"cmd": "Emulation.setEmulatedMedia", "params": params}),
        );
    }

    /// The whole page as a PNG, in base64.
    pub fn screenshot(&self) -> String {
        let params = json!({"captureBeyondViewport": true, "format": "png"});
        let image = self
            .post("/goog/cdp/execute", &json!({"cmd": "Page.captureScreenshot", "params": params}));
        image["data"].as_str().expect("UTF-8").to_owned()
    }

    /// The page's background colour.
    pub fn background(&self) -> String {
        let colour = self.run("return getComputedStyle(document.body).backgroundColor");
        colour.as_str().expect("UTF-8").to_owned()
    }
}
