//! How each client's program is started.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use cloakroom_testkit::servers::Certificates;
use serde_json::Value;

/// What a program can play, by the name that it is given.
pub(crate) const SESSION: &str = "session";
pub(crate) const VISITS: &str = "visits";

/// A client that people use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    Curl,
    Httpx,
    Java,
    Requests,
    Reqwest,
    Undici,
}

/// A network that a program finds itself in.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Network<'a> {
    /// The root certificate that it trusts.
    pub(crate) certificates: Option<&'a Certificates>,
    /// The proxy that plain requests go through.
    pub(crate) proxy: Option<SocketAddr>,
}

impl Client {
    /// Runs a scenario, and returns what the client saw.
    #[expect(clippy::panic, reason = "a test that cannot run its client has failed")]
    pub(crate) fn play(self, scenario: &str, url: &str, network: Network<'_>) -> Vec<Value> {
        let output = self.command(network).args([scenario, url]).output();
        let output = output.unwrap_or_else(|error| panic!("{self:?} cannot be started: {error}"));
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{self:?}: {}\n{stdout}\n{stderr}", output.status);
        let lines: Result<_, _> = stdout.lines().map(serde_json::from_str).collect();
        lines.unwrap_or_else(|error| panic!("{self:?}: {error}\n{stdout}"))
    }

    fn command(self, network: Network<'_>) -> Command {
        let mut command = match self {
            Self::Reqwest => Command::new(env!("CARGO_BIN_EXE_with_reqwest")),
            Self::Curl => Command::new("sh"),
            Self::Httpx | Self::Requests => Command::new("python3"),
            Self::Undici => Command::new("node"),
            Self::Java => java(network),
        };
        command.args(self.script().map(|name| here().join("programs").join(name)));
        isolate(&mut command);
        if let Some(certificates) = network.certificates {
            for name in
                ["CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"]
            {
                command.env(name, certificates.root());
            }
        }
        if let Some(proxy) = network.proxy {
            command.env("http_proxy", format!("http://{proxy}"));
        }
        command
    }

    const fn script(self) -> Option<&'static str> {
        match self {
            Self::Reqwest => None,
            Self::Curl => Some("curl.sh"),
            Self::Httpx => Some("with_httpx.py"),
            Self::Requests => Some("with_requests.py"),
            Self::Undici => Some("undici.cjs"),
            Self::Java => Some("JavaHttpClient.java"),
        }
    }
}

/// Java wants one for a store of certificates.
const PASSWORD: &str = "trusted";

/// Java takes from its command line what the others take from the environment.
fn java(network: Network<'_>) -> Command {
    let mut command = Command::new("java");
    // Starts faster, for a program that lives for a second.
    command.arg("-XX:TieredStopAtLevel=1");
    if let Some(certificates) = network.certificates {
        let trusted = certificates.root().with_extension("p12");
        let mut keytool = Command::new("keytool");
        keytool.args(["-importcert", "-noprompt", "-storepass", PASSWORD, "-file"]);
        keytool.arg(certificates.root()).arg("-keystore").arg(&trusted);
        isolate(&mut keytool);
        let output = keytool.output().expect("keytool, which comes with Java");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        command.arg(format!("-Djavax.net.ssl.trustStore={}", trusted.display()));
        command.arg(format!("-Djavax.net.ssl.trustStorePassword={PASSWORD}"));
    }
    if let Some(proxy) = network.proxy {
        command.arg(format!("-Dhttp.proxyHost={}", proxy.ip()));
        command.arg(format!("-Dhttp.proxyPort={}", proxy.port()));
    }
    command
}

/// Gives a program what `cargo xtask test` has fetched, and takes away what the environment says
/// about proxies and certificates.
fn isolate(command: &mut Command) {
    for name in ["ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command.env_remove("SSL_CERT_DIR").env_remove("JAVA_TOOL_OPTIONS");
    let fetched = here().join("../../target/clients");
    command.env("PYTHONPATH", fetched.join("python"));
    command.env("NODE_PATH", fetched.join("node/node_modules"));
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
