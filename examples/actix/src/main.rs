//! Sessions in actix-web: count visits, sign in and sign out, and refuse forms of other sites.

use actix_web::{App, HttpServer, web};
use cloakroom::http::CrossOriginProtection;
use cloakroom::{Error, MemoryStore, Principal, Session, SessionMiddleware, Sessions};
use serde::{Deserialize, Serialize};

#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
struct Visitor {
    visits: u64,
}

async fn home(mut session: Session<Visitor>) -> Result<String, Error> {
    let visits = session
        .update(|visitor| {
            visitor.visits += 1;
            visitor.visits
        })
        .await?;
    let who = session.principal().map_or("a visitor", Principal::as_str);
    Ok(format!("Visit number {visits} of {who}\n"))
}

async fn login(
    mut session: Session<Visitor>,
    name: web::Path<String>,
) -> Result<&'static str, Error> {
    let Ok(user) = Principal::new(name.into_inner()) else { return Ok("that is no name\n") };
    session.login(&user).await?;
    Ok("welcome\n")
}

async fn logout(mut session: Session<Visitor>) -> Result<&'static str, Error> {
    session.logout().await?;
    Ok("goodbye\n")
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // One for all of the server's threads.
    let sessions: Sessions<Visitor> = Sessions::new(MemoryStore::new())?;
    let app = move || {
        App::new()
            .wrap(SessionMiddleware::new(sessions.clone()))
            .wrap(CrossOriginProtection::new()) // what is wrapped last runs first
            .route("/", web::get().to(home))
            .route("/login/{name}", web::post().to(login))
            .route("/logout", web::post().to(logout))
    };

    let port = std::env::var("PORT").unwrap_or("3000".into());
    let server = HttpServer::new(app).bind(format!("127.0.0.1:{port}"))?;
    println!("http://localhost:{}", server.addrs()[0].port());
    Ok(server.run().await?)
}
