//! What is done, and how often that goes anywhere.

use cloakroom::{Key, Map, Principal, Sessions};
use cloakroom_testkit::servers::Wire;

use crate::Failure;
use crate::engine::Engine;

/// What an application does with a session in one request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operation {
    Ignore,
    Create,
    Open,
    Update,
    Login,
    Logout,
}

/// What an operation costs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trips {
    pub(crate) calls: u32,
    pub(crate) wire: Option<u32>,
}

impl Operation {
    /// In an order in which each finds what it needs.
    pub(crate) const ALL: [Self; 6] =
        [Self::Ignore, Self::Create, Self::Open, Self::Update, Self::Login, Self::Logout];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::Create => "create",
            Self::Open => "open",
            Self::Update => "read and update",
            Self::Login => "login",
            Self::Logout => "logout",
        }
    }

    /// Does it to the session of `key`, or to a new one; its key afterwards.
    async fn run(self, sessions: &Sessions<Map>, key: &Key) -> Result<Key, Failure> {
        let mut session = match self {
            Self::Ignore => {
                sessions.visit().finish(&mut http::HeaderMap::new());
                return Ok(key.clone());
            }
            Self::Create => sessions.generate(Map::default()).await?,
            _ => sessions.of_key(key).await?,
        };
        match self {
            Self::Update => {
                session.insert("visits", 1).await?;
            }
            Self::Login => session.login(&Principal::new("alice")?).await?,
            Self::Logout => session.logout().await?,
            Self::Ignore | Self::Create | Self::Open => {}
        }
        Ok(session.key().cloned().unwrap_or_else(|| key.clone()))
    }
}

/// Does each once, having done it before, so that nothing but the operation itself is counted.
pub(crate) async fn all(engine: &Engine) -> Result<Vec<(Operation, Trips)>, Failure> {
    let sessions: Sessions<Map> = Sessions::new(engine.store.clone())?;
    let mut found = Vec::new();
    for is_counted in [false, true] {
        let mut key = sessions.generate(Map::default()).await?.key().ok_or("no key")?.clone();
        for operation in Operation::ALL {
            engine.store.reset();
            let before = engine.wire.as_ref().map(Wire::round_trips);
            key = operation.run(&sessions, &key).await?;
            let after = engine.wire.as_ref().map(Wire::round_trips);
            let wire = after.zip(before).map(|(after, before)| u32::try_from(after - before)).transpose()?;
            let trips = Trips { calls: u32::try_from(engine.store.calls().total())?, wire };
            found.extend(is_counted.then_some((operation, trips)));
        }
    }
    Ok(found)
}
