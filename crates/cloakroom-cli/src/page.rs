//! What the pages of the demo and of the operator share: the document and its security headers.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::IntoResponse;
use maud::{DOCTYPE, Markup, html};

/// A document with this title and these stylesheets, whose body is `content`.
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

/// A static file of this media type.
pub(crate) fn file(media_type: &'static str, text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, media_type)], text)
}

/// Sets the security headers of a response: the content security policy `csp`, no content sniffing,
/// no caching.
///
/// The referrer policy is not `no-referrer`, which makes browsers send forms with `Origin: null`,
/// and those are refused as cross-site.
pub(crate) fn harden(headers: &mut HeaderMap, csp: &'static str) {
    const ALWAYS: [(HeaderName, &str); 3] = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
        (CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in ALWAYS.into_iter().chain([(CONTENT_SECURITY_POLICY, csp)]) {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
