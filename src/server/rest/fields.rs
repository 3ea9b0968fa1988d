//! Values as OpenML's documents spell them.

use labboard_openml::date::{Precision, write_iso};
use labboard_openml::procedure;

/// Ids in documents are 32 bits wide; labboard gives out none that is wider.
pub fn short(id: i64) -> u32 {
    u32::try_from(id).unwrap_or(u32::MAX)
}

/// `2026-01-31T08:30:00`, UTC.
pub fn time(ms: i64) -> String {
    let mut out = String::new();
    write_iso(ms as f64 - (ms % 1000) as f64, Precision::Second, &mut out);
    out
}

/// `2026-01-31 08:30:00`, as lists have it.
pub fn list_time(ms: i64) -> String {
    time(ms).replace('T', " ")
}

/// The name of a type of task, such as `Supervised Classification`.
pub fn task_type(id: i64) -> String {
    procedure::task_type(short(id)).map_or_else(|| format!("Task type {id}"), |task_type| task_type.name.to_owned())
}

/// An id in a path.
///
/// # Errors
/// `missing` where it is no positive number: there is no such thing then.
pub fn id(text: &str, missing: super::Refusal) -> Result<i64, super::Refusal> {
    text.parse::<i64>().ok().filter(|id| *id > 0).ok_or(missing)
}
