//! Figures over figures.

use serde::{Deserialize, Serialize};

/// Lines in one picture.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Curve {
    /// The picture's file, without directory and ending: `http-concurrency`.
    pub file: String,
    /// What is to be seen.
    pub title: String,
    /// What goes to the right, with its unit.
    pub x: String,
    /// What goes up, with its unit.
    pub y: String,
    /// How the x axis is divided; the y axis begins at zero.
    pub scale: Scale,
    /// The lines.
    pub series: Vec<Series>,
}

/// How an axis is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scale {
    /// Evenly.
    Linear,
    /// By factors.
    Logarithmic,
}

/// One line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Series {
    /// Whose it is.
    pub name: String,
    /// In ascending x.
    pub points: Vec<(f64, f64)>,
}
