//! Reading `Cookie` headers, which may hold anything (RFC 6265bis section 4.2).

use memchr::memmem::Finder;

/// Looks for the cookies of one name.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    /// The name and what follows it, as text: looked for at once, instead of pair by pair.
    begins: Finder<'static>,
}

impl Search {
    pub(crate) fn for_cookies(name: &str) -> Self {
        Self { begins: Finder::new(&format!("{name}=")).into_owned() }
    }

    /// The values of all cookies of the name in one header, as they stand: not decoded, not unquoted.
    ///
    /// A pair without `=` is nobody's. Names are compared to the letter.
    pub(crate) fn values<'a>(&'a self, header: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let mut from = 0;
        std::iter::from_fn(move || {
            loop {
                let rest = header.get(from..)?;
                let at = from + self.begins.find(rest)?;
                let value = at + self.begins.needle().len();
                from = value;
                if is_a_beginning(&header[..at]) {
                    let rest = &header[value..];
                    let end = memchr::memchr(b';', rest).unwrap_or(rest.len());
                    from += end;
                    return Some(trim_end(&rest[..end]));
                }
            }
        })
    }
}

/// True if a pair begins after this.
const fn is_a_beginning(before: &[u8]) -> bool {
    matches!(trim_end(before), [] | [.., b';'])
}

const fn trim_end(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(header: &[u8]) -> Vec<&[u8]> {
        // Leaked: as a policy's, it lasts as long as the test.
        Box::leak(Box::new(Search::for_cookies("n"))).values(header).collect()
    }

    /// By the letter of RFC 6265bis section 4.2.1: pairs between semicolons.
    fn values_pair_by_pair(header: &[u8]) -> Vec<&[u8]> {
        let default_value = |byte: &u8| matches!(byte, b' ' | b'\t');
        header
            .split(|byte| *byte == b';')
            .filter_map(|pair| {
                let from = pair.iter().position(|byte| !default_value(byte))?;
                let to = pair.iter().rposition(|byte| !default_value(byte))?;
                pair[from..=to].strip_prefix(b"n=")
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_a_header_holds_its_pairs_are_those_between_semicolons(header in "[n=; \t,xN]{0,24}") {
            prop_assert_eq!(values(header.as_bytes()), values_pair_by_pair(header.as_bytes()));
        }

        #[test]
        fn long_headers_are_read_as_short_ones(header in "(n=K|nn=|[a-z]{1,9}=[a-z]{0,30}|n| |;){0,40}") {
            prop_assert_eq!(values(header.as_bytes()), values_pair_by_pair(header.as_bytes()));
        }
    }

    #[test]
    fn the_value_is_found_wherever_a_pair_may_stand() {
        let table: &[(&str, &[&str])] = &[
            ("n=K", &["K"]),
            ("a=b; n=K", &["K"]),
            ("a=b;n=K;c=d", &["K"]),
            ("a=b;  \t n=K \t; c", &["K"]),
            ("n=K; n=J", &["K", "J"]),
            ("n=", &[""]),
            ("n=K=junk", &["K=junk"]),
            ("n=\"K\"", &["\"K\""]),
            ("n=%4B", &["%4B"]),
        ];
        for (header, expected) in table {
            let found = values(header.as_bytes());
            let expected: Vec<_> = expected.iter().map(|value| value.as_bytes()).collect();
            assert_eq!(found, expected, "{header}");
        }
    }

    #[test]
    fn what_is_not_our_cookie_is_not_taken_for_it() {
        for header in
            ["", ";", "=", "n", "N=K", "n =K", "nn=K", "x=n=K", "a=b, n=K", "=n=K", "an=K"]
        {
            assert_eq!(values(header.as_bytes()).len(), 0, "{header}");
        }
    }
}
