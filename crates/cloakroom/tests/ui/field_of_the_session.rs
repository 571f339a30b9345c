use cloakroom::Session;

#[derive(Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
struct Cart {
    count: u32,
}

async fn add(mut session: Session<Cart>) {
    session.count += 1;
}

fn main() {}
