//! Hash slots: which master of a cluster holds which keys.

use redis::Value;

const COUNT: u16 = 16_384;

/// The hash slot of a key.
pub(crate) fn slot_of(key: &[u8]) -> u16 {
    crc::Crc::<u16>::new(&crc::CRC_16_XMODEM).checksum(tag_of(key)) % COUNT
}

/// The part of a key that is hashed: its hash tag, or the whole key if it has none.
pub(crate) fn tag_of(key: &[u8]) -> &[u8] {
    let tag = key.iter().position(|byte| *byte == b'{').and_then(|open| {
        let rest = &key[open + 1..];
        let end = rest.iter().position(|byte| *byte == b'}')?;
        (end > 0).then(|| &rest[..end])
    });
    tag.unwrap_or(key)
}

/// The address of a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Address {
    /// Empty for the host that the answer came from.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Address {
    /// Parses `host:port`, as in redirections.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        Some(Self { host: host.trim_matches(['[', ']']).to_owned(), port: port.parse().ok()? })
    }
}

/// First slot, last slot, and the address of their master.
pub(crate) type Range = (u16, u16, Address);

/// Parses the answer to `CLUSTER SLOTS` into ranges in the order of their slots.
pub(crate) fn parse(answer: &Value) -> Option<Vec<Range>> {
    let Value::Array(ranges) = answer else { return None };
    let mut ranges: Vec<Range> = ranges.iter().map(parse_range).collect::<Option<_>>()?;
    ranges.sort_by_key(|range| range.0);
    Some(ranges)
}

fn parse_range(range: &Value) -> Option<Range> {
    let Value::Array(parts) = range else { return None };
    let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = &parts[..] else {
        return None;
    };
    let host = match master.first()? {
        Value::BulkString(host) => String::from_utf8(host.clone()).ok()?,
        Value::SimpleString(host) => host.clone(),
        Value::Nil => String::new(),
        _ => return None,
    };
    let Value::Int(port) = master.get(1)? else { return None };
    let address = Address { host, port: u16::try_from(*port).ok()? };
    Some((u16::try_from(*first).ok()?, u16::try_from(*last).ok()?, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_computed_as_the_server_does() {
        // From `CLUSTER KEYSLOT`.
        for (key, slot) in
            [("foo", 12_182), ("123456789", 12_739), ("{user1000}.following", 3_443), ("", 0)]
        {
            assert_eq!(slot_of(key.as_bytes()), slot, "{key}");
        }
        assert_eq!(slot_of(b"a{b}c{d}"), slot_of(b"b"));
        assert_ne!(slot_of(b"a{}b"), slot_of(b""));
        assert_eq!(slot_of(b"a{b"), slot_of(b"a{b"));
    }

    #[test]
    fn ranges_are_parsed_in_order_and_anything_else_is_rejected() {
        let master =
            |host: &str, port| Value::Array(vec![Value::BulkString(host.into()), Value::Int(port)]);
        let one = |first, last, port| {
            Value::Array(vec![
                Value::Int(first),
                Value::Int(last),
                master("h", port),
                master("r", 9),
            ])
        };
        let ranges = parse(&Value::Array(vec![one(5, 9, 2), one(0, 4, 1)])).unwrap();
        let at = |port| Address { host: "h".to_owned(), port };
        assert_eq!(ranges, [(0, 4, at(1)), (5, 9, at(2))]);
        for invalid in
            [Value::Nil, Value::Array(vec![Value::Int(1)]), Value::Array(vec![one(-1, 2, 3)])]
        {
            assert_eq!(parse(&invalid), None);
        }
        assert_eq!(Address::parse("[::1]:7"), Some(Address { host: "::1".to_owned(), port: 7 }));
    }
}
