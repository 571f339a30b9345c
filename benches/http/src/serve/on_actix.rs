//! actix-web, and what wraps it.

use std::hint::black_box;

use actix_web::cookie::Key;
use actix_web::{App, HttpServer, Route, rt, web};
use cloakroom::{Error, MemoryStore, Sessions};

use super::memory::Memory;
use crate::Failure;
use crate::case::COOKIE_NAME;
use crate::contender::Contender;
use crate::visitor::Visitor;

const VISITOR: &str = "visitor";

pub(super) fn serve(contender: Contender, threads: usize) -> Result<(), Failure> {
    let listener = super::listen()?;
    // Each contender's application has a type of its own, and so has its server.
    macro_rules! run {
        ($app:expr) => {{
            let server = HttpServer::new($app).workers(threads).listen(listener)?.run();
            Ok(rt::System::new().block_on(server)?)
        }};
    }
    match contender {
        Contender::ActixCloakroom => {
            let sessions: Sessions<Visitor> = Sessions::builder(MemoryStore::new()).build()?;
            run!(move || App::new()
                .wrap(cloakroom::SessionMiddleware::new(sessions.clone()))
                .configure(routes(web::get().to(ours::read), web::get().to(ours::write))))
        }
        Contender::ActixSession => {
            let (store, key) = (Memory::default(), Key::generate());
            run!(move || {
                let sessions = actix_session::SessionMiddleware::builder(store.clone(), key.clone())
                    .cookie_name(COOKIE_NAME.into());
                let routes = routes(web::get().to(theirs::read), web::get().to(theirs::write));
                App::new().wrap(sessions.build()).configure(routes)
            })
        }
        _ => run!(|| {
            let read = web::get().to(async || black_box(0_u64).to_string());
            let write = web::get().to(async || black_box(1_u64).to_string());
            App::new().configure(routes(read, write))
        }),
    }
}

fn routes(read: Route, write: Route) -> impl FnOnce(&mut web::ServiceConfig) {
    |app| {
        app.route("/ignore", web::get().to(async || "ignored")).route("/read", read).route("/write", write);
    }
}

/// Cloakroom's handlers: a typed session.
mod ours {
    use super::{Error, Visitor};

    type Session = cloakroom::Session<Visitor>;

    pub(super) async fn read(session: Session) -> String {
        session.visits.to_string()
    }

    pub(super) async fn write(mut session: Session) -> Result<String, Error> {
        let visits = session.update(|visitor| {
            visitor.visits += 1;
            visitor.visits
        });
        Ok(visits.await?.to_string())
    }
}

/// actix-session's: one value under one key.
mod theirs {
    use actix_session::{Session, SessionGetError, SessionInsertError};

    use super::{VISITOR, Visitor};

    pub(super) async fn read(session: Session) -> Result<String, SessionGetError> {
        let visitor: Visitor = session.get(VISITOR)?.unwrap_or_default();
        Ok(visitor.visits.to_string())
    }

    pub(super) async fn write(session: Session) -> actix_web::Result<String> {
        let mut visitor: Visitor = session.get(VISITOR)?.unwrap_or_default();
        visitor.visits += 1;
        let visits = visitor.visits;
        session.insert(VISITOR, visitor).map_err(|error: SessionInsertError| error)?;
        Ok(visits.to_string())
    }
}
