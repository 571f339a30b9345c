//! The operator's tool, on the store of a running demo.

use std::fs;
use std::process::Output;

use cloakroom::key::{KindTag, Secret};
use cloakroom::record::Revision;
use cloakroom::store::Inserted;
use cloakroom::value::Payload;
use cloakroom::{Key, Lifetime, PublicId, Store, Timestamp, protocol};
use cloakroom_sqlite::SqliteStore;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::server::{Server, command};

/// Runs the tool on a server's store.
pub(crate) fn tool(server: &Server, arguments: &[&str]) -> Output {
    let (name, rest) = arguments.split_first().expect("command");
    let store = server.store();
    command(&[&[*name, "--store", &store], rest].concat()).output().expect("the command runs")
}

pub(crate) fn json_of(server: &Server, arguments: &[&str]) -> Value {
    let output = tool(server, &[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

pub(crate) fn text_of(server: &Server, arguments: &[&str]) -> String {
    let output = tool(server, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

pub(crate) fn signed_in(server: &Server, user: &str, password: &str) -> Browser {
    let mut browser = server.browser();
    browser.post_json("/api/cart", &json!({"item": "hat"}));
    browser.sign_in(user, password);
    browser
}

pub(crate) fn ids(listed: &Value) -> Vec<String> {
    let entries = listed.as_array().expect("array");
    entries.iter().map(|entry| entry["id"].as_str().expect("string").to_owned()).collect()
}

#[test]
fn sessions_are_listed_as_a_table_and_in_json() {
    let server = Server::start();
    signed_in(&server, "alice", "wonderland");
    signed_in(&server, "bob", "builder");
    server.browser().post("/api/visit");
    let all = json_of(&server, &["list"]);
    assert_eq!(all.as_array().map(Vec::len), Some(3));
    assert!(ids(&all).is_sorted());
    let hers = json_of(&server, &["list", "--principal", "alice"]);
    assert_eq!(
        (ids(&hers).len(), &hers[0]["principal"], &hers[0]["state"]),
        (1, &json!("alice"), &json!("live"))
    );
    let table = text_of(&server, &["list"]);
    assert!(
        table.contains("PRINCIPAL") && table.contains("alice") && table.contains("in 30 minutes"),
        "{table}"
    );
    assert_eq!(table.lines().count(), 4);
    assert_eq!(json_of(&server, &["list", "--principal", "carol"]), json!([]));
    assert_eq!(json_of(&server, &["list", "--state", "ended", "--state", "expired"]), json!([]));
}

#[test]
fn a_long_list_comes_in_parts_that_say_how_to_continue() {
    let server = Server::start();
    for _ in 0..7 {
        server.browser().post("/api/visit");
    }
    let all = ids(&json_of(&server, &["list"]));
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let mut arguments = vec!["list", "--limit", "3", "--json"];
        arguments.extend(after.iter().flat_map(|id: &String| ["--after", id]));
        let output = tool(&server, &arguments);
        found.extend(ids(&serde_json::from_slice(&output.stdout).expect("JSON")));
        let message = String::from_utf8(output.stderr).expect("UTF-8");
        match message.trim().split_once("--after ") {
            Some((_, id)) => after = Some(id.to_owned()),
            None => break,
        }
    }
    assert_eq!(found, all);
}

#[test]
fn a_session_is_shown_without_its_key_and_with_its_value_on_request() {
    let server = Server::start();
    let alice = signed_in(&server, "alice", "wonderland");
    let id = ids(&json_of(&server, &["list"])).remove(0);
    let shown = json_of(&server, &["show", &id]);
    assert_eq!((&shown["principal"], &shown["lifetime"]["idle"]), (&json!("alice"), &json!(1800)));
    assert!(shown.get("value").is_none());
    let with_value = json_of(&server, &["show", &id, "--value"]);
    assert_eq!(with_value["value"]["cart"], json!(["hat"]));
    let text = text_of(&server, &["show", &id, "--value"]);
    assert!(text.contains("alice") && text.contains(r#""cart":["hat"]"#), "{text}");

    let key = alice.cookie.expect("cookie");
    let key = key.trim_start_matches("id=");
    for output in
        [text, with_value.to_string(), text_of(&server, &["list"]), text_of(&server, &["stats"])]
    {
        assert!(!output.contains(key), "a key is shown");
    }
}

#[test]
fn an_unknown_session_is_code_3() {
    let server = Server::start();
    let unknown = "0".repeat(32);
    for arguments in [["show", &unknown], ["revoke", &unknown]] {
        let output = tool(&server, &arguments);
        assert_eq!(output.status.code(), Some(3));
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(message.contains("no such session in sqlite:") && message.contains(&unknown));
    }
    assert_eq!(tool(&server, &["show", "nonsense"]).status.code(), Some(2));
}

#[test]
fn a_revoked_visitor_is_signed_out_at_the_next_request_and_told_why() {
    let server = Server::start();
    let (mut here, mut there) =
        (signed_in(&server, "alice", "wonderland"), signed_in(&server, "alice", "wonderland"));
    let mut bob = signed_in(&server, "bob", "builder");
    let listed = ids(&json_of(&server, &["list", "--principal", "alice"]));

    let dry = json_of(&server, &["revoke", "--principal", "alice", "--dry-run"]);
    assert_eq!(ids(&dry), listed);
    assert_eq!(here.session()["principal"], "alice");

    let kept = &listed[0];
    let done = json_of(&server, &["revoke", "--principal", "alice", "--except", kept]);
    assert_eq!(done, json!([{"id": listed[1], "outcome": "ended", "reason": "revoked"}]));
    let ended: Vec<_> =
        [&mut here, &mut there].map(|browser| browser.session()["ended"].clone()).into();
    assert_eq!(ended.iter().filter(|ended| **ended == "revoked").count(), 1, "{ended:?}");

    assert!(text_of(&server, &["revoke", kept]).contains("ended"));
    assert!(text_of(&server, &["revoke", kept]).contains("already ended (revoked)"));
    assert!(here.navigate("/").body.contains("An operator of this site ended your session"));
    assert_eq!(bob.session()["principal"], "bob");
    assert_eq!(json_of(&server, &["stats"])["ended"], json!({"revoked": 2}));
}

#[test]
fn an_erased_visitor_is_signed_out_and_others_stay() {
    let server = Server::start();
    let mut alice = signed_in(&server, "alice", "wonderland");
    let mut bob = signed_in(&server, "bob", "builder");
    assert_eq!(json_of(&server, &["erase", "alice"]), json!({"ended": 1}));
    assert!(text_of(&server, &["erase", "alice"]).contains("0 sessions ended"));
    assert_eq!(alice.session()["ended"], "revoked");
    assert_eq!(json_of(&server, &["list", "--principal", "alice"]), json!([]));
    assert_eq!(bob.session()["principal"], "bob");
    assert_eq!(tool(&server, &["erase"]).status.code(), Some(2));
}

#[test]
fn ending_every_session_requires_confirmation() {
    let server = Server::start();
    let mut alice = signed_in(&server, "alice", "wonderland");
    let refused = tool(&server, &["revoke", "--all"]);
    assert_eq!(refused.status.code(), Some(2));
    let message = String::from_utf8_lossy(&refused.stderr);
    assert!(message.contains("--yes") && message.contains("demo.db"), "{message}");
    assert_eq!(
        json_of(&server, &["revoke", "--all", "--dry-run"]).as_array().map(Vec::len),
        Some(1)
    );
    assert_eq!(alice.session()["principal"], "alice");
    assert_eq!(json_of(&server, &["revoke", "--all", "--yes"]).as_array().map(Vec::len), Some(1));
    assert_eq!(alice.session()["ended"], "revoked");
    assert_eq!(
        tool(&server, &["revoke"]).status.code(),
        Some(2),
        "it says nothing about which sessions"
    );
}

/// Stores a session that began and expired in 2001.
fn add_expired(server: &Server) {
    let key = Key::new(PublicId::from_bytes([7; 16]), Secret::from_bytes([7; 16]));
    let (kind, lifetime) = (KindTag::DEFAULT, Lifetime::default());
    let (verifier, revision) = (key.verifier(kind), Revision::new(1, 1));
    let then = Timestamp::from_millis(1_000_000_000_000);
    let record = protocol::begin(kind, verifier, lifetime, None, Payload::unset(), revision, then);
    let store =
        SqliteStore::open(server.store().trim_start_matches("sqlite:")).expect("the store opens");
    assert_eq!(store.insert(key.id(), record).wait().expect("the store answers"), Inserted::Done);
}

#[test]
fn a_sweep_removes_expired_sessions_only() {
    let server = Server::start();
    let mut alice = signed_in(&server, "alice", "wonderland");
    add_expired(&server);
    assert_eq!(json_of(&server, &["list", "--state", "expired"]).as_array().map(Vec::len), Some(1));
    assert_eq!(json_of(&server, &["list"]).as_array().map(Vec::len), Some(1));
    assert_eq!(json_of(&server, &["stats"])["expired"], json!(1));
    for _ in 0..2 {
        assert_eq!(
            json_of(&server, &["sweep", "--dry-run"]),
            json!({"removed": 1, "dry_run": true})
        );
    }
    assert_eq!(json_of(&server, &["sweep"]), json!({"removed": 1, "dry_run": false}));
    assert_eq!(json_of(&server, &["sweep"]), json!({"removed": 0, "dry_run": false}));
    assert_eq!(alice.session()["principal"], "alice");
}

#[test]
fn stats_count_sessions_and_principals() {
    let server = Server::start();
    signed_in(&server, "alice", "wonderland");
    signed_in(&server, "alice", "wonderland");
    server.browser().post("/api/visit");
    let stats = json_of(&server, &["stats"]);
    let counts = [&stats["live"], &stats["signed_in"], &stats["anonymous"], &stats["principals"]];
    assert_eq!(counts, [&json!(3), &json!(2), &json!(1), &json!(1)]);
    assert!(stats["bytes"]["largest"].as_u64() > Some(10));
    assert!(text_of(&server, &["stats"]).contains("signed in"));
}

#[test]
fn a_healthy_store_passes_the_check() {
    let server = Server::start();
    signed_in(&server, "alice", "wonderland");
    let report = json_of(&server, &["check"]);
    assert_eq!(report["ok"], json!(true), "{report}");
    assert!(report["round_trip_us"].as_f64() > Some(0.0));
    assert!(text_of(&server, &["check"]).contains("undamaged"));
}

#[cfg(unix)]
#[test]
fn a_problem_is_reported_and_is_code_4() {
    use std::os::unix::fs::PermissionsExt;

    let server = Server::start();
    signed_in(&server, "alice", "wonderland");
    let store = server.store();
    let file = store.strip_prefix("sqlite:").expect("SQLite");
    fs::set_permissions(file, fs::Permissions::from_mode(0o644)).expect("permissions set");
    let output = tool(&server, &["check"]);
    assert_eq!(output.status.code(), Some(4));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(text.contains("PROBLEM") && text.contains("chmod 600"), "{text}");
}

#[test]
fn a_missing_store_is_an_error_and_is_never_created() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let file = directory.path().join("typo.db");
    for arguments in
        [&["list"][..], &["sweep"], &["stats"], &["check"], &["revoke", "--all", "--yes"]]
    {
        let store = format!("sqlite:{}", file.display());
        let output = command(&[arguments, &["--store", &store]].concat())
            .output()
            .expect("the command runs");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let message = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(message.contains("typo.db"), "{message}");
        assert_eq!(message.matches("o such file or directory").count(), 1, "{message}");
    }
    assert!(!file.exists());
    let output = command(&["list", "--store", "memory:"]).output().expect("the command runs");
    assert!(
        String::from_utf8_lossy(&output.stderr)
            .contains("only visible to the process that opened it")
    );
    let output = command(&["list", "--store", "typo.db"]).output().expect("the command runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("sqlite:typo.db"));
}

#[test]
fn completions_and_manual_pages_cover_every_command() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let commands =
        ["demo", "admin", "list", "show", "revoke", "erase", "sweep", "stats", "check", "copy"];
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = command(&["completions", shell]).output().expect("the command runs");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(
            output.status.success() && commands.iter().all(|name| text.contains(name)),
            "{shell}"
        );
    }
    let output = command(&["man"]).output().expect("the command runs");
    assert!(String::from_utf8_lossy(&output.stdout).starts_with(".ie"));
    let path = directory.path().display().to_string();
    let output = command(&["man", "--directory", &path]).output().expect("the command runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for name in commands {
        let page = directory.path().join(format!("cloakroom-{name}.1"));
        assert!(
            fs::read_to_string(&page).is_ok_and(|text| text.contains("Exit codes")),
            "{}",
            page.display()
        );
    }
}
