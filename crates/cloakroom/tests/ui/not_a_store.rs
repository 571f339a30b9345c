use cloakroom::{SessionMap, Sessions};

fn main() {
    let sessions: Sessions<SessionMap> = Sessions::new(String::from("redis://127.0.0.1")).unwrap();
}
