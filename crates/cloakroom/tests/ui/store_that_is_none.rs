use cloakroom::{Map, Sessions};

fn main() {
    let sessions: Sessions<Map> = Sessions::new(String::from("redis://127.0.0.1")).unwrap();
}
