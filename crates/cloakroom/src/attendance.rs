//! A session outside its request.

mod stub;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

pub use stub::{ParseStubError, Stub};

use crate::error::Error;
use crate::key::SessionId;
use crate::manager::Manager;
use crate::session::Session;
use crate::value::{DefaultKind, Kind, Value};

/// A session outside its request: what a WebSocket, an event stream or a background job holds for as long as it runs.
///
/// It holds no key and no value: each [`session`](Attendance::session) is the session as it stands then. It lasts through
/// renewals on the timer, and ends when the session ends, or somebody signs in on it again: who opened a socket before a
/// login has no part in what comes after. Cheap to clone and to keep.
///
/// ```
/// # use cloakroom::{Attendance, Error, Map, MemoryStore, Session, Sessions};
/// async fn export(session: Session<Map>) -> Result<(), Error> {
///     let attendance = session.attend()?; // in the handler
///     let job = async move {
///         // .. a minute later, the response has long been sent ..
///         attendance.session().await?.update(|map| map.insert("export", "ready")).await
///     };
///     # job.await?.map_err(|_| ()).unwrap();
///     // tokio::spawn(job);
///     Ok(())
/// }
/// # cloakroom::Io::future(async {
/// # let sessions: Sessions<Map> = Sessions::new(MemoryStore::new())?;
/// # export(sessions.generate(Map::default()).await?).await?;
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// # }).wait().unwrap();
/// ```
#[must_use = "an attendance that nobody asks notices nothing"]
#[doc(alias = "websocket")]
pub struct Attendance<V: Value, K: Kind = DefaultKind> {
    manager: Arc<Manager<V>>,
    stub: Stub,
    kind: PhantomData<fn() -> K>,
}

impl<V: Value, K: Kind> Attendance<V, K> {
    pub(crate) fn new(manager: Arc<Manager<V>>, stub: Stub) -> Self {
        Self { manager, stub, kind: PhantomData }
    }

    /// The public name of the session.
    pub fn id(&self) -> SessionId {
        self.stub.id
    }

    /// The session as it stands; its value can be changed, and it can be ended. Looking is no use: it extends nothing.
    ///
    /// It has no key and can be given none: `login` and `elevate` are [`HeadersSent`](crate::ErrorKind::HeadersSent).
    ///
    /// # Errors
    /// `NotFound` if the session is over ([`Error::vacancy`] says why), `Unavailable`, `Corrupt`.
    pub async fn session(&self) -> Result<Session<V, K>, Error> {
        let held = self.manager.attend(self.stub.id, self.stub.lineage).await?;
        Ok(Session::attended(Arc::clone(&self.manager), held))
    }

    /// The same, and a use of the session: it does not go idle while somebody keeps doing this.
    ///
    /// Written once per tenth of the idle timeout, as any use is. Call it for what the visitor does, not on a timer, unless an
    /// open page is meant to stay signed in.
    ///
    /// # Errors
    /// Those of [`session`](Attendance::session).
    pub async fn keep_alive(&self) -> Result<Session<V, K>, Error> {
        let held = self.manager.attend(self.stub.id, self.stub.lineage).await?;
        let held = self.manager.note_use(held).await?;
        Ok(Session::attended(Arc::clone(&self.manager), held))
    }

    /// Waits until the session is over, and says why; looks once per `every`, and at its deadline.
    ///
    /// A store that can't be asked ends nothing: it is asked again. Behind a [`Cached`](crate::Cached) store a look costs no
    /// round trip, and what ended elsewhere is known within milliseconds: look every second.
    ///
    /// ```no_run
    /// # use cloakroom::{Attendance, Map};
    /// # use std::{pin::pin, time::Duration};
    /// # async fn next_message() -> Option<String> { None }
    /// async fn serve_socket(attendance: Attendance<Map>) {
    ///     let mut ended = pin!(attendance.ended(Duration::from_secs(5)));
    ///     loop {
    ///         tokio::select! {
    ///             why = &mut ended => return println!("closing: {why}"),
    ///             message = next_message() => match message {
    ///                 Some(_) => { let _ = attendance.keep_alive().await; }
    ///                 None => return,
    ///             },
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[cfg(feature = "tokio")]
    pub async fn ended(&self, every: std::time::Duration) -> Error {
        loop {
            let wait = match self.session().await {
                Ok(session) => session.expires_in().min(every),
                Err(over) if over.vacancy().is_some() => return over,
                Err(_) => every,
            };
            tokio::time::sleep(wait.max(SHORTEST)).await;
        }
    }

    /// What another process needs to attend the same session: for a job that waits in a queue; see [`Sessions::attend`](crate::Sessions::attend).
    pub fn stub(&self) -> Stub {
        self.stub
    }
}

/// A session is not looked for more often than this.
#[cfg(feature = "tokio")]
const SHORTEST: std::time::Duration = std::time::Duration::from_millis(10);

impl<V: Value, K: Kind> Clone for Attendance<V, K> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.manager), self.stub)
    }
}

impl<V: Value, K: Kind> fmt::Debug for Attendance<V, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attendance({})", self.stub.id)
    }
}
