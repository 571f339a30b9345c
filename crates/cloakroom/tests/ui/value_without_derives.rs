use cloakroom::Session;

struct Cart {
    items: Vec<String>,
}

async fn show(session: Session<Cart>) {}

fn main() {}
