//! Reading `Cookie` headers, which may hold anything (RFC 6265bis section 4.2).

/// The values of all cookies called `name` in one header, as they stand: not decoded, not unquoted.
///
/// A pair without `=` is nobody's. Names are compared to the letter.
pub(crate) fn values<'a>(header: &'a [u8], name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = Some(header);
    let pairs = std::iter::from_fn(move || {
        let header = rest?;
        let (pair, after) = match memchr::memchr(b';', header) {
            Some(end) => (&header[..end], Some(&header[end + 1..])),
            None => (header, None),
        };
        rest = after;
        Some(pair)
    });
    pairs.filter_map(move |pair| {
        let pair = trim(pair);
        let (given, rest) = pair.split_at_checked(name.len())?;
        match rest {
            [b'=', value @ ..] if given == name => Some(value),
            _ => None,
        }
    })
}

fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let found: Vec<_> = values(header.as_bytes(), b"n").collect();
            let expected: Vec<_> = expected.iter().map(|value| value.as_bytes()).collect();
            assert_eq!(found, expected, "{header}");
        }
    }

    #[test]
    fn what_is_not_our_cookie_is_not_taken_for_it() {
        for header in ["", ";", "=", "n", "N=K", "n =K", "nn=K", "x=n=K", "a=b, n=K", "=n=K", "an=K"] {
            assert_eq!(values(header.as_bytes(), b"n").count(), 0, "{header}");
        }
    }
}
