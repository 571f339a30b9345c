//! Curves as SVG.

use std::ops::Range;

use cloakroom_bench_report::{Curve, Scale, Series};
use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use crate::Failure;

const SIZE: (u32, u32) = (800, 480);
/// Told apart also by those who see few colours (Okabe and Ito).
const COLOURS: [RGBColor; 8] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(0, 0, 0),
    RGBColor(128, 128, 128),
];

/// The curve's picture.
pub(crate) fn svg(curve: &Curve) -> Result<String, Failure> {
    let points = || curve.series.iter().flat_map(|series| &series.points);
    let (least, most) =
        points().fold((f64::INFINITY, 0.0_f64), |(least, most), (x, _)| (least.min(*x), most.max(*x)));
    let top = points().map(|(_, y)| *y).fold(0.0, f64::max) * 1.05;
    if !(least < most && top > 0.0 && top.is_finite()) {
        return Err("it has no two points".into());
    }
    let mut text = String::new();
    match curve.scale {
        Scale::Linear => draw(curve, least..most, top, &mut text)?,
        Scale::Logarithmic if least > 0.0 => draw(curve, (least..most).log_scale(), top, &mut text)?,
        Scale::Logarithmic => return Err("there is no logarithm of zero".into()),
    }
    Ok(text)
}

/// Draws on a chart that is divided along `x` as that says.
fn draw<X>(curve: &Curve, x: X, top: f64, text: &mut String) -> Result<(), Failure>
where
    X: AsRangedCoord<Value = f64>,
    X::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let area = SVGBackend::with_string(text, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let up: Range<f64> = 0.0..top;
    let mut chart = ChartBuilder::on(&area)
        .caption(&curve.title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(42)
        .y_label_area_size(72)
        .build_cartesian_2d(x, RangedCoordf64::from(up))?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_desc(&curve.x)
        .y_desc(&curve.y)
        .x_label_formatter(&|value| short(*value))
        .y_label_formatter(&|value| short(*value))
        .label_style(("sans-serif", 13))
        .draw()?;
    for (series, colour) in curve.series.iter().zip(COLOURS.iter().cycle()) {
        let style = colour.stroke_width(2);
        chart
            .draw_series(LineSeries::new(series.points.iter().copied(), style))?
            .label(&series.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], style));
        chart.draw_series(series.points.iter().map(|point| Circle::new(*point, 3, colour.filled())))?;
    }
    chart
        .configure_series_labels()
        .position(names_at(curve))
        .background_style(WHITE.mix(0.8))
        .label_font(("sans-serif", 13))
        .draw()?;
    area.present()?;
    Ok(())
}

/// A number on an axis: `20 k`, `5 M`.
fn short(value: f64) -> String {
    let (value, unit) = match value {
        value if value >= 1e6 => (value / 1e6, " M"),
        value if value >= 1e3 => (value / 1e3, " k"),
        value => (value, ""),
    };
    // As many places as there are, but no more than two.
    let text = format!("{value:.2}");
    format!("{}{unit}", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Where the lines leave room for their names: falling ones to the right, others to the left.
fn names_at(curve: &Curve) -> SeriesLabelPosition {
    let falls = |series: &Series| match (series.points.first(), series.points.last()) {
        (Some((_, first)), Some((_, last))) => last < first,
        _ => false,
    };
    if curve.series.iter().all(falls) {
        SeriesLabelPosition::UpperRight
    } else {
        SeriesLabelPosition::UpperLeft
    }
}

#[cfg(test)]
mod tests {
    use cloakroom_bench_report::Series;

    use super::*;

    fn curve(scale: Scale, points: Vec<(f64, f64)>) -> Curve {
        let [file, title, x, y, name] = ["file", "Title", "sessions", "ns", "ours"].map(String::from);
        Curve { file, title, x, y, scale, series: vec![Series { name, points }] }
    }

    #[test]
    fn a_picture_has_its_title_its_axes_and_a_line_for_each_series() {
        for scale in [Scale::Linear, Scale::Logarithmic] {
            let svg = svg(&curve(scale, vec![(1e4, 100.0), (1e6, 250.0)])).unwrap();
            assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
            for text in ["Title", "sessions", "ns", "ours", "1 M"] {
                assert!(svg.lines().any(|line| line.trim() == text), "{text} in {svg}");
            }
            assert!(svg.contains("<polyline"));
        }
    }

    #[test]
    fn what_has_no_extent_is_refused() {
        assert!(svg(&curve(Scale::Linear, vec![(1.0, 1.0)])).is_err());
        assert!(svg(&curve(Scale::Linear, vec![(1.0, 0.0), (2.0, 0.0)])).is_err());
        assert!(svg(&curve(Scale::Logarithmic, vec![(0.0, 1.0), (2.0, 1.0)])).is_err());
    }

    #[test]
    fn large_numbers_are_shortened() {
        assert_eq!([0.0, 250.0, 1_500.0, 20_000.0, 5e6].map(short), ["0", "250", "1.5 k", "20 k", "5 M"]);
    }
}
