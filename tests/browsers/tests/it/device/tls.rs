//! TLS in front of axum.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::serve::Listener;
use base64ct::{Base64, Encoding as _};
use rcgen::{CertificateParams, KeyPair, PublicKeyData as _};
use sha2::{Digest as _, Sha256};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::server::TlsStream;

/// A certificate of its own for `localhost` and `127.0.0.1`.
#[derive(Clone)]
pub(super) struct Identity {
    acceptor: TlsAcceptor,
    /// The digest of its public key, as Chromium's command line takes it.
    pub(super) key_digest: String,
}

impl Identity {
    pub(super) fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let certificate = CertificateParams::new(names).expect("valid names");
        let certificate = certificate.self_signed(&key).expect("a certificate");
        let digest = Sha256::digest(key.subject_public_key_info());
        let private = PrivateKeyDer::try_from(key.serialize_der()).expect("a private key");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions that the provider knows")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .expect("a key for the certificate");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Self { acceptor, key_digest: Base64::encode_string(&digest) }
    }
}

/// Connections whose handshake is over.
pub(super) struct TlsListener {
    address: SocketAddr,
    accepted: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
}

impl TlsListener {
    /// Accepts connections at once: a browser opens some that it does not use.
    pub(super) fn new(listener: TcpListener, identity: &Identity) -> Self {
        let (sender, accepted) = mpsc::channel(16);
        let (address, acceptor) =
            (listener.local_addr().expect("bound"), identity.acceptor.clone());
        tokio::spawn(async move {
            while let Ok((stream, address)) = listener.accept().await {
                let (acceptor, sender) = (acceptor.clone(), sender.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let _ = sender.send((stream, address)).await;
                    }
                });
            }
        });
        Self { address, accepted }
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        match self.accepted.recv().await {
            Some(accepted) => accepted,
            // The listener is gone, and the server is about to be.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Ok(self.address)
    }
}
