//! axum alone: the same routes and answers without sessions.

use std::hint::black_box;

use axum::Router;
use axum::routing::get;

use crate::Failure;
use crate::server::{Server, tower};

pub(crate) fn server(sessions: usize) -> Result<Server, Failure> {
    let router = Router::new()
        .route("/ignore", get(async || "ignored"))
        .route("/read", get(async || black_box(0_u64).to_string()))
        .route("/write", get(async || black_box(1_u64).to_string()));
    // As long as a key is, since the header's bytes are copied too.
    let keys: Vec<String> = (0..sessions).map(|number| format!("{number:0>43}")).collect();
    Server::new(tower(router), &keys)
}
