//! The first digits of an ID stand for it.

use cloakroom::key::{KindTag, Secret};
use cloakroom::record::Revision;
use cloakroom::store::Inserted;
use cloakroom::value::Payload;
use cloakroom::{Key, Lifetime, PublicId, Store, Timestamp, protocol};
use cloakroom_sqlite::SqliteStore;
use serde_json::json;

use crate::server::{Server, command};
use crate::tool::{ids, json_of, signed_in, text_of, tool};

#[test]
fn the_first_digits_of_an_id_stand_for_it() {
    let server = Server::start();
    let (mut alice, mut bob) =
        (signed_in(&server, "alice", "wonderland"), signed_in(&server, "bob", "builder"));
    let id = ids(&json_of(&server, &["list", "--principal", "alice"])).remove(0);
    for digits in [&id[..8], &id[..20], &id[..].to_uppercase()] {
        assert_eq!(json_of(&server, &["show", digits])["id"], json!(id), "{digits}");
    }
    for too_few in ["", &id[..7]] {
        let output = tool(&server, &["show", too_few]);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("the first 8 or more"));
    }
    let kept = json_of(&server, &["revoke", "--all", "--yes", "--except", &id[..8]]);
    assert_eq!(kept.as_array().map(Vec::len), Some(1));
    assert_eq!(bob.session()["ended"], "revoked");
    assert_eq!(alice.session()["principal"], "alice");
    assert!(text_of(&server, &["revoke", &id[..8]]).starts_with(&format!("{id} ended")));
    assert_eq!(alice.session()["ended"], "revoked");
}

/// Stores live sessions with these ids.
pub(crate) fn insert(store: &str, ids: &[&str]) {
    let now = Timestamp::from_millis(
        std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_millis().try_into().expect("small"),
    );
    let store = SqliteStore::open(store.trim_start_matches("sqlite:")).expect("the store opens");
    for id in ids {
        let id: PublicId = id.parse().expect("an id");
        let key = Key::new(id, Secret::from_bytes([7; 16]));
        let (kind, revision) = (KindTag::DEFAULT, Revision::new(1, 1));
        let (verifier, lifetime) = (key.verifier(kind), Lifetime::default());
        let record =
            protocol::begin(kind, verifier, lifetime, None, Payload::unset(), revision, now);
        assert_eq!(store.insert(id, record).wait().expect("answered"), Inserted::Done);
    }
}

#[test]
fn digits_of_several_ids_end_none_of_them() {
    let server = Server::start();
    let both = ["deadbeef000000000000000000000001", "deadbeefffffffffffffffffffffffff"];
    insert(&server.store(), &both);
    insert(&server.store(), &["deadbef0000000000000000000000000"]);
    for arguments in [
        &["show", "deadbeef"][..],
        &["revoke", "deadbef0", "deadbeef"],
        &["revoke", "--all", "--yes", "--except", "deadbeef"],
    ] {
        let output = tool(&server, arguments);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{message}");
        assert!(both.iter().all(|id| message.contains(id)), "{message}");
        assert!(!message.contains("deadbef0"), "{message}");
    }
    assert_eq!(ids(&json_of(&server, &["list"])).len(), 3);
    assert_eq!(json_of(&server, &["show", "deadbeef0"])["id"], json!(both[0]));
}

#[test]
fn digits_of_no_id_are_code_3_and_the_others_are_ended() {
    let server = Server::start();
    insert(&server.store(), &["deadbeef000000000000000000000001"]);
    let output = tool(&server, &["show", "deadbee0"]);
    assert_eq!(output.status.code(), Some(3));
    let output = tool(&server, &["revoke", "--all", "--yes", "--except", "deadbee0"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(3), 0));
    let output = tool(&server, &["revoke", "deadbee0", "deadbeef"]);
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("deadbeef000000000000000000000001 ended"), "{text}");
    assert!(text.contains("deadbee0 not found"), "{text}");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("1 session ended (reason: revoked)"), "{message}");
}

/// On a terminal, which `script` provides; its arguments differ elsewhere.
#[cfg(target_os = "linux")]
#[test]
fn on_a_terminal_sessions_are_ended_only_after_a_yes() {
    use std::io::Write;
    use std::process::{Command, Stdio};

    let server = Server::start();
    let mut alice = signed_in(&server, "alice", "wonderland");
    let on_terminal = |line: &str, answer: &str| {
        let program = command(&[]).get_program().display().to_string();
        let mut script = Command::new("script")
            .args(["-qec", &format!("{program} {line}"), "/dev/null"])
            .env("CLOAKROOM_STORE", server.store())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`script` runs");
        let mut input = script.stdin.take().expect("pipe");
        input.write_all(answer.as_bytes()).expect("answered");
        drop(input);
        let output = script.wait_with_output().expect("it ends");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    for (command, answer) in [
        ("revoke --principal alice", "n\n"),
        ("revoke --principal alice", "\n"),
        ("revoke --principal alice", "\u{4}"),
        ("erase alice", "no\n"),
    ] {
        let (code, shown) = on_terminal(command, answer);
        assert_eq!(code, Some(1), "{shown}");
        assert!(shown.contains("[y/N]") && shown.contains("nothing was changed"), "{shown}");
        assert_eq!(alice.session()["principal"], "alice", "{shown}");
    }
    let (code, shown) = on_terminal("revoke --principal alice --dry-run", "");
    assert!(code == Some(0) && !shown.contains("[y/N]"), "{shown}");
    let (code, shown) = on_terminal("revoke --principal alice", "y\n");
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("alice") && shown.contains("End this session?"), "{shown}");
    assert_eq!(alice.session()["ended"], "revoked");

    let mut again = signed_in(&server, "alice", "wonderland");
    let (code, shown) = on_terminal("list", "");
    let id = &ids(&json_of(&server, &["list"]))[0];
    assert!(code == Some(0) && shown.contains(&id[..12]) && !shown.contains(&id[..13]), "{shown}");
    let (code, shown) = on_terminal("erase alice --yes", "");
    assert!(code == Some(0) && !shown.contains("[y/N]"), "{shown}");
    assert_eq!(again.session()["ended"], "revoked");
}
