use cloakroom::{Session, SessionMap};

struct Admin;

async fn show(session: Session<SessionMap, Admin>) {}

fn main() {}
