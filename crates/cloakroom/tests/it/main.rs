//! The library as its users see it: through a framework, and in the compiler's messages.

#![allow(clippy::unwrap_used, reason = "these are helpers of tests")]

mod actix;
mod axum;
mod compile_errors;
mod concurrency;
mod cross_origin;
mod device_binding;
mod device_endpoints;
mod device_property;
mod encrypted_cookie;
mod joined_writes;
#[cfg(debug_assertions)] // a release build explains nothing
mod mistakes;
mod near_cache;
mod newer_records;
mod observers;
mod peers;
mod readme;
mod ready_stores;
mod timeout;
mod turns;
