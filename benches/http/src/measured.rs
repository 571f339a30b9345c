//! What was measured, and what it is compared with, round by round.

use crate::case::Case;
use crate::contender::Contender;

/// One contender under load for a while.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    /// Requests a second.
    pub(crate) rate: f64,
    /// Microseconds of the server's CPU for a request.
    pub(crate) cpu: f64,
}

/// All contenders in one case; all have as many rounds, and those of the same number were neighbours in time.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) case: Case,
    pub(crate) threads: u32,
    pub(crate) measured: Vec<(Contender, Vec<Round>)>,
}

impl Group {
    pub(crate) fn rounds(&self, contender: Contender) -> &[Round] {
        let found = self.measured.iter().find(|measured| measured.0 == contender);
        found.map_or(&[], |measured| &measured.1)
    }

    /// `compare` of both contenders' CPU for a request, for each round.
    pub(crate) fn compared(
        &self,
        contender: Contender,
        other: Contender,
        compare: impl Fn(f64, f64) -> f64,
    ) -> Vec<f64> {
        let rounds = self.rounds(contender).iter().zip(self.rounds(other));
        rounds.map(|(own, other)| compare(own.cpu, other.cpu)).collect()
    }

    /// How many times the other's CPU the contender spends on a request: the median of the rounds.
    pub(crate) fn times(&self, contender: Contender, other: Contender) -> Option<f64> {
        median(self.compared(contender, other, |own, other| own / other))
    }
}

/// The middle one, if there is any.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contenders_are_compared_within_a_round_and_not_across_them() {
        let rounds = |cpu: [f64; 3]| cpu.into_iter().map(|cpu| Round { rate: 1.0, cpu }).collect::<Vec<_>>();
        let measured = vec![
            (Contender::Axum, rounds([1.0, 10.0, 2.0])),
            (Contender::AxumCloakroom, rounds([2.0, 20.0, 5.0])),
        ];
        let group = Group { case: Case::Read, threads: 1, measured };
        assert_eq!(group.times(Contender::AxumCloakroom, Contender::Axum), Some(2.0));
        let over = group.compared(Contender::AxumCloakroom, Contender::Axum, |own, bare| own - bare);
        assert_eq!(over, [1.0, 10.0, 3.0]);
        assert_eq!(group.times(Contender::Express, Contender::Axum), None);
    }
}
