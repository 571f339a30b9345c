//! The process: its output, its exit codes, and how it stops.

use crate::server::{Server, command};

#[test]
fn help_names_the_demo_and_every_exit_code() {
    for arguments in [&["--help"][..], &["demo", "--help"]] {
        let output = command(arguments).output().expect("the command runs");
        let help = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(output.status.success());
        for text in ["demo", "Exit codes:", "  0  ", "  1  ", "  2  ", "  3  ", "  4  "] {
            assert!(help.contains(text), "{text} in {help}");
        }
    }
}

#[test]
fn invalid_arguments_are_code_2_and_print_no_data() {
    for arguments in [&[][..], &["dance"], &["demo", "--listen", "here"]] {
        let output = command(arguments).output().expect("the command runs");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
}

#[test]
fn an_address_in_use_is_an_error_that_names_it() {
    let server = Server::start();
    let address = server.address().to_string();
    let output = command(&["demo", "--store", "memory:", "--listen", &address])
        .output()
        .expect("the command runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let message = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(message.starts_with("error: ") && message.contains(&address), "{message}");
    assert!(message.contains("another port, or 0"), "{message}");
}

#[cfg(unix)]
mod signals {
    use std::io::Read;
    use std::net::TcpStream;
    use std::process::Command;

    use super::Server;
    use crate::held_request::HeldRequest;

    fn send_signal(server: &Server, signal: &str) {
        let id = server.process.id().to_string();
        let status = Command::new("kill").args([signal, &id]).status();
        assert!(status.expect("`kill` runs").success());
    }

    #[test]
    fn a_signal_stops_an_idle_demo_whose_output_was_one_line() {
        for signal in ["-TERM", "-INT"] {
            let mut server = Server::start();
            server.browser().get("/healthz");
            send_signal(&server, signal);
            assert!(server.process.wait().expect("it ends").success(), "{signal}");
            let mut rest = String::new();
            server.output.read_to_string(&mut rest).expect("UTF-8");
            assert_eq!(rest, "");
        }
    }

    #[test]
    fn a_request_in_flight_is_answered_before_the_demo_stops() {
        let mut server = Server::start();
        let request = HeldRequest::post(server.address(), "/api/cart", "", r#"{"item":"hat"}"#);

        send_signal(&server, "-TERM");
        while TcpStream::connect(server.address()).is_ok() {
            std::thread::yield_now();
        }
        let response = request.release();
        assert!(
            response.starts_with("HTTP/1.1 200") && response.contains(r#""cart":["hat"]"#),
            "{response}"
        );
        assert!(server.process.wait().expect("it ends").success());
    }
}
