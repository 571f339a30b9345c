//! Listening, and stopping without leaving anybody in the middle of an answer.

use std::error::Error;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::terminal;

/// Ports that are tried, in order, if none was asked for.
const PORTS: std::ops::Range<u16> = 3000..3020;
/// How long requests in flight may take to finish once the server was told to stop.
const PATIENCE: Duration = Duration::from_secs(10);

/// Listens at `wanted`, or at the first free port of our own choice.
pub(super) async fn bind(wanted: Option<SocketAddr>) -> Result<TcpListener, Box<dyn Error>> {
    if let Some(address) = wanted {
        return listen(address).await;
    }
    for port in PORTS {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                terminal::talk(&format!("port {port} is taken"));
            }
            bound => return Ok(bound?),
        }
    }
    listen((Ipv4Addr::LOCALHOST, 0).into()).await
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Box<dyn Error>> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| format!("cannot listen on {address}: {error}").into())
}

/// Completes when this process is told to stop; listening for that has begun when this returns.
#[cfg(unix)]
pub(super) fn stop_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};

    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Completes when this process is told to stop; listening for that has begun when this returns.
#[cfg(windows)]
pub(super) fn stop_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}

/// Serves until `stop`, then finishes what was begun.
pub(super) async fn until(
    listener: TcpListener,
    app: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Box<dyn Error>> {
    let (stopping, mut stopped) = watch::channel(());
    let serving = axum::serve(listener, app).with_graceful_shutdown(async move {
        stop.await;
        terminal::talk("stopping");
        drop(stopping);
    });
    let patience = async {
        // An error is what the dropped sender looks like: nothing is ever sent.
        let _ = stopped.changed().await;
        tokio::time::sleep(PATIENCE).await;
    };
    tokio::select! {
        done = serving => Ok(done?),
        () = patience => Err("some requests took too long to finish and were cut off".into()),
    }
}
