//! A runtime for one server.

use std::net::SocketAddr;

use cloakroom_testkit::scenarios::RunningServer;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

/// Shuts the runtime down without waiting: a handler may still wait for a test that is over.
struct StopOnDrop(Option<Runtime>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Serves on a free port and two threads until the returned value is dropped.
///
/// hyper, on which these servers build, drops the handlers of connections that have ended.
pub(crate) fn on_a_runtime<F>(serve: impl FnOnce(TcpListener) -> F) -> RunningServer
where
    F: Future<Output = ()> + Send + 'static,
{
    let runtime =
        Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
    let address: SocketAddr = listener.local_addr().expect("an address");
    runtime.spawn(serve(listener));
    RunningServer::new(address, StopOnDrop(Some(runtime))).with_cancellation()
}
