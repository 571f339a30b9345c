//! Listening, and a graceful shutdown.

use std::error::Error;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::listen::ListenAddress;
use crate::terminal;

/// Ports to try, in order, when none was given.
const PORTS: std::ops::Range<u16> = 3000..3020;
/// How long requests in flight may take to finish once a shutdown was requested.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// Listens at `address`, or at the first free port of [`PORTS`] on this machine.
pub(crate) async fn bind(address: Option<&ListenAddress>) -> Result<TcpListener, Box<dyn Error>> {
    if let Some(address) = address {
        return listen(address).await;
    }
    for port in PORTS {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                terminal::message(&format!("port {port} is in use"));
            }
            bound => return Ok(bound?),
        }
    }
    listen(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).await
}

async fn listen(address: &ListenAddress) -> Result<TcpListener, Box<dyn Error>> {
    let bound = TcpListener::bind(address.resolved()).await;
    bound.map_err(|error| {
        let hint = match error.kind() {
            ErrorKind::AddrInUse => "; write another port, or 0 for one that is free",
            ErrorKind::PermissionDenied => "; ports from 1024 on need no privilege",
            ErrorKind::AddrNotAvailable => "; this machine does not have that address",
            _ => "",
        };
        format!("cannot listen on {address}: {error}{hint}").into()
    })
}

/// A request to shut down this process. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    /// A shutdown requested by Ctrl-C or SIGTERM. The handlers are installed when this returns.
    pub(crate) fn on_signal() -> io::Result<Self> {
        let signal = stop_signal()?;
        let (sender, receiver) = watch::channel(false);
        tokio::spawn(async move {
            signal.await;
            terminal::message("stopping");
            sender.send_replace(true);
        });
        Ok(Self(receiver))
    }

    /// Completes once a shutdown is requested.
    pub(crate) async fn requested(mut self) {
        // An error means that the sender is gone, and the runtime with it.
        let _ = self.0.wait_for(|requested| *requested).await;
    }
}

#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};

    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(windows)]
fn stop_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}

/// The address of a connection's client, whatever it came through.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

impl Connected<IncomingStream<'_, TcpListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TcpListener>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// Serves `app` until `shutdown`, then finishes the requests in flight.
pub(crate) async fn run<L>(
    listener: L,
    app: Router,
    shutdown: Shutdown,
) -> Result<(), Box<dyn Error>>
where
    L: Listener<Addr = SocketAddr>,
    Peer: for<'a> Connected<IncomingStream<'a, L>>,
{
    let app = app.into_make_service_with_connect_info::<Peer>();
    let serving = axum::serve(listener, app).with_graceful_shutdown(shutdown.clone().requested());
    let timeout = async {
        shutdown.requested().await;
        tokio::time::sleep(SHUTDOWN_TIMEOUT).await;
    };
    tokio::select! {
        result = serving => Ok(result?),
        () = timeout => Err("some requests took too long to finish and were cut off".into()),
    }
}
