//! The rows: each plays what a client does, and says what came of it.

use std::time::Duration;

use cloakroom_browsers::Driver;

use super::script::{self, change};
use super::{Play, Row};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HER_VISITS: u64 = 3;

pub(super) const ROWS: &[Row] = &[
    ("a script with a copy of the cookie, once a minute next to the browser", |play| {
        play.script(true)
    }),
    ("the same script while the browser is away, and the browser an hour later", |play| {
        play.script(false)
    }),
    ("two cookie jars with one key, both in use", |play| play.two_jars(0)),
    ("two jars, the second away for 20 minutes", |play| play.two_jars(20)),
    ("two jars, the second away for 50 minutes", |play| play.two_jars(50)),
    ("a cookie restored to what it was before a renewal 15 s ago", |play| {
        play.restored(15 * SECOND)
    }),
    ("restored, 1 min after the renewal", |play| play.restored(MINUTE)),
    ("restored, 6 min after", |play| play.restored(6 * MINUTE)),
    ("restored, 1 h after", |play| play.restored(60 * MINUTE)),
    ("Chromium killed (`kill -9`) 1 min after a renewal and started again", |play| {
        play.crashed(MINUTE)
    }),
    ("killed, and started again 10 min later", |play| play.crashed(10 * MINUTE)),
    ("a request on its way for 30 s while the key is renewed", |play| play.held(30 * SECOND)),
    ("on its way for 2 min", |play| play.held(2 * MINUTE)),
    ("on its way for 6 min", |play| play.held(6 * MINUTE)),
    ("on its way for 10 min", |play| play.held(10 * MINUTE)),
    ("an upload of 30 min, which writes with its `Session` in the end", Play::upload),
    ("two programs with one bearer token, for 10 h", Play::bearer),
    ("a script that sends the cookie's key as a bearer token", Play::cookie_as_bearer),
    ("prefetches by the browser around each renewal, for an hour", Play::prefetch),
];

/// Rows in which every client goes on.
pub(super) const QUICK: [&str; 2] = [
    "a request on its way for 30 s while the key is renewed",
    "two programs with one bearer token, for 10 h",
];

impl Play {
    /// The key in the browser's cookie.
    fn key(&self) -> String {
        let cookie = self.driver.cookie("__Host-id").expect("a cookie");
        cookie["value"].as_str().expect("text").to_owned()
    }

    /// Alice signs in and leaves something in the session that no single request does.
    fn sign_in(&self) -> String {
        self.server.sign_in(&self.driver, "alice");
        for _ in 0..HER_VISITS {
            self.driver.click("#visit button");
        }
        self.key()
    }

    fn look(&self) {
        self.driver.go(&self.server.url("/"));
    }

    /// The browser is in use for this long.
    fn live(&self, span: Duration) {
        let mut left = span;
        while !left.is_zero() {
            let step = left.min(if left > 2 * MINUTE { MINUTE } else { 15 * SECOND });
            self.server.advance(step);
            self.look();
            left -= step;
        }
    }

    /// The key is renewed, and the browser has the new one.
    fn renew(&self) {
        self.server.advance(15 * MINUTE);
        self.look();
        self.look();
    }

    /// What the browser shows now, and what alice finds if she has to sign in again.
    fn browser(&self) -> String {
        self.look();
        if self.driver.text("#who") == "alice" {
            return "goes on".into();
        }
        let why = self.driver.text("#why");
        self.server.sign_in(&self.driver, "alice");
        let visits: u64 = self.driver.text("#visits").parse().expect("a number");
        let found = if visits < HER_VISITS { "starts with nothing" } else { "finds her data" };
        let why = if why.is_empty() { "has another session".into() } else { format!("`{why}`") };
        format!("signed out ({why}), {found} on signing in")
    }

    fn script(&mut self, next_to_the_browser: bool) -> String {
        let copy = self.sign_in();
        let mut seen: Vec<String> = Vec::new();
        for minute in 0..60 {
            let outcome = change(&self.server, &copy).outcome();
            if seen.last().is_none_or(|last| !last.ends_with(outcome)) {
                seen.push(format!("from minute {minute}: {outcome}"));
            }
            if next_to_the_browser {
                self.look();
                if self.driver.text("#who") != "alice" {
                    let browser = self.browser();
                    return format!("{}; browser {browser} at minute {minute}", seen.join(", "));
                }
            }
            self.server.advance(MINUTE);
        }
        format!("{}; browser {}", seen.join(", "), self.browser())
    }

