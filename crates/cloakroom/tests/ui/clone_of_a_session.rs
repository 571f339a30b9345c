use cloakroom::{Session, SessionMap};

fn copy(session: &Session<SessionMap>) {
    let copy: SessionMap = session.clone();
}

fn copy_of_owned(session: Session<SessionMap>) {
    let copy: SessionMap = session.clone();
}

fn main() {}
