//! `cargo xtask promises`: what users build, built as they build it.
//!
//! The command-line tool by `cargo install`, each published crate from its package, and the program
//! of the README in a crate of its own, by copy and paste.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command};
use std::time::Duration;
use std::{fs, thread};

use crate::shell::{self, Failure};
use crate::workspace;

/// The address that the README's program serves.
const ADDRESS: &str = "127.0.0.1:3000";

pub(crate) fn run() -> Result<(), Failure> {
    install()?;
    package()?;
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

/// Packs every product, and builds each package as it would be downloaded.
fn package() -> Result<(), Failure> {
    let mut command = shell::cargo(["package", "--locked", "--allow-dirty", "--quiet"]);
    for product in workspace::products()? {
        command.args(["-p", &product.name]);
    }
    shell::run(&mut command)
}

/// The README's program answers, and sets its cookie.
fn readme() -> Result<(), Failure> {
    let page = fs::read_to_string(shell::root().join("README.md"))?;
    let missing = |what: &str| format!("README.md: no block of {what} to copy");
    let dependencies =
        block(&page, "toml", "[dependencies]").ok_or_else(|| missing("dependencies"))?;
    let program = block(&page, "rust", "fn main()").ok_or_else(|| missing("a program"))?;

    let place = shell::target("promises/readme");
    fs::create_dir_all(place.join("src"))?;
    let mut named = workspace::products()?;
    named.retain(|product| dependencies.contains(&format!("{} =", product.name)));
    let patches = named.into_iter().map(|product| {
        let path = shell::root().join(product.place());
        format!("{} = {{ path = \"{}\" }}\n", product.name, path.display())
    });
    let patches: String = patches.collect();
    let manifest = format!(
        "[package]\nname = \"readme\"\nedition = \"2024\"\n\n{dependencies}\n[workspace]\n\n\
         [patch.crates-io]\n{patches}"
    );
    fs::write(place.join("Cargo.toml"), manifest)?;
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    fs::write(place.join("src/main.rs"), program.replace(ADDRESS, &address))?;

    let target = shell::target("promises/build");
    let mut build = shell::cargo(["build"]);
    shell::run(build.current_dir(&place).env("CARGO_TARGET_DIR", &target))?;
    let mut server = Server(Command::new(target.join("debug/readme")).current_dir(&place).spawn()?);
    let answer = server.ask(&address)?;
    if answer.starts_with("HTTP/1.1 200")
        && answer.to_lowercase().contains("set-cookie: __host-id=")
    {
        return Ok(());
    }
    Err(Failure::Check(format!("the README's program answers {answer:?}")))
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
    /// What it answers to a first request, within ten seconds.
    fn ask(&mut self, address: &str) -> Result<String, Failure> {
        for _ in 0..100 {
            if let Some(status) = self.0.try_wait()? {
                return Err(Failure::Check(format!("the README's program ended: {status}")));
            }
            if let Ok(mut connection) = TcpStream::connect(address) {
                connection
                    .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
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
    use super::block;

    #[test]
    fn a_block_is_found_by_its_language_and_content() {
        let page = "```toml\na = 1\n```\ntext\n```toml\n[dependencies]\nb = 2\n```\n";
        assert_eq!(block(page, "toml", "[dependencies]"), Some("[dependencies]\nb = 2\n"));
        assert_eq!(block(page, "rust", ""), None);
    }
}
