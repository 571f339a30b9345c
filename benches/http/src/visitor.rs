//! What every session keeps.

use serde::{Deserialize, Serialize};

/// As much as a small shop knows about a visitor; the same that `benches/overhead` keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Visitor {
    pub(crate) visits: u64,
    name: String,
    language: String,
    theme: String,
    landing_page: String,
}

/// The first visit: sessions are made by requests here, so a new one has all that an old one has.
impl Default for Visitor {
    fn default() -> Self {
        Self {
            visits: 0,
            name: "visitor-1".into(),
            language: "en-GB".into(),
            theme: "dark".into(),
            landing_page: "/spring/coats?sort=price".into(),
        }
    }
}
