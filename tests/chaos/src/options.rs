//! The command line.

use crate::store::StoreKind;

pub(crate) const USAGE: &str = "usage: cloakroom-chaos [--store NAME] [--faults N] [--seed N] \
    [--json]\nstores: sqlite postgres redis redis-cluster redis-sentinel postgres-standby \
    pgbouncer; redis-unguarded loses writes";

#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) stores: Vec<StoreKind>,
    pub(crate) faults: u64,
    pub(crate) seed: u64,
    pub(crate) is_json: bool,
}

impl Options {
    /// `None` if the words are not understood.
    pub(crate) fn parse(words: &[String]) -> Option<Self> {
        let stores = StoreKind::ALL.to_vec();
        let mut options = Self { stores, faults: 30, seed: 1, is_json: false };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--store" => options.stores = vec![StoreKind::named(words.next()?)?],
                "--faults" => options.faults = words.next()?.parse().ok()?,
                "--seed" => options.seed = words.next()?.parse().ok()?,
                "--json" => options.is_json = true,
                _ => return None,
            }
        }
        Some(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Option<Options> {
        Options::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn options_are_read_and_mistakes_refused() {
        let options = parse("--store redis --faults 5 --seed 7 --json").unwrap();
        assert_eq!(options.stores, [StoreKind::Redis]);
        assert_eq!((options.faults, options.seed, options.is_json), (5, 7, true));
        assert_eq!(parse("").unwrap().stores.len(), 7);
        let control = parse("--store redis-unguarded").unwrap().stores;
        assert_eq!(control, [StoreKind::RedisUnguarded]);
        for mistake in ["--store", "--store mysql", "--faults many", "--speed 3"] {
            assert!(parse(mistake).is_none(), "{mistake}");
        }
    }
}
