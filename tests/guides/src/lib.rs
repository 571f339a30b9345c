//! The programs in `docs/`, compiled and where it makes sense run:
//! `cargo test --doc -p cloakroom-guides`.
//!
//! A page with Rust in it has a line below; `cargo xtask tidy` complains of one that has none.

macro_rules! pages {
    ($($name:ident: $page:literal,)+) => {$(
        #[cfg(doctest)]
        #[doc = include_str!(concat!("../../../docs/", $page))]
        mod $name {}
    )+};
}

pages! {
    behind_a_proxy: "behind-a-proxy.md",
    choosing_a_store: "choosing-a-store.md",
    cookies_and_tokens: "cookies-and-tokens.md",
    cross_site: "cross-site.md",
    device_bound_sessions: "device-bound-sessions.md",
    during_a_request: "during-a-request.md",
    events: "events.md",
    from_actix_session: "from-actix-session.md",
    from_axum_session: "from-axum-session.md",
    from_tower_sessions: "from-tower-sessions.md",
    encrypted_cookie: "encrypted-cookie.md",
    key_reuse: "key-reuse.md",
    middleware: "middleware.md",
    mistakes: "mistakes.md",
    other_frameworks: "other-frameworks.md",
    testing: "testing.md",
}
