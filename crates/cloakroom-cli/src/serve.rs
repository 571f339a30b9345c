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
pub(crate) async fn bind(wanted: Option<SocketAddr>) -> Result<TcpListener, Box<dyn Error>> {
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

/// Told once, when this process is to stop. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// When this process is sent a signal to stop; listening for that has begun when this returns.
    pub(crate) fn when_told() -> io::Result<Self> {
        let signal = stop_signal()?;
        let (tell, told) = watch::channel(false);
        tokio::spawn(async move {
            signal.await;
            terminal::talk("stopping");
            tell.send_replace(true);
        });
        Ok(Self(told))
    }

    /// Completes when it is time.
    pub(crate) async fn told(mut self) {
        // An error means that nobody is left to tell, which is the end as well.
        let _ = self.0.wait_for(|told| *told).await;
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

/// Serves until `stop`, then finishes what was begun.
pub(crate) async fn until(
    listener: TcpListener,
    app: Router,
    stop: Stop,
) -> Result<(), Box<dyn Error>> {
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, app).with_graceful_shutdown(stop.clone().told());
    let patience = async {
        stop.told().await;
        tokio::time::sleep(PATIENCE).await;
    };
    tokio::select! {
        done = serving => Ok(done?),
        () = patience => Err("some requests took too long to finish and were cut off".into()),
    }
}
