//! The scripts that run in the server, each beside what it promises in its file.

use std::sync::LazyLock;

use redis::Cmd;
use sha1_smol::Sha1;

/// A script, and the name that the server knows it by once it has seen it.
#[derive(Debug)]
pub(crate) struct Script {
    text: &'static str,
    name: LazyLock<String>,
}

macro_rules! scripts {
    ($($name:ident $file:literal)*) => {
        $(pub(crate) static $name: Script = Script {
            text: include_str!($file),
            name: LazyLock::new(|| Sha1::from(include_str!($file)).hexdigest()),
        };)*

        /// All of them.
        pub(crate) static ALL: &[&Script] = &[$(&$name),*];
    };
}

scripts! {
    REPLACE "scripts/replace.lua"
    TOUCH "scripts/touch.lua"
    END "scripts/end.lua"
    ADMIT "scripts/admit.lua"
    REVOKE "scripts/revoke.lua"
    SWEEP "scripts/sweep.lua"
}

impl Script {
    /// The call of it by its name, or by its text where the server does not know the name.
    pub(crate) fn call(&self, by_name: bool, keys: &[&[u8]]) -> Cmd {
        let mut command = redis::cmd(if by_name { "EVALSHA" } else { "EVAL" });
        command.arg(if by_name { self.name.as_str() } else { self.text }).arg(keys.len()).arg(keys);
        command
    }

    /// What makes it known.
    pub(crate) fn load(&self) -> Cmd {
        let mut command = redis::cmd("SCRIPT");
        command.arg("LOAD").arg(self.text);
        command
    }
}
