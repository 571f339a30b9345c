use cloakroom::Session;

#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
struct Cart {
    items: Vec<String>,
}

async fn show(session: Session<Cart>) {}

fn main() {}
