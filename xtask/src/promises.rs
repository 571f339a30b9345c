//! `cargo xtask promises`: what users build, built as they build it.
//!
//! The command-line tool by `cargo install`, every published crate from its package, and the
//! program of the README, by copy and paste, in a crate of its own that depends on those packages.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Duration;
use std::{fs, thread};

use crate::shell::{self, Failure};
use crate::workspace;

/// The address that the README's program serves.
const ADDRESS: &str = "127.0.0.1:3000";

pub(crate) fn run() -> Result<(), Failure> {
    install()?;
    packages()?;
    readme()
}

/// `cargo install`, with the release build that the repository shares.
fn install() -> Result<(), Failure> {
    let root = shell::target("promises/install");
    let args = ["install", "--path", "crates/cloakroom-cli", "--locked", "--force"];
    let mut command = shell::cargo(args);
    shell::run(command.arg("--root").arg(&root).arg("--target-dir").arg(shell::target("")))?;
    shell::run(Command::new(root.join("bin/cloakroom")).arg("--version"))
}

/// Packs every product, and checks the packages in a workspace of their own, where each depends on
/// what the others packed.
///
/// Cargo can verify packages too, but builds them and their dependencies one after another.
fn packages() -> Result<(), Failure> {
    let products = workspace::products()?;
    let args = ["package", "--no-verify", "--locked", "--allow-dirty", "--quiet"];
    let names = products.iter().flat_map(|product| ["-p", &product.name]);
    shell::run(shell::cargo(args).args(names))?;

    let place = workspace_of_packages();
    workspace::create_empty(&place)?;
    let mut manifest = vec![
        "workspace = { resolver = \"3\", members = [\"*\"] }".to_owned(),
        "[patch.crates-io]".to_owned(),
    ];
    for product in &products {
        let package = format!("{}-{}", product.name, product.version);
        let file = shell::target("package").join(format!("{package}.crate"));
        shell::run(Command::new("tar").arg("-xzf").arg(file).arg("-C").arg(&place))?;
        manifest.push(format!("{} = {{ path = \"{package}\" }}", product.name));
    }
    fs::write(place.join("Cargo.toml"), manifest.join("\n"))?;
    fs::copy(shell::root().join("Cargo.lock"), place.join("Cargo.lock"))?;
    shell::run(&mut cargo(["check", "--workspace", "--all-features"]))
}

fn workspace_of_packages() -> PathBuf {
    shell::target("promises/packages")
}

/// `cargo` in that workspace, with what has been built of its dependencies already.
fn cargo<'a>(args: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = shell::cargo(args);
    command.current_dir(workspace_of_packages()).env("CARGO_TARGET_DIR", shell::target(""));
    // As in the repository's manifest: with other settings, all would be built again.
    command.env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only");
    command
}

/// The README's program counts the visits of a client that sends its cookie back.
fn readme() -> Result<(), Failure> {
    let page = fs::read_to_string(shell::root().join("README.md"))?;
    let missing = |what: &str| format!("README.md: no block of {what} to copy");
    let dependencies =
        block(&page, "toml", "[dependencies]").ok_or_else(|| missing("dependencies"))?;
    let program = block(&page, "rust", "fn main()").ok_or_else(|| missing("a program"))?;

    let place = workspace_of_packages().join("readme");
    fs::create_dir_all(place.join("src"))?;
    let package = "[package]\nname = \"readme\"\nedition = \"2024\"\n\n";
    fs::write(place.join("Cargo.toml"), format!("{package}{dependencies}"))?;
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    fs::write(place.join("src/main.rs"), program.replace(ADDRESS, &address))?;

    shell::run(&mut cargo(["build", "-p", "readme"]))?;
    let mut server = Server(Command::new(shell::target("debug/readme")).spawn()?);
    let mut cookie = String::new();
    for visit in 1..=3 {
        let answer = server.ask(&address, &cookie)?;
        let body = format!("Visit number {visit}\n");
        if !answer.starts_with("HTTP/1.1 200") || !answer.ends_with(&body) {
            return Err(Failure::Check(format!(
                "the README's program answers visit {visit} with {answer:?}"
            )));
        }
        cookie = cookie_of(&answer).map_or(cookie, str::to_owned);
    }
    Ok(())
}

/// Name and value of the session's cookie, if an answer sets it.
fn cookie_of(answer: &str) -> Option<&str> {
    let fields = answer.lines().filter_map(|line| line.split_once(": "));
    let mut cookies = fields.filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
    let (_, cookie) = cookies.find(|(_, cookie)| cookie.starts_with("__Host-id="))?;
    cookie.split(';').next()
}

/// The content of the page's first block in this language that contains `part`.
fn block<'a>(page: &'a str, language: &str, part: &str) -> Option<&'a str> {
    let start = format!("```{language}\n");
    let blocks = page.split(start.as_str()).skip(1);
    blocks.filter_map(|rest| Some(rest.split_once("```")?.0)).find(|block| block.contains(part))
}

/// A process that is killed when it is dropped.
struct Server(Child);

impl Server {
    /// What it answers to a request with this cookie, within ten seconds.
    fn ask(&mut self, address: &str, cookie: &str) -> Result<String, Failure> {
        for _ in 0..100 {
            if let Some(status) = self.0.try_wait()? {
                return Err(Failure::Check(format!("the README's program ended: {status}")));
            }
            if let Ok(mut connection) = TcpStream::connect(address) {
                write!(
                    connection,
                    "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncookie: {cookie}\r\n\r\n"
                )?;
                let mut answer = String::new();
                connection.read_to_string(&mut answer)?;
                return Ok(answer);
            }
            #[expect(clippy::disallowed_methods, reason = "waits for another process")]
            thread::sleep(Duration::from_millis(100));
        }
        Err(Failure::Check(format!("the README's program does not listen at {address}")))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::{block, cookie_of};

    #[test]
    fn a_block_is_found_by_its_language_and_content() {
        let page = "```toml\na = 1\n```\ntext\n```toml\n[dependencies]\nb = 2\n```\n";
        assert_eq!(block(page, "toml", "[dependencies]"), Some("[dependencies]\nb = 2\n"));
        assert_eq!(block(page, "rust", ""), None);
    }

    #[test]
    fn the_cookie_of_the_session_is_sent_back_without_its_attributes() {
        let answer = "HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nset-cookie: __Host-id=k.s; Secure\r\n";
        assert_eq!(cookie_of(answer), Some("__Host-id=k.s"));
        assert_eq!(cookie_of("HTTP/1.1 200 OK\r\n"), None);
    }
}
