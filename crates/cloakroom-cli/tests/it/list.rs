//! `cloakroom list`: what it is asked for, and how an ended session is shown.

use serde_json::json;

use crate::ids::insert;
use crate::server::{Server, command};
use crate::tool::{ids, json_of, signed_in, text_of, tool};

#[test]
fn sessions_are_listed_by_kind_and_age() {
    let server = Server::start();
    signed_in(&server, "alice", "wonderland");
    let count = |arguments: &[&str]| ids(&json_of(&server, &[&["list"], arguments].concat())).len();
    // The demo's sessions are of the default kind, whose name is empty.
    for (arguments, expected) in [
        (&["--kind", ""][..], 1),
        (&["--kind", "", "--principal", "alice"], 1),
        (&["--kind", "admin"], 0),
        (&["--kind", "admin", "--principal", "alice"], 0),
        (&["--newer-than", "1h"], 1),
        (&["--older-than", "1h"], 0),
        (&["--older-than", "0s", "--newer-than", "1h"], 1),
    ] {
        assert_eq!(count(arguments), expected, "{arguments:?}");
    }
    let output = tool(&server, &["list", "--kind", "admin"]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && message.contains("`SessionKind::NAME`"), "{message}");
    assert_eq!(tool(&server, &["list", "--older-than", "1"]).status.code(), Some(2));
    for kind in ["--dry-run", "--yes"] {
        let ended = json_of(&server, &["revoke", "--all", "--kind", "admin", kind]);
        assert_eq!(ended, json!([]), "{kind}");
    }
    assert_eq!(ids(&json_of(&server, &["revoke", "--principal", "alice", "--kind", ""])).len(), 1);
}

#[test]
fn an_ended_session_has_an_end_and_no_expiry() {
    let server = Server::start();
    signed_in(&server, "alice", "wonderland");
    assert!(tool(&server, &["revoke", "--principal", "alice"]).status.success());
    let listed = json_of(&server, &["list", "--state", "ended"]);
    let session = &listed[0];
    assert_eq!((&session["reason"], &session["expires"]), (&json!("revoked"), &json!(null)));
    assert!(session["ended"].is_string() && session["tombstone_expires"].is_string(), "{session}");
    let text = text_of(&server, &["list", "--state", "ended"]);
    assert!(text.contains("ended just now") && !text.contains(" in "), "{text}");
}

/// The reader of a long list has read enough.
#[test]
fn a_closed_pipe_ends_a_command_quietly() {
    use std::io::{BufRead, BufReader, Read};
    use std::process::Stdio;

    let server = Server::start();
    // More than a pipe holds.
    let many: Vec<String> = (1..1_000).map(|number| format!("{number:032x}")).collect();
    insert(&server.store(), &many.iter().map(String::as_str).collect::<Vec<_>>());
    let store = server.store();
    for format in [&["--json"][..], &[]] {
        let arguments = [&["list", "--limit", "1000", "--store", &store], format].concat();
        let mut list = command(&arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let mut output = BufReader::with_capacity(64, list.stdout.take().expect("pipe"));
        let mut line = String::new();
        output.read_line(&mut line).expect("UTF-8");
        drop(output);
        let mut message = String::new();
        list.stderr.take().expect("pipe").read_to_string(&mut message).expect("UTF-8");
        assert!(list.wait().expect("it ends").success() && message.is_empty(), "{message}");
    }
}
