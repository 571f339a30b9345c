use cloakroom::{Error, Session};

struct Cart {
    items: Vec<String>,
}

async fn show(session: Session<Cart>) -> Result<usize, Error> {
    Ok(session.value().items.len())
}

fn main() {}
