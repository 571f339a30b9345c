//! The fields that tell caches whether to store a response.

use http::HeaderValue;
use http::header::CACHE_CONTROL;

use crate::http::HeadersMut;

/// Replaces all fields that tell caches what to store by this one.
pub(super) fn forbid_storing(response: &mut impl HeadersMut, cache_control: HeaderValue) {
    response.retain_names(|name| !lets_store(name));
    response.append(CACHE_CONTROL, cache_control);
}

/// True for a field that can make a cache store a response, whatever `Cache-Control` says.
fn lets_store(name: &str) -> bool {
    /// Also ends the names of targeted fields, such as `CDN-Cache-Control` (RFC 9213 section 2).
    const CACHE_CONTROL: &str = "cache-control";
    const OTHERS: [&str; 6] = [
        // For caches that know no `Cache-Control`. Old releases of nginx read both.
        "expires",
        "pragma",
        // The vendors' own, each of which its cache prefers to `Cache-Control`.
        "surrogate-control",
        "edge-control",
        "x-accel-expires",
        "cf-edge-cache",
    ];
    let end = name.len().checked_sub(CACHE_CONTROL.len()).and_then(|start| name.get(start..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(CACHE_CONTROL))
        || OTHERS.iter().any(|other| name.eq_ignore_ascii_case(other))
}
