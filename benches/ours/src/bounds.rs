//! What a full memory store does: whom it refuses, and how much memory it takes.

mod cases;

use cloakroom::block_on;

use crate::Failure;
use crate::child::{Child, answer, this_program};
use crate::meter::count;
use crate::options::{Goals, say};
use crate::report::{Cell, Report, Table};

/// The bench's name on the command line.
pub const NAME: &str = "bounds";

const ABOUT: &str = "\
What `MemoryStore` does when it is full. Time is simulated; memory is the growth of a process of its
own for each kind of value.";

const NOTES: &str = "\
- A store of 1,000 sessions was filled with sign-ins, which have all expired.
- A bound of 64 MiB: each session holds a list of 10,000 such values, or no value at all, and a user
  agent of 255 bytes.
- A store of 100,000 sessions was filled by robots. They load a page with an anti-forgery token, 300
  a second, and keep no cookies. Each second one person loads the same page and signs in later.";

/// How many robots there are a second.
const ROBOTS: usize = 300;

/// Measures all of it.
pub fn bench() -> Result<(Report, Goals), Failure> {
    let (mut report, mut goals) = (Report::new(NAME, ABOUT, NOTES), Goals::default());
    report.tables.push(after_expiry(&mut goals)?);
    report.tables.push(memory(&mut goals)?);
    report.tables.push(robots(&mut goals)?);
    Ok((report, goals))
}

fn after_expiry(goals: &mut Goals) -> Result<Table, Failure> {
    let mut table = Table::new("400 days later", &["what", "answer"]);
    for (what, answer) in block_on(cases::after_expiry())? {
        goals.at_least(what, Some(f64::from(u8::from(answer.is_ok()))), 1.0);
        let answer = answer.map_or_else(|error| error.to_string(), |()| "done".to_owned());
        table.row([what.into(), Cell::Text(answer)]);
    }
    Ok(table)
}

fn memory(goals: &mut Goals) -> Result<Table, Failure> {
    let mut table = Table::new("memory", &["list of", "MiB grown", "of the bound"]);
    for value in cases::VALUES {
        say(&format!("filling a store with {value}"));
        let grown: usize = Child::start(&mut this_program(&[NAME, value])?)?.json()?;
        let of_bound = count(grown) / count(cases::BOUND);
        goals.at_most(&format!("memory for {value}"), Some(of_bound), 1.5);
        let grown = Cell::number(count(grown) / count(1 << 20), 0);
        table.row([value.into(), grown, Cell::number(of_bound, 2)]);
    }
    Ok(table)
}

fn robots(goals: &mut Goals) -> Result<Table, Failure> {
    let columns = ["seconds to fill in the form", "people", "signed in", "percent"];
    let mut table = Table::new("robots", &columns);
    for delay in [5, 60, 300] {
        say(&format!("robots, and people who take {delay} seconds"));
        let (signed_in, people) = block_on(cases::robots(ROBOTS, delay))?;
        let percent = 100.0 * count(signed_in) / count(people);
        goals.at_least(&format!("sign-ins after {delay} seconds"), Some(percent), 100.0);
        table.row([delay.into(), people.into(), signed_in.into(), Cell::number(percent, 0)]);
    }
    Ok(table)
}

/// Is the process that fills a store with one kind of value.
pub fn drive(words: &[&str]) -> Result<(), Failure> {
    let [value] = words else { return Err("expected a kind of value".into()) };
    answer(&block_on(cases::growth(value))?)
}
