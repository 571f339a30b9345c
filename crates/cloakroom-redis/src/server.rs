//! One server: where it is, how to sign in, and how to connect.

use std::io;
use std::sync::Arc;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo,
    ProtocolVersion, RedisConnectionInfo,
};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::error::{RedisError, RedisErrorKind};
use crate::slots::Address;

/// A server that can be connected to. A clone is cheap next to a connection.
#[derive(Clone)]
pub(crate) struct Server {
    info: ConnectionInfo,
    /// For a server that is reached with TLS.
    tls: Option<Arc<ClientConfig>>,
}

impl Server {
    /// The server that a URL names; `tls` is called for one with TLS.
    pub(crate) fn new(
        url: &str,
        tls: impl FnOnce() -> Result<Arc<ClientConfig>, RedisError>,
    ) -> Result<Self, RedisError> {
        let attempted = "parse the URL";
        let info =
            url.into_connection_info().map_err(|error| RedisError::driver(attempted, error))?;
        let tls = match info.addr() {
            ConnectionAddr::TcpTls { insecure: true, .. } => {
                let cause = "`#insecure` is not available: leave it out, and name the server's \
                             root certificate in a file";
                return Err(RedisError::caused(RedisErrorKind::Url, attempted, cause));
            }
            ConnectionAddr::TcpTls { .. } => Some(tls()?),
            _ => None,
        };
        Ok(Self { info, tls })
    }

    pub(crate) fn addr(&self) -> &ConnectionAddr {
        self.info.addr()
    }

    pub(crate) fn host(&self) -> Option<&str> {
        match self.addr() {
            ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => Some(host),
            _ => None,
        }
    }

    /// The server at `address`, with all other settings of this one.
    pub(crate) fn at(&self, address: &Address) -> Self {
        let Address { host, port } = address.clone();
        let addr = match self.addr().clone() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
                ConnectionAddr::TcpTls { host, port, insecure, tls_params }
            }
            _ => ConnectionAddr::Tcp(host, port),
        };
        Self { info: self.info.clone().set_addr(addr), tls: self.tls.clone() }
    }

    /// The same server without user, password and database number.
    pub(crate) fn without_credentials(&self) -> Self {
        self.with(RedisConnectionInfo::default())
    }

    /// The same server without a database number.
    pub(crate) fn without_database(&self) -> Self {
        self.with(self.info.redis_settings().clone().set_db(0))
    }

    /// The same server with push messages, which the older protocol has not.
    pub(crate) fn with_pushes(&self) -> Self {
        self.with(self.info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3))
    }

    fn with(&self, settings: RedisConnectionInfo) -> Self {
        Self { info: self.info.clone().set_redis_settings(settings), tls: self.tls.clone() }
    }

    /// Connects, and signs in.
    ///
    /// TLS is ours: the driver's depends on a provider of cryptography for the whole process, and
    /// installs one if there is none.
    pub(crate) async fn connect(
        &self,
        settings: AsyncConnectionConfig,
        attempted: &'static str,
    ) -> Result<MultiplexedConnection, RedisError> {
        let failed = |error| RedisError::driver(attempted, error);
        let (Some(tls), ConnectionAddr::TcpTls { host, port, .. }) = (&self.tls, self.addr())
        else {
            let client = Client::open(self.info.clone()).map_err(failed)?;
            let connecting = client.get_multiplexed_async_connection_with_config(&settings);
            return connecting.await.map_err(failed);
        };
        let shaken = shake_hands(Arc::clone(tls), host, *port).await;
        let stream = shaken.map_err(|error| RedisError::io(attempted, error))?;
        let login = self.info.redis_settings();
        let connecting = MultiplexedConnection::new_with_config(login, stream, settings);
        let (connection, driver) = connecting.await.map_err(failed)?;
        // Ends with the last clone of the connection.
        tokio::spawn(driver);
        Ok(connection)
    }
}

/// A TLS connection to the first address of the host that answers: one that is silent delays none
/// of the others.
async fn shake_hands(
    tls: Arc<ClientConfig>,
    host: &str,
    port: u16,
) -> io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let mut attempts = JoinSet::new();
    for address in lookup_host((host, port)).await? {
        let (connector, name) = (TlsConnector::from(Arc::clone(&tls)), name.clone());
        attempts.spawn(async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            connector.connect(name, stream).await
        });
    }
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    while let Some(attempt) = attempts.join_next().await {
        match attempt.unwrap_or_else(|error| Err(io::Error::other(error))) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}
