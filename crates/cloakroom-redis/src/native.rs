//! The compare-and-set of some servers: `SET key value IFEQ seen`, of Valkey 8.1 and Redis 8.4.

use redis::{Cmd, ServerError, Value};

/// Asks a server whether it has the command, without writing anything: the key does not exist.
pub(crate) fn probe(key: &[u8]) -> Cmd {
    let mut command = redis::cmd("SET");
    // A server that ignored the condition would write the key, for a millisecond.
    command.arg(key).arg("").arg("IFEQ").arg("-").arg("PX").arg(1);
    command
}

/// Whether the server has the command, by its answers to the [`probe`] and to `INFO server`.
///
/// A node of a cluster that does not hold the slot of the probe redirects it before it looks at the
/// arguments. Then the version decides, and a server that lacks the command after all refuses each
/// write once.
pub(crate) fn is_supported(probe: Option<&Value>, info: Option<&Value>) -> bool {
    match probe {
        Some(Value::Nil) => true,
        Some(Value::ServerError(error))
            if matches!(error.code(), "MOVED" | "ASK" | "CLUSTERDOWN") =>
        {
            info.is_some_and(is_new)
        }
        _ => false,
    }
}

/// Whether the server refused the command because it does not have it. Any other error can be that
/// of a proxy, which may have passed the command on.
pub(crate) fn is_unknown_to(error: &ServerError) -> bool {
    error.code() == "ERR" && error.details().is_some_and(|text| text.starts_with("syntax error"))
}

fn is_new(info: &Value) -> bool {
    let info: String = redis::from_redis_value_ref(info).unwrap_or_default();
    let version = |name: &str| {
        let text = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        let mut parts = text.split('.').map(|part| part.trim().parse::<u32>().ok());
        Some((parts.next()??, parts.next()??))
    };
    // Valkey reports the version of Redis that it is compatible with too.
    match version("valkey_version") {
        Some(valkey) => valkey >= (8, 1),
        None => version("redis_version").is_some_and(|redis| redis >= (8, 4)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_syntax_error_says_that_the_server_lacks_the_command() {
        let is_unknown = |text: &[u8]| match redis::parse_redis_value(text) {
            Ok(Value::ServerError(error)) => is_unknown_to(&error),
            other => panic!("expected an error, found {other:?}"),
        };
        assert!(is_unknown(b"-ERR syntax error\r\n"));
        assert!(!is_unknown(b"-ERR upstream timed out\r\n"));
        assert!(!is_unknown(b"-LOADING syntax error\r\n"));
    }

    #[test]
    fn a_node_that_redirects_the_probe_is_judged_by_its_version() {
        let is_new = |text: &str| is_new(&Value::BulkString(text.into()));
        assert!(is_new("# Server\r\nredis_version:7.2.4\r\nvalkey_version:9.1.2\r\n"));
        assert!(is_new("redis_version:7.2.4\r\nvalkey_version:8.1.0\r\n"));
        assert!(!is_new("redis_version:7.2.4\r\nvalkey_version:8.0.1\r\n"));
        assert!(is_new("redis_version:8.4.0\r\n"));
        assert!(!is_new("redis_version:8.2.3\r\n"));
        assert!(!is_new("redis_version:7.0.15\r\n") && !is_new(""));
    }
}
