use cloakroom::{Error, Session};

#[derive(Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
struct Cart {
    items: Vec<String>,
}

async fn add(mut session: Session<Cart>, item: String) -> Result<(), Error> {
    session.update(|cart| cart.items.push(item)).await
}

fn main() {}
