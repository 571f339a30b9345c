use cloakroom::Session;

#[derive(Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
struct Cart {
    items: Vec<String>,
    count: u32,
}

async fn add(mut session: Session<Cart>) {
    session.value().count += 1;
    session.value().items.push("hat".into());
}

fn main() {}
