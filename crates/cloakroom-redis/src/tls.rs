//! TLS, with the process's cryptography or with the one that a feature builds in.

use std::error::Error as StdError;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::error::{RedisError, RedisErrorKind};

const NO_PROVIDER: &str = "no cryptography for TLS: turn on the feature `ring` or `aws-lc-rs` of \
                           `cloakroom-redis`, or call `CryptoProvider::install_default` of \
                           `rustls` before";

/// Trusts the root certificates in the file, or those of the system.
pub(crate) fn config(roots: Option<&Path>) -> Result<Arc<ClientConfig>, RedisError> {
    let roots = root_certificates(roots)?;
    let failed = |error: Box<dyn StdError + Send + Sync>| {
        RedisError::caused(RedisErrorKind::Tls, "set up TLS", error)
    };
    let provider = provider().ok_or_else(|| failed(NO_PROVIDER.into()))?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(error.into()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// The process's provider first. None is installed: which one the process uses, the application
/// decides, and its own call would fail after ours.
fn provider() -> Option<Arc<CryptoProvider>> {
    let built_in = || BUILT_IN.map(|new| Arc::new(new()));
    CryptoProvider::get_default().cloned().or_else(built_in)
}

#[cfg(feature = "aws-lc-rs")]
const BUILT_IN: Option<fn() -> CryptoProvider> = Some(rustls::crypto::aws_lc_rs::default_provider);
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
const BUILT_IN: Option<fn() -> CryptoProvider> = Some(rustls::crypto::ring::default_provider);
#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
const BUILT_IN: Option<fn() -> CryptoProvider> = None;

fn root_certificates(roots: Option<&Path>) -> Result<RootCertStore, RedisError> {
    let mut store = RootCertStore::empty();
    let Some(path) = roots else {
        // Unreadable certificates are skipped.
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return Ok(store);
    };
    let failed = |error: Box<dyn StdError + Send + Sync>| {
        RedisError::caused(RedisErrorKind::Tls, "read the root certificates", error)
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
