//! What fails, and for how long.

use std::fmt;

use crate::random::Random;
use crate::store::StoreKind;

/// How many processes serve the sessions.
pub(crate) const NODES: usize = 4;

/// A fault. Spans are in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Server(ServerFault),
    KillNode { node: usize, down: u64 },
    FreezeNode { node: usize, span: u64 },
}

/// A fault of the servers, or of what is between them and the processes.
///
/// Where there are several servers, it is the one that takes writes that fails. Another one takes
/// over if that lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerFault {
    /// SIGKILL, and a restart after a while.
    Kill {
        down: u64,
    },
    /// SIGKILL, another server takes over, and the former one comes back as it was.
    Replace {
        down: u64,
    },
    /// SIGSTOP and SIGCONT.
    Freeze {
        span: u64,
    },
    /// Another server takes over, and the former one, which is not told, still answers.
    Depose {
        span: u64,
    },
    /// All connections of clients.
    ResetConnections,
    /// No byte arrives, and neither side notices.
    MuteConnections {
        span: u64,
    },
    KillPooler {
        down: u64,
    },
    FreezePooler {
        span: u64,
    },
}

impl Fault {
    pub(crate) fn draw(kind: StoreKind, random: &mut Random) -> Self {
        let span = random.within(500..3000);
        let down = random.within(0..1000);
        let node = random.index(NODES);
        let chance = random.within(0..100);
        if kind == StoreKind::Sqlite {
            return match chance {
                0..60 => Self::KillNode { node, down },
                _ => Self::FreezeNode { node, span },
            };
        }
        match chance {
            0..75 => Self::Server(ServerFault::draw(kind, chance, span, down)),
            75..90 => Self::KillNode { node, down },
            _ => Self::FreezeNode { node, span },
        }
    }
}

impl ServerFault {
    /// Which fault it is at a `chance` below 75.
    const fn draw(kind: StoreKind, chance: u64, span: u64, down: u64) -> Self {
        match kind {
            StoreKind::Sqlite | StoreKind::Postgres | StoreKind::Redis => match chance {
                0..35 => Self::Kill { down },
                35..50 => Self::Freeze { span },
                50..65 => Self::ResetConnections,
                _ => Self::MuteConnections { span },
            },
            StoreKind::RedisCluster | StoreKind::RedisSentinel | StoreKind::RedisUnguarded => {
                match chance {
                    0..25 => Self::Kill { down },
                    25..40 => Self::Freeze { span },
                    40..55 => Self::Depose { span },
                    55..62 => Self::ResetConnections,
                    _ => Self::MuteConnections { span },
                }
            }
            StoreKind::PostgresStandby => match chance {
                0..10 => Self::Kill { down },
                10..30 => Self::Replace { down },
                30..42 => Self::Freeze { span },
                42..55 => Self::Depose { span },
                55..62 => Self::ResetConnections,
                _ => Self::MuteConnections { span },
            },
            StoreKind::PgBouncer => match chance {
                0..15 => Self::Kill { down },
                15..27 => Self::Freeze { span },
                27..42 => Self::KillPooler { down },
                42..54 => Self::FreezePooler { span },
                54..64 => Self::ResetConnections,
                _ => Self::MuteConnections { span },
            },
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(fault) => fault.fmt(f),
            Self::KillNode { node, down } => {
                write!(f, "process {node} killed, down for {down} ms")
            }
            Self::FreezeNode { node, span } => write!(f, "process {node} stopped for {span} ms"),
        }
    }
}

impl fmt::Display for ServerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill { down } => write!(f, "server killed, down for {down} ms"),
            Self::Replace { down } => write!(f, "server killed and replaced, back in {down} ms"),
            Self::Freeze { span } => write!(f, "server stopped for {span} ms"),
            Self::Depose { span } => write!(f, "server deposed, unaware for {span} ms"),
            Self::ResetConnections => f.write_str("connections reset"),
            Self::MuteConnections { span } => write!(f, "connections mute for {span} ms"),
            Self::KillPooler { down } => write!(f, "pooler killed, down for {down} ms"),
            Self::FreezePooler { span } => write!(f, "pooler stopped for {span} ms"),
        }
    }
}