    fn two_jars(&mut self, away: u64) -> String {
        let mut second = self.sign_in();
        let mut use_second = |play: &Self| {
            let answer = change(&play.server, &second);
            second = answer.key.clone().unwrap_or_else(|| second.clone());
            answer.outcome()
        };
        self.live(Duration::from_secs(60 * away));
        for _ in 0..40 {
            let outcome = use_second(self);
            if outcome != "goes on" {
                return format!("second {outcome}; first {}", self.browser());
            }
            self.live(MINUTE);
        }
        format!("both go on; browser {}", self.browser())
    }

    fn restored(&mut self, after: Duration) -> String {
        let old = self.sign_in();
        self.renew();
        self.live(after);
        let mut cookie = self.driver.cookie("__Host-id").expect("a cookie");
        cookie["value"] = old.into();
        // A `__Host-` cookie has no Domain.
        cookie.as_object_mut().expect("an object").remove("domain");
        self.driver.set_cookie(&cookie);
        self.browser()
    }

    /// Chromium writes its cookies to disk every 30 seconds, and when it quits.
    fn crashed(&mut self, after: Duration) -> String {
        // A browser of its own: the others share one that must not lose anything.
        let crashing = Driver::start_with(crate::settings());
        let shared = std::mem::replace(&mut self.driver, crashing);
        let mut attempts = 0;
        loop {
            let old = self.sign_in();
            self.driver.restart();
            self.renew();
            self.live(MINUTE);
            self.driver.crash();
            if after > MINUTE {
                self.server.advance(after);
            }
            self.look();
            if self.key() == old {
                break;
            }
            attempts += 1;
            assert!(attempts < 5, "the crash never brings the old cookie back");
        }
        let outcome = self.browser();
        self.driver = shared;
        outcome
    }

    /// Sends a request from the page, which keeps what it is answered.
    fn fetch(&self, path: &str) {
        self.driver.run(&format!(
            "fetch('{path}', {{method: 'POST'}})
                .then(async (it) => {{ window.answer = [it.status, await it.text()] }})"
        ));
    }

    /// What the page was answered, once it is.
    fn answer(&self) -> String {
        self.driver.wait_until("window.answer");
        let answer = self.driver.run("return window.answer");
        match (answer[0].as_u64(), answer[1].as_str()) {
            (Some(200), Some(page)) if page.contains("id=who>alice") => "goes on".into(),
            (Some(200), _) => "begins a session".into(),
            (status, _) => status.unwrap_or_default().to_string(),
        }
    }

    /// The browser sends a request, and renews its key before that is at the server.
    fn held(&mut self, span: Duration) -> String {
        self.sign_in();
        self.server.advance(15 * MINUTE);
        self.fetch("/visit?delay=held");
        self.server.wait_for("held");
        self.meanwhile(span);
        self.server.release("held");
        format!("request {}; browser {}", self.answer(), self.browser())
    }

    fn upload(&mut self) -> String {
        self.sign_in();
        self.fetch("/slow");
        self.server.wait_for("upload");
        self.meanwhile(30 * MINUTE);
        self.server.release("upload");
        format!("upload {}; browser {}", self.answer(), self.browser())
    }

    /// The browser is in use in another tab.
    fn meanwhile(&self, span: Duration) {
        let page = self.driver.tab();
        self.driver.open_tab();
        self.look();
        self.live(span);
        self.driver.close_tab();
        self.driver.switch(&page);
    }

    fn bearer(&mut self) -> String {
        let token =
            script::send(&self.server, "POST", "/token", ("accept", "*/*"), "name=alice").body;
        let header = format!("Bearer {token}");
        for _ in 0..60 {
            for _ in 0..2 {
                let header = ("authorization", header.as_str());
                let answer = script::send(&self.server, "POST", "/visit", header, "");
                if answer.outcome() != "goes on" || answer.key.is_some() {
                    return format!("{answer:?}");
                }
            }
            self.server.advance(10 * MINUTE);
        }
        "both go on".into()
    }

    fn cookie_as_bearer(&mut self) -> String {
        let header = format!("Bearer {}", self.sign_in());
        let mut script = "";
        for _ in 0..60 {
            let header = ("authorization", header.as_str());
            script = script::send(&self.server, "GET", "/", header, "").outcome();
            self.live(MINUTE);
        }
        format!("script {script}; browser {}", self.browser())
    }

    fn prefetch(&mut self) -> String {
        self.sign_in();
        for _ in 0..60 {
            let page = "<link rel=prefetch href=/messages>";
            let before = self.server.exchanges("/messages").len();
            self.driver.go(&self.server.page("localhost", page));
            self.server.exchange("/messages", before + 1);
            self.live(MINUTE);
        }
        format!("browser {}", self.browser())
    }
}
