//! Sealed sessions: the value itself in the visitor's cookie, encrypted. For those who can have no store.
//!
//! ```no_run
//! # #[cfg(feature = "axum")] mod example {
//! use axum::{Router, response::IntoResponse, routing::get};
//! use cloakroom::sealed::{KeyRing, SealError, Sealed, SealedSessions, SealingKey};
//!
//! #[derive(Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
//! struct Visitor {
//!     visits: u64,
//! }
//!
//! async fn count(mut session: Sealed<Visitor>) -> Result<impl IntoResponse, SealError> {
//!     let visits = session.update(|visitor| { visitor.visits += 1; visitor.visits })?;
//!     Ok((session.headers(), format!("Visit number {visits}"))) // without its headers nothing is kept
//! }
//!
//! # pub
//! async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//!     let key: SealingKey = std::env::var("SESSION_KEY")?.parse()?; // openssl rand -hex 32
//!     let sessions: SealedSessions<Visitor> = SealedSessions::new(KeyRing::new(key))?;
//!     let app = Router::new().route("/", get(count)).with_state(sessions);
//!     Ok(axum::serve(tokio::net::TcpListener::bind("127.0.0.1:3000").await?, app).await?)
//! }
//! # }
//! ```
//!
//! No layer is needed: nothing is looked up, and a handler answers with the session's headers. In a larger state, give the
//! extractor its part with `FromRef`, or take `State<SealedSessions<Visitor>>` and call [`open`](SealedSessions::open), as any
//! other server does with whatever it keeps headers in:
//!
//! ```
//! # use cloakroom::Map;
//! # use cloakroom::sealed::{KeyRing, SealedSessions, SealingKey};
//! # let sessions: SealedSessions<Map> = SealedSessions::new(KeyRing::new(SealingKey::generate()?))?;
//! let request = [("Host", "shop.example"), ("Cookie", "theme=dark")];
//! let mut session = sessions.open(&request);
//! session.update(|map| map.insert("city", &"Ghent"))??;
//! for (name, value) in session.headers().iter() {
//!     println!("{name}: {value:?}"); // set-cookie, vary, cache-control
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What holds
//! Nobody reads or changes what is sealed. Both timeouts stand inside, so a cookie that is kept longer than it should be opens nothing.
//! Keys are replaced without anybody noticing. A value that no browser would keep is refused with its size, before it is lost.
//!
//! # What can't hold
//! There is no server that remembers. **A session can't be revoked, a logout makes only this browser forget, of two changes at
//! once one is lost, and the visitor may go back to any earlier cookie until it expires.** Never seal a balance, a counter of
//! tries, a one-time token or a right that may be taken back. `docs/sealed.md` is the whole account, law by law; where one file is
//! possible, crate `cloakroom-sqlite` keeps all the laws and needs nothing installed either.

mod builder;
mod contents;
mod error;
mod keeper;
mod key;
mod key_ring;
mod sealer;
mod session;
mod text;
mod vacancy;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

pub use builder::SealedBuilder;
pub use error::{SealError, SealErrorKind};
pub use key::{SealingKey, SealingKeyError};
pub use key_ring::KeyRing;
pub use session::Sealed;
pub use vacancy::SealedVacancy;

use crate::builder::ConfigError;
use crate::header_map::Headers;
use crate::transport;
use crate::value::{DefaultKind, Kind, Value};
use keeper::Keeper;

/// Opens and seals the sessions of one kind, by one policy. Cheap to clone.
///
/// `V` is what a session carries; `K` tells several kinds of session in one application apart, each with its own cookie.
///
/// ```
/// # use cloakroom::Map;
/// # use cloakroom::sealed::{KeyRing, SealedSessions, SealedVacancy, SealingKey};
/// let key = SealingKey::generate()?; // for a test: a server reads its key, or every restart signs everybody out
/// let sessions: SealedSessions<Map> = SealedSessions::new(KeyRing::new(key))?;
///
/// let session = sessions.open(&[("Cookie", "__Host-id=forged")]);
/// assert_eq!(session.vacancy(), Some(SealedVacancy::Unopened));
/// assert!(session.is_empty()); // it reads as `Map::default()`
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SealedSessions<V, K = DefaultKind> {
    keeper: Arc<Keeper<V>>,
    kind: PhantomData<fn() -> K>,
}

impl<V: Value, K: Kind> SealedSessions<V, K> {
    /// Sessions by the default policy: cookie `__Host-id`, 30 minutes idle, 12 hours in all.
    ///
    /// # Errors
    /// [`ConfigError`] if the kind's name is no token.
    pub fn new(ring: KeyRing) -> Result<Self, ConfigError> {
        Self::builder(ring).build()
    }

    /// Sessions by a policy of your own.
    pub fn builder(ring: KeyRing) -> SealedBuilder<V, K> {
        SealedBuilder::new(ring)
    }

    fn of(keeper: Keeper<V>) -> Self {
        Self { keeper: Arc::new(keeper), kind: PhantomData }
    }

    /// The session that a request carries: vacant, with the default value, if it carries none that opens. Nothing is waited for,
    /// and no input fails.
    ///
    /// At most four cookies of the name are tried, and none of more than 4096 bytes.
    pub fn open(&self, request: &(impl Headers + ?Sized)) -> Sealed<V, K> {
        let keeper = Arc::clone(&self.keeper);
        match keeper.open(request) {
            Ok(opened) => Sealed::live(keeper, opened.value, opened.deadlines, opened.is_due),
            Err(reason) => Sealed::vacant(keeper, reason, transport::is_navigation(request)),
        }
    }
}

/// False if `text` is read as a sealed session whose text is another: what fuzzing is after, both in the seal and in its contents.
pub(crate) fn is_read_as_its_only_text(text: &[u8]) -> bool {
    let read = text::Envelope::parse(text).is_none_or(|envelope| envelope.to_text().as_bytes() == text);
    let contents = contents::Deadlines::of_contents(text);
    read && contents.is_none_or(|(deadlines, payload)| deadlines.to_contents(payload) == text)
}

impl<V, K> Clone for SealedSessions<V, K> {
    fn clone(&self) -> Self {
        Self { keeper: Arc::clone(&self.keeper), kind: PhantomData }
    }
}

impl<V, K> fmt::Debug for SealedSessions<V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedSessions")
            .field("ring", &self.keeper.ring)
            .field("lifetime", &self.keeper.lifetime)
            .finish_non_exhaustive()
    }
}
