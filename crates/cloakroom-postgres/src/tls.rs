//! TLS.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::{PostgresError, PostgresErrorKind};

/// A connector that trusts the root certificates in the file, or those of the system.
pub(crate) fn connector(roots: Option<&Path>) -> Result<MakeRustlsConnect, PostgresError> {
    let failed =
        |error: rustls::Error| PostgresError::caused(PostgresErrorKind::Tls, "set up TLS", error);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .with_root_certificates(root_certificates(roots)?)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn root_certificates(roots: Option<&Path>) -> Result<RootCertStore, PostgresError> {
    let mut store = RootCertStore::empty();
    let Some(path) = roots else {
        // Unreadable certificates are skipped.
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return Ok(store);
    };
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        PostgresError::caused(PostgresErrorKind::Tls, "read the root certificates", error)
    };
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| failed(error.into()))? {
        let certificate = certificate.map_err(|error| failed(error.into()))?;
        store.add(certificate).map_err(|error| failed(error.into()))?;
    }
    if store.is_empty() {
        return Err(failed("the file contains no certificate".into()));
    }
    Ok(store)
}
