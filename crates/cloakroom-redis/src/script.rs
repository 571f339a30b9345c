//! The Lua scripts. Each file says what its script does; those on a principal share `index.lua`.

use std::sync::LazyLock;

use redis::Cmd;
use sha1_smol::Sha1;

/// A script, and the SHA-1 digest that the server caches it under.
#[derive(Debug)]
pub(crate) struct Script {
    text: &'static str,
    digest: LazyLock<String>,
}

macro_rules! scripts {
    ($($name:ident $($file:literal)+;)*) => {
        $(pub(crate) static $name: Script = Script {
            text: concat!($(include_str!($file)),+),
            digest: LazyLock::new(|| {
                Sha1::from(concat!($(include_str!($file)),+)).hexdigest()
            }),
        };)*

        /// All scripts.
        pub(crate) static ALL: &[&Script] = &[$(&$name),*];
    };
}

scripts! {
    REPLACE "scripts/replace.lua";
    TOUCH "scripts/touch.lua";
    END "scripts/end.lua";
    INDEX_LOGIN "scripts/index.lua" "scripts/index_login.lua";
    REVOKE_BEFORE "scripts/index.lua" "scripts/revoke_before.lua";
    ERASE "scripts/index.lua" "scripts/erase.lua";
    SWEEP "scripts/sweep.lua";
    SWEEP_INDEX "scripts/index.lua" "scripts/sweep_index.lua";
}

impl Script {
    /// Calls the script by its digest, or by its text for a server that has not cached it.
    pub(crate) fn call(&self, by_digest: bool, keys: &[&[u8]]) -> Cmd {
        let mut command = redis::cmd(if by_digest { "EVALSHA" } else { "EVAL" });
        command.arg(if by_digest { self.digest.as_str() } else { self.text });
        command.arg(keys.len()).arg(keys);
        command
    }

    /// Has the server cache the script.
    pub(crate) fn load(&self) -> Cmd {
        let mut command = redis::cmd("SCRIPT");
        command.arg("LOAD").arg(self.text);
        command
    }
}
