//! Two kinds of session in one application: a cart for every visitor, and a separate admin sign-in.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use cloakroom::{
    Error, Lifetime, MemoryStore, Principal, Session, SessionKind, SessionLayer, Sessions,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
struct Cart {
    items: u32,
}

#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
struct Desk {
    actions: u32,
}

/// Its cookie is `__Host-id-admin`; the key of a cart does not open it.
struct Admin;

impl SessionKind for Admin {
    const NAME: &'static str = "admin";
}

async fn shop(mut cart: Session<Cart>) -> Result<String, Error> {
    let items = cart.update(|cart| {
        cart.items += 1;
        cart.items
    });
    Ok(format!("{} in the cart\n", items.await?))
}

async fn enter(mut desk: Session<Desk, Admin>) -> Result<&'static str, Error> {
    let Ok(admin) = Principal::new("admin") else { return Ok("no such user\n") };
    desk.login(&admin).await?;
    Ok("signed in as admin\n")
}

async fn act(cart: Session<Cart>, mut desk: Session<Desk, Admin>) -> Result<String, Error> {
    if desk.principal().is_none() {
        return Ok("admins only\n".into());
    }
    let actions = desk.update(|desk| {
        desk.actions += 1;
        desk.actions
    });
    Ok(format!("action {} with {} in the cart\n", actions.await?, cart.value().items))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = Arc::new(MemoryStore::new());
    let carts: Sessions<Cart> =
        Sessions::builder(store.clone()).lifetime(Lifetime::remember_me()).build()?;
    let desks: Sessions<Desk, Admin> =
        Sessions::builder(store).lifetime(Lifetime::aal3()).build()?;
    let app = Router::new()
        .route("/", get(shop))
        .route("/admin/enter", post(enter))
        .route("/admin", get(act))
        .layer(SessionLayer::new(carts))
        .layer(SessionLayer::new(desks));

    let port = std::env::var("PORT").unwrap_or("3000".into());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://localhost:{}", listener.local_addr()?.port());
    Ok(axum::serve(listener, app).await?)
}
