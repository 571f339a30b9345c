//! Certificates for TLS to private servers.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tempfile::TempDir;

/// A private root certificate, and a server certificate signed by it for 127.0.0.1 and localhost.
pub struct Certificates {
    directory: TempDir,
    issuer: Issuer<'static, KeyPair>,
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
        let root_file = directory.path().join("root.pem");
        fs::write(root_file, root_certificate).expect("a file");
        let certificates = Self { directory, issuer: Issuer::new(root, root_key) };
        certificates.renew();
        certificates
    }

    /// Signs another server certificate by the same root, with a key of its own. The files are
    /// replaced; a server that is to use them must be told.
    pub fn renew(&self) {
        let key = KeyPair::generate().expect("a key");
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut server = CertificateParams::new(names).expect("valid names");
        server.use_authority_key_identifier_extension = true;
        let server = server.signed_by(&key, &self.issuer).expect("a certificate");
        for (file, text) in [(self.certificate(), server.pem()), (self.key(), key.serialize_pem())]
        {
            fs::write(file, text).expect("a file");
        }
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

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the private key.
        f.debug_struct("Certificates").field("directory", &self.directory).finish_non_exhaustive()
    }
}

impl Default for Certificates {
    fn default() -> Self {
        Self::new()
    }
}
