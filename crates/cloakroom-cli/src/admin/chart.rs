//! The chart of active and signed-in sessions over time.

use std::collections::VecDeque;
use std::fmt::Write as _;

use cloakroom::Timestamp;
use maud::{Markup, html};

use crate::time;

const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 140.0;

/// Active and signed-in sessions, as two lines.
pub(super) fn draw(points: &VecDeque<(Timestamp, usize, usize)>) -> Markup {
    let (Some(first), Some(last)) = (points.front(), points.back()) else {
        return html! { p.hint { "Counting…" } };
    };
    let peak = points.iter().map(|(_, live, _)| *live).max().unwrap_or_default().max(1);
    let live = line(points, peak, |(_, live, _)| *live);
    let signed_in = line(points, peak, |(_, _, signed_in)| *signed_in);
    let span = time::duration(last.0.since(first.0));
    let label = format!("{} active sessions now; peak in the last {span}: {peak}", last.1);
    html! {
        svg.chart viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img"
            aria-label=(label) {
            polyline.live points=(live) {}
            polyline.signed-in points=(signed_in) {}
        }
        p.hint {
            span.key.live { "active" } " " span.key.signed-in { "signed in" }
            " · last " (span) " · peak: " (peak)
        }
    }
}

/// The points of a line, scaled so that `peak` touches the top.
fn line(
    points: &VecDeque<(Timestamp, usize, usize)>,
    peak: usize,
    pick: impl Fn(&(Timestamp, usize, usize)) -> usize,
) -> String {
    let ratio = |part: usize, whole: usize| to_f64(part) / to_f64(whole.max(1));
    let steps = points.len().saturating_sub(1);
    let mut text = String::new();
    for (step, point) in points.iter().enumerate() {
        let (x, y) = (WIDTH * ratio(step, steps), HEIGHT * (1.0 - ratio(pick(point), peak)));
        // Writing to a string cannot fail.
        let _ = write!(text, "{x:.1},{y:.1} ");
    }
    text
}

/// Exact up to four thousand million, more than a store holds.
fn to_f64(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_fill_the_chart() {
        let at = |second: u64| Timestamp::from_millis(second * 1000);
        let points = VecDeque::from([(at(0), 0, 0), (at(2), 5, 1), (at(4), 10, 5)]);
        let chart = draw(&points).into_string();
        assert!(chart.contains("points=\"0.0,140.0 300.0,70.0 600.0,0.0 \""), "{chart}");
        assert!(
            chart.contains("10 active sessions now; peak in the last 4 seconds: 10"),
            "{chart}"
        );
        assert!(draw(&VecDeque::new()).into_string().contains("Counting"));
        assert!(draw(&VecDeque::from([(at(0), 0, 0)])).into_string().contains("0.0,140.0"));
    }
}
