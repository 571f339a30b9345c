use axum::Router;
use axum::routing::post;
use cloakroom::{Session, SessionMap};

async fn add(item: String, session: Session<SessionMap>) {}

fn main() {
    let app: Router = Router::new().route("/", post(add));
}
