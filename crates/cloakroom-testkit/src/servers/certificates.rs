//! Certificates for private servers that are spoken to over TLS.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

/// A root that nobody else trusts, and a server's certificate under it, good for 127.0.0.1 and localhost.
#[derive(Debug)]
pub struct Certificates {
    directory: TempDir,
}

impl Certificates {
    /// Makes both anew, in a directory that goes with them.
    pub fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let root_key = KeyPair::generate().expect("a key");
        let mut root = CertificateParams::new(Vec::new()).expect("sound settings");
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root_itself = root.self_signed(&root_key).expect("a certificate").pem();
        let issuer = Issuer::new(root, root_key);
        let key = KeyPair::generate().expect("a key");
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let server = CertificateParams::new(names).expect("sound names");
        let server = server.signed_by(&key, &issuer).expect("a certificate");
        for (name, text) in [
            ("root.pem", root_itself),
            ("server.pem", server.pem()),
            ("server.key", key.serialize_pem()),
        ] {
            fs::write(directory.path().join(name), text).expect("a file");
        }
        Self { directory }
    }

    /// The root, for clients to trust.
    pub fn root(&self) -> PathBuf {
        self.file("root.pem")
    }

    /// The server's certificate.
    pub fn certificate(&self) -> PathBuf {
        self.file("server.pem")
    }

    /// The server's key.
    pub fn key(&self) -> PathBuf {
        self.file("server.key")
    }

    fn file(&self, name: &str) -> PathBuf {
        Path::join(self.directory.path(), name)
    }
}

impl Default for Certificates {
    fn default() -> Self {
        Self::new()
    }
}
