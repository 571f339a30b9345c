use axum::Router;
use cloakroom::{MemoryStore, SessionMap, Sessions};

fn main() {
    let sessions: Sessions<SessionMap> = Sessions::new(MemoryStore::new()).unwrap();
    let app: Router = Router::new().layer(sessions);
}
