use cloakroom::{Map, Session};

async fn handler(session: Session<Map>) {
    session.update(|map| map.clear()).await.unwrap();
}

fn main() {}
