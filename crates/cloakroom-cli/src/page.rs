//! What all pages have in common, the demo's and the operators': a head, and headers that keep browsers on the safe side.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use maud::{DOCTYPE, Markup, html};

/// A document of this title, whose body is `content`.
pub(crate) fn document(title: &str, styles: &[&str], content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                @for style in styles { link rel="stylesheet" href=(style); }
                link rel="icon" href="/favicon.ico" type="image/svg+xml";
            }
            body { (content) }
        }
    }
}

/// Content as `policy` says it and nothing else, no guessing of types, nothing kept by caches.
///
/// The referrer policy is not `no-referrer`: forms would then come with `Origin: null` and be refused as another site's.
pub(crate) fn harden(headers: &mut HeaderMap, policy: &'static str) {
    const ALWAYS: [(HeaderName, &str); 3] = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
        (CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in ALWAYS.into_iter().chain([(CONTENT_SECURITY_POLICY, policy)]) {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
