//! Columns and what is computed from them.
//!
//! Everything a panel shows starts here as plain numbers: [`summary`] describes one feature, [`qualities`] a
//! dataset, [`histogram`] and [`density`] count rows, [`evaluate`] scores predictions as scikit-learn does,
//! [`group`] ranks results. Nothing in this crate samples: every count is over all rows, and what was left out (missing,
//! infinite, outside a window) is part of the answer.
//!
//! Columns are borrowed slices ([`Column`]) with sentinels for missing values (`NaN`, [`MISSING`]), so that
//! a memory-mapped file is as good as a parsed [`Table`](labboard_openml::table::Table).

pub mod classes;
pub mod cloud;
pub mod coding;
pub mod column;
pub mod density;
pub mod evaluate;
pub mod group;
pub mod histogram;
mod number;
pub mod parallel;
#[cfg(feature = "parquet")]
pub mod parquet;
pub mod qualities;
pub mod quartiles;
pub mod ranks;
pub mod simd;
pub mod smooth;
pub mod summary;
mod team;

pub use column::Column;
pub use labboard_openml::table::{Kind, MISSING};
pub use number::{MeanStd, mean_std, quantile};
