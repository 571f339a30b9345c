//! Counts over time, drawn.

use std::collections::VecDeque;
use std::fmt::Write as _;

use cloakroom::Timestamp;
use maud::{Markup, html};

use crate::when;

const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 140.0;

/// Live and signed-in sessions, as two lines.
pub(super) fn draw(history: &VecDeque<(Timestamp, usize, usize)>) -> Markup {
    let (Some(first), Some(last)) = (history.front(), history.back()) else {
        return html! { p.hint { "Counting." } };
    };
    let most = history.iter().map(|(_, live, _)| *live).max().unwrap_or_default().max(1);
    let live = line(history, most, |(_, live, _)| *live);
    let signed_in = line(history, most, |(_, _, signed_in)| *signed_in);
    let span = when::span(last.0.since(first.0));
    let told = format!("{} live sessions now, at most {most} within the last {span}", last.1);
    html! {
        svg.chart viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label=(told) {
            polyline.live points=(live) {}
            polyline.signed-in points=(signed_in) {}
        }
        p.hint {
            span.key.live { "live" } " " span.key.signed-in { "signed in" }
            " over the last " (span) "; the top is " (most) "."
        }
    }
}

fn line(
    history: &VecDeque<(Timestamp, usize, usize)>,
    most: usize,
    pick: impl Fn(&(Timestamp, usize, usize)) -> usize,
) -> String {
    let share = |part: usize, whole: usize| small(part) / small(whole.max(1));
    let steps = history.len().saturating_sub(1);
    let mut points = String::new();
    for (step, counts) in history.iter().enumerate() {
        let (x, y) = (WIDTH * share(step, steps), HEIGHT * (1.0 - share(pick(counts), most)));
        // Writing to a text can't fail.
        let _ = write!(points, "{x:.1},{y:.1} ");
    }
    points
}

/// Exact up to four thousand millions, which is more than there is to count.
fn small(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_fill_the_picture() {
        let at = |second: u64| Timestamp::from_millis(second * 1000);
        let history = VecDeque::from([(at(0), 0, 0), (at(2), 5, 1), (at(4), 10, 5)]);
        let drawn = draw(&history).into_string();
        assert!(drawn.contains("points=\"0.0,140.0 300.0,70.0 600.0,0.0 \""), "{drawn}");
        assert!(
            drawn.contains("10 live sessions now, at most 10 within the last 4 seconds"),
            "{drawn}"
        );
        assert!(draw(&VecDeque::new()).into_string().contains("Counting"));
        assert!(draw(&VecDeque::from([(at(0), 0, 0)])).into_string().contains("0.0,140.0"));
    }
}
