use cloakroom::{Error, Session};

#[derive(Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
struct Cart {
    items: Vec<String>,
}

async fn item() -> String {
    "hat".into()
}

async fn add(mut session: Session<Cart>) -> Result<(), Error> {
    session.update(async |cart| cart.items.push(item().await)).await;
    Ok(())
}

fn main() {}
