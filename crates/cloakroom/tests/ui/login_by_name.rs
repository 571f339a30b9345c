use cloakroom::{Error, Session, SessionMap};

async fn sign_in(mut session: Session<SessionMap>) -> Result<(), Error> {
    session.login("alice").await
}

fn main() {}
