//! What fails, and for how long.

use std::fmt;

use crate::random::Random;
use crate::store::StoreKind;

/// How many processes serve the sessions.
pub(crate) const NODES: usize = 4;

/// A fault. Spans are in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// SIGKILL, and a restart after a while.
    KillServer {
        down: u64,
    },
    /// SIGSTOP and SIGCONT.
    FreezeServer {
        span: u64,
    },
    /// All connections to the server.
    ResetConnections,
    /// No byte arrives, and neither side notices.
    MuteConnections {
        span: u64,
    },
    KillNode {
        node: usize,
        down: u64,
    },
    FreezeNode {
        node: usize,
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
            0..35 => Self::KillServer { down },
            35..50 => Self::FreezeServer { span },
            50..65 => Self::ResetConnections,
            65..75 => Self::MuteConnections { span },
            75..90 => Self::KillNode { node, down },
            _ => Self::FreezeNode { node, span },
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KillServer { down } => write!(f, "server killed, down for {down} ms"),
            Self::FreezeServer { span } => write!(f, "server stopped for {span} ms"),
            Self::ResetConnections => f.write_str("connections reset"),
            Self::MuteConnections { span } => write!(f, "connections mute for {span} ms"),
            Self::KillNode { node, down } => {
                write!(f, "process {node} killed, down for {down} ms")
            }
            Self::FreezeNode { node, span } => write!(f, "process {node} stopped for {span} ms"),
        }
    }
}
