//! Integrations with web frameworks.

#[cfg(feature = "actix")]
mod actix;
#[cfg(feature = "axum")]
mod axum;
#[cfg(any(feature = "axum", feature = "actix"))]
mod missing_layer;
#[cfg(any(feature = "axum", feature = "actix"))]
mod mistake;
#[cfg(any(feature = "tower", feature = "actix"))]
mod shared_cookie;
#[cfg(feature = "tower")]
mod tower;

#[cfg(all(feature = "actix", feature = "device-binding"))]
pub use actix::DeviceBindingMiddleware;
#[cfg(feature = "actix")]
pub use actix::{SessionExt, SessionMiddleware};
#[cfg(all(feature = "tower", feature = "device-binding"))]
pub use tower::{DeviceBindingFuture, DeviceBindingLayer, DeviceBindingService};
#[cfg(feature = "tower")]
pub use tower::{SessionFuture, SessionLayer, SessionService};
