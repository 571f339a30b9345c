//! A contender's own process: it prints its port, and serves until its standard input ends, which it does with its parent.

mod memory;
mod on_actix;
mod on_axum;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};

use crate::Failure;
use crate::contender::Contender;

/// Serves as the contender of this name, with so many threads.
pub(crate) fn serve(name: &str, threads: &str) -> Result<(), Failure> {
    let contender = Contender::parse(name)?;
    let threads = threads.parse()?;
    std::thread::spawn(|| {
        let _ = std::io::stdin().lock().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    match contender.bare() {
        Contender::Axum => on_axum::serve(contender, threads),
        Contender::Actix => on_actix::serve(contender, threads),
        _ => Err(format!("`{name}` is served by node").into()),
    }
}

/// A listener on a free port, which the parent is told.
fn listen() -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    listener.set_nonblocking(true)?;
    let mut output = std::io::stdout().lock();
    writeln!(output, "{}", listener.local_addr()?.port())?;
    output.flush()?;
    Ok(listener)
}
