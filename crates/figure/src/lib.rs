//! Plotly figures from plain columns: one file per chart kind, plus rasters, theme, typed arrays, text summary.
//!
//! Every chart kind is a function `draw(&Input, &Style) -> Result<Drawing, Empty>`: pure, and without panics on any input.
//! A [`Drawing`] holds the figure, the same facts as rows, a sentence, its provenance and a first picture.

pub mod array;
pub mod axis;
#[cfg(test)]
mod chance;
pub mod classes;
pub mod curves;
pub mod density;
pub mod distribution;
pub mod drawing;
pub mod evaluations;
pub mod extend;
pub mod feature;
pub mod flow_scores;
pub mod folds;
pub mod layout;
pub mod matrix;
pub mod picture;
pub mod raster;
pub mod rows;
pub mod scatter;
mod stats;
pub mod text;
pub mod theme;

pub use axis::{Axis, AxisKind, Window};
pub use classes::{Class, Classes};
pub use drawing::{Cell, ColumnHead, Drawing, Empty, LegendEntry, Provenance, Rows};
pub use feature::{Feature, Values};
pub use layout::{LegendPlace, Style};
pub use picture::Picture;
pub use raster::Raster;
pub use theme::{Symbol, Theme};
