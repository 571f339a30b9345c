//! Records, keys and cookies as bytes or text and back.

mod cases;

use crate::meter::now;
use crate::options::{Options, say};
use crate::report::{Cell, Report, Table};
use crate::{Failure, valgrind};

pub use self::cases::*;

/// The bench's name on the command line.
pub const NAME: &str = "codec";

/// One operation of one contender.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    pub what: &'static str,
    pub whose: &'static str,
    /// Prepares the operation once.
    pub prepare: fn() -> Result<Prepared, Failure>,
}

impl Case {
    #[must_use]
    pub const fn new(
        what: &'static str,
        whose: &'static str,
        prepare: fn() -> Result<Prepared, Failure>,
    ) -> Self {
        Self { what, whose, prepare }
    }
}

/// A prepared operation.
pub struct Prepared {
    /// The length of the text or the bytes.
    pub bytes: usize,
    run: Box<dyn FnMut()>,
}

impl Prepared {
    /// An operation that returns what it makes, so that the compiler cannot skip it.
    pub fn new<T>(bytes: usize, mut operation: impl FnMut() -> T + 'static) -> Self {
        Self { bytes, run: Box::new(move || drop(std::hint::black_box(operation()))) }
    }

    fn repeat(&mut self, times: u32) {
        for _ in 0..times {
            (self.run)();
        }
    }

    /// Seconds that so many repetitions take.
    fn seconds(&mut self, times: u32) -> f64 {
        let began = now();
        self.repeat(times);
        began.elapsed().as_secs_f64()
    }
}

const ABOUT: &str = "\
What becomes bytes or text on its way to a store or a browser, and back. The value is a struct of
104 bytes with four short strings: JSON with cloakroom, a map of JSON values with tower-sessions,
whose stores write MessagePack.";

const NOTES: &str = "\
- Times are of interleaved rounds: the median, with the least and the most.
- Valgrind's processor has no SHA instructions: about 3300 instructions of each row with a key are
  SHA-256 in software.
- A whole request of cloakroom's also makes the session's handle, asks the store where there is a
  key, and writes the response's headers; the peer's row is the parsing alone.";

/// Measures these cases.
pub fn bench(name: &'static str, cases: &[Case], options: Options) -> Result<Report, Failure> {
    crate::require_release_build()?;
    say("timing");
    let timed = time(cases, if options.quick { 5 } else { 41 })?;
    let counts = valgrind::is_installed();
    let columns = ["what", "whose", "bytes", "ns", "instructions"];
    let mut table = Table::new("one call", &columns);
    for (number, (case, (bytes, nanoseconds))) in cases.iter().zip(timed).enumerate() {
        let mut instructions = Cell::None;
        if counts {
            say(&format!("counting: {}, {}", case.what, case.whose));
            let found = valgrind::instructions(&[NAME, &number.to_string()], (100, 600))?;
            instructions = Cell::number(found.hashing + found.others, 0);
        }
        let time = Cell::spread(nanoseconds, 0);
        table.row([case.what.into(), case.whose.into(), bytes.into(), time, instructions]);
    }
    let mut report = Report::new(name, ABOUT, NOTES);
    report.tables.push(table);
    Ok(report)
}

/// Repeats a case; called in the process that valgrind runs.
pub fn drive(cases: &[Case], words: &[&str]) -> Result<(), Failure> {
    let [number, times] = words else {
        return Err("expected the number of a case and a number of repetitions".into());
    };
    let case = cases.get(number.parse::<usize>()?).ok_or("no case has this number")?;
    (case.prepare)()?.repeat(times.parse()?);
    Ok(())
}

/// Bytes, and nanoseconds round by round, of each case; rounds are interleaved.
fn time(cases: &[Case], rounds: usize) -> Result<Vec<(usize, Vec<f64>)>, Failure> {
    let mut prepared = Vec::new();
    for case in cases {
        let mut case = (case.prepare)()?;
        let times = repetitions(&mut case);
        prepared.push((case, times, Vec::new()));
    }
    for _ in 0..rounds {
        for (case, times, taken) in &mut prepared {
            taken.push(case.seconds(*times) * 1e9 / f64::from(*times));
        }
    }
    Ok(prepared.into_iter().map(|(case, _, taken)| (case.bytes, taken)).collect())
}

/// Repetitions that fill a round; finding the number also warms up.
fn repetitions(case: &mut Prepared) -> u32 {
    const ROUND: f64 = 0.004;
    let mut times = 16;
    while case.seconds(times) < ROUND && times < 1 << 24 {
        times *= 2;
    }
    times
}

/// Whether every case can be prepared and repeated; for tests.
pub fn works(cases: &[Case]) -> Result<(), Failure> {
    for case in cases {
        let mut prepared = (case.prepare)()?;
        prepared.repeat(2);
        if prepared.bytes == 0 && !case.what.starts_with("no Cookie") {
            return Err(format!("{case:?} makes nothing").into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_case_can_be_prepared_and_repeated() {
        super::works(&super::CASES).unwrap();
    }
}
