//! HTTP: how keys travel, and the headers of requests and responses.

mod client;
mod cookie;
mod cross_origin;
mod device;
pub(crate) mod domain;
mod headers;
mod origin;
mod response;
mod site_data;
mod status;
mod transport;

pub(crate) use client::RequestClient;
pub use client::{AddressRule, ClientPolicy};
pub(crate) use cookie::Cookie;
#[cfg(feature = "encrypted-cookie")]
pub(crate) use cookie::MAX_PAIR_LEN;
pub use cookie::{CookiePolicy, CookiePolicyError, CookieScope, SameSite};
pub use cross_origin::CrossOriginProtection;
pub(crate) use device::{DeviceChannel, MARKER_LIFE, REGISTRATION};
#[cfg(feature = "device-binding")]
pub(crate) use device::{session_id, skipped, unquoted};
#[cfg(feature = "tower")]
pub(crate) use headers::mark_keys_sensitive;
pub use headers::{Headers, HeadersMut};
#[cfg(any(feature = "tower", feature = "actix"))]
pub(crate) use origin::path_of;
pub(crate) use origin::{LookedAt, RequestMethod, is_plain_http, is_speculative, origin_of};
pub use response::ResponseHeaders;
pub(crate) use response::SessionOutcome;
pub use site_data::SiteData;
pub use transport::Transport;
pub(crate) use transport::{Channel, Presented};
