//! Parsing `Cookie` headers, which can contain anything (RFC 6265bis section 4.2).

use memchr::memmem::Finder;

/// Finds the cookies of one name.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    /// The name and `=`: searched for as text, which is faster than splitting into pairs.
    prefix: Finder<'static>,
}

impl Search {
    pub(crate) fn for_cookies(name: &str) -> Self {
        Self { prefix: Finder::new(&format!("{name}=")).into_owned() }
    }

    /// The values of all cookies of the name in one header, not decoded.
    ///
    /// Quotes around a whole value are removed: they are allowed (RFC 6265 section 4.1.1), and
    /// some clients add them. A pair without `=` is skipped. Names are case-sensitive.
    pub(crate) fn values<'a>(&'a self, header: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let mut from = 0;
        std::iter::from_fn(move || {
            loop {
                let rest = header.get(from..)?;
                let at = from + self.prefix.find(rest)?;
                let value = at + self.prefix.needle().len();
                from = value;
                if starts_a_pair(&header[..at]) {
                    let rest = &header[value..];
                    let end = memchr::memchr(b';', rest).unwrap_or(rest.len());
                    from += end;
                    return Some(unquoted(trim_end(&rest[..end])));
                }
            }
        })
    }
}

/// True if a new pair starts after `before`.
const fn starts_a_pair(before: &[u8]) -> bool {
    matches!(trim_end(before), [] | [.., b';'])
}

const fn trim_end(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

const fn unquoted(value: &[u8]) -> &[u8] {
    match value {
        [b'"', inner @ .., b'"'] => inner,
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(header: &[u8]) -> Vec<&[u8]> {
        // Leaked, so that the iterator can borrow it.
        Box::leak(Box::new(Search::for_cookies("n"))).values(header).collect()
    }

    /// The same by RFC 6265bis section 4.2.1, word for word: pairs between semicolons.
    fn values_pair_by_pair(header: &[u8]) -> Vec<&[u8]> {
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
        header
            .split(|byte| *byte == b';')
            .filter_map(|pair| {
                let from = pair.iter().position(|byte| !is_blank(byte))?;
                let to = pair.iter().rposition(|byte| !is_blank(byte))?;
                let value = pair[from..=to].strip_prefix(b"n=")?;
                let inner = value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
                Some(inner.unwrap_or(value))
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 20_000, failure_persistence: None, ..ProptestConfig::default()
        })]

        #[test]
        fn short_headers_are_read_as_pairs_between_semicolons(
            header in "[n=; \t,xN\"]{0,24}",
        ) {
            prop_assert_eq!(values(header.as_bytes()), values_pair_by_pair(header.as_bytes()));
        }

        #[test]
        fn long_headers_are_read_as_pairs_between_semicolons(
            header in "(n=K|n=\"K\"|\"|nn=|[a-z]{1,9}=[a-z]{0,30}|n| |;){0,40}",
        ) {
            prop_assert_eq!(values(header.as_bytes()), values_pair_by_pair(header.as_bytes()));
        }
    }

    #[test]
    fn the_value_is_found_wherever_a_pair_can_be() {
        let table: &[(&str, &[&str])] = &[
            ("n=K", &["K"]),
            ("a=b; n=K", &["K"]),
            ("a=b;n=K;c=d", &["K"]),
            ("a=b;  \t n=K \t; c", &["K"]),
            ("n=K; n=J", &["K", "J"]),
            ("n=", &[""]),
            ("n=K=junk", &["K=junk"]),
            ("n=\"K\"", &["K"]),
            ("a=b; n=\"K\" ; c=d", &["K"]),
            ("n=\"\"", &[""]),
            // Half a pair of quotes is a part of the value, and so are inner ones.
            ("n=\"", &["\""]),
            ("n=\"K", &["\"K"]),
            ("n=K\"", &["K\""]),
            ("n=\"\"K\"\"", &["\"K\""]),
            ("n=\"K;J\"", &["\"K"]),
            ("n=%4B", &["%4B"]),
        ];
        for (header, expected) in table {
            let found = values(header.as_bytes());
            let expected: Vec<_> = expected.iter().map(|value| value.as_bytes()).collect();
            assert_eq!(found, expected, "{header}");
        }
    }

    #[test]
    fn other_cookies_are_not_mistaken_for_ours() {
        for header in
            ["", ";", "=", "n", "N=K", "n =K", "nn=K", "x=n=K", "a=b, n=K", "=n=K", "an=K"]
        {
            assert_eq!(values(header.as_bytes()).len(), 0, "{header}");
        }
    }
}
