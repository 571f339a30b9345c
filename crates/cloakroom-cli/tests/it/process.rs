//! The process: its output, its exit codes, its end.

use crate::server::{Server, command};

#[test]
fn help_names_the_demo_and_every_exit_code() {
    for arguments in [&["--help"][..], &["demo", "--help"]] {
        let output = command(arguments).output().expect("the command runs");
        let help = String::from_utf8(output.stdout).expect("text");
        assert!(output.status.success());
        for told in ["demo", "Exit codes:", "  0  ", "  1  ", "  2  "] {
            assert!(help.contains(told), "{told} in {help}");
        }
    }
}

#[test]
fn a_command_line_that_makes_no_sense_is_code_2_and_no_output() {
    for arguments in [&[][..], &["dance"], &["demo", "--listen", "here"]] {
        let output = command(arguments).output().expect("the command runs");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
}

#[test]
fn an_address_that_was_asked_for_and_is_taken_is_an_error_that_names_it() {
    let server = Server::start();
    let taken = server.address().to_string();
    let output = command(&["demo", "--store", "memory:", "--listen", &taken])
        .output()
        .expect("the command runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let talk = String::from_utf8(output.stderr).expect("text");
    assert!(talk.starts_with("error: ") && talk.contains(&taken), "{talk}");
}

#[cfg(unix)]
mod signals {
    use std::io::Read;
    use std::net::TcpStream;
    use std::process::Command;

    use super::Server;
    use crate::held::HeldRequest;

    fn stop(server: &Server, signal: &str) {
        let id = server.process.id().to_string();
        let status = Command::new("kill").args([signal, &id]).status();
        assert!(status.expect("kill is there").success());
    }

    #[test]
    fn a_signal_stops_an_idle_demo_at_once_and_its_output_was_one_line() {
        for signal in ["-TERM", "-INT"] {
            let mut server = Server::start();
            server.browser().get("/healthz");
            stop(&server, signal);
            assert!(server.process.wait().expect("an end").success(), "{signal}");
            let mut rest = String::new();
            server.output.read_to_string(&mut rest).expect("text");
            assert_eq!(rest, "");
        }
    }

    #[test]
    fn a_request_in_flight_is_answered_before_the_demo_stops() {
        let mut server = Server::start();
        let request = HeldRequest::post(server.address(), "/api/cart", "", r#"{"item":"hat"}"#);

        stop(&server, "-TERM");
        while TcpStream::connect(server.address()).is_ok() {
            std::thread::yield_now();
        }
        let answer = request.release();
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.contains(r#""cart":["hat"]"#),
            "{answer}"
        );
        assert!(server.process.wait().expect("an end").success());
    }
}
