use cloakroom::{Map, Session};

struct Admin;

async fn show(session: Session<Map, Admin>) {}

fn main() {}
