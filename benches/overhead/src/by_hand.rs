//! The limit, served as every other contender.

use axum::Router;
use axum::routing::get;

use crate::Failure;
use crate::case::Visitor;
use crate::limit::{Layered, read, write};
use crate::server::{Mount, Server};

pub(crate) fn server(mount: Mount, sessions: usize) -> Result<Server, Failure> {
    let layer = Layered::new()?;
    let begun = (0..sessions).map(|number| layer.begin(Visitor::seeded(number)));
    let keys = begun.collect::<Result<Vec<_>, _>>()?;
    let router = Router::new()
        .route("/ignore", get(async || "ignored"))
        .route("/read", get(read))
        .route("/write", get(write));
    mount.server(router, layer, &keys)
}
