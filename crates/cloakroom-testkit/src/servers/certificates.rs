//! Certificates for TLS to private servers.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tempfile::TempDir;

/// A private root certificate, and a server certificate signed by it for 127.0.0.1 and localhost.
#[derive(Debug)]
pub struct Certificates {
    directory: TempDir,
}

impl Certificates {
    /// Creates both, as files in a temporary directory that is removed on drop.
    pub fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let root_key = KeyPair::generate().expect("a key");
        let mut root = CertificateParams::new(Vec::new()).expect("valid parameters");
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // OpenSSL takes a certificate whose issuer has its own name for a root, and in its strict
        // mode, which Python uses, asks for the purpose of a key and the name of the issuer's.
        root.distinguished_name.push(DnType::CommonName, "Cloakroom's tests");
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let root_certificate = root.self_signed(&root_key).expect("a certificate").pem();
        let issuer = Issuer::new(root, root_key);
        let key = KeyPair::generate().expect("a key");
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut server = CertificateParams::new(names).expect("valid names");
        server.use_authority_key_identifier_extension = true;
        let server = server.signed_by(&key, &issuer).expect("a certificate");
        for (name, text) in [
            ("root.pem", root_certificate),
            ("server.pem", server.pem()),
            ("server.key", key.serialize_pem()),
        ] {
            fs::write(directory.path().join(name), text).expect("a file");
        }
        Self { directory }
    }

    /// The file of the root certificate, for clients to trust.
    pub fn root(&self) -> PathBuf {
        self.file("root.pem")
    }

    /// The file of the server's certificate.
    pub fn certificate(&self) -> PathBuf {
        self.file("server.pem")
    }

    /// The file of the server's private key.
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
