//! What is asked of an upstream.

use std::fmt;
use std::str::FromStr;

use labboard_store::Kind as StoreKind;

use crate::model::{Entity, Kind};

/// A dataset, task, flow, run or study by its id at the upstream. Shown as `data/5`, as in its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Wanted {
    pub kind: StoreKind,
    pub id: i64,
}

impl Wanted {
    pub const fn new(kind: StoreKind, id: i64) -> Self {
        Self { kind, id }
    }

    /// What the path of a request of OpenML's protocol reads, without its format: `["data", "features", "5"]`.
    pub fn of_path(path: &[&str]) -> Option<Self> {
        let (kind, id) = match path {
            ["data", "features" | "qualities", id] | ["data", id] | ["data", "v1", "download", "dataset", id, ..] => {
                (StoreKind::Dataset, id)
            }
            ["task", id] | ["api_splits", "get", id, ..] => (StoreKind::Task, id),
            ["flow", id] => (StoreKind::Flow, id),
            ["run", "trace", id] | ["run", id] => (StoreKind::Run, id),
            ["study", id, ..] => (StoreKind::Study, id),
            _ => return None,
        };
        Some(Self { kind, id: number(id)? })
    }
}

fn number(text: &str) -> Option<i64> {
    text.parse().ok().filter(|id| *id > 0)
}

impl From<Entity> for Wanted {
    fn from(entity: Entity) -> Self {
        let kind = match entity.kind {
            Kind::Data => StoreKind::Dataset,
            Kind::Task => StoreKind::Task,
            Kind::Flow => StoreKind::Flow,
            Kind::Run => StoreKind::Run,
        };
        Self { kind, id: entity.id }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.kind == StoreKind::Dataset { "data" } else { self.kind.as_str() };
        write!(f, "{word}/{}", self.id)
    }
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("“{text}” is none of data/ID, task/ID, flow/ID, run/ID and study/ID");
        let (word, id) = text.trim_matches('/').split_once('/').ok_or_else(wrong)?;
        let kind = match word {
            "data" => StoreKind::Dataset,
            "task" => StoreKind::Task,
            "flow" => StoreKind::Flow,
            "run" => StoreKind::Run,
            "study" => StoreKind::Study,
            _ => return Err(wrong()),
        };
        Ok(Self { kind, id: number(id).ok_or_else(wrong)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_addresses() {
        for text in ["data/5", "task/3", "flow/7", "run/9", "study/14"] {
            assert_eq!(text.parse::<Wanted>().expect(text).to_string(), text);
        }
        for text in ["data", "data/", "data/0", "data/x", "dataset/5", "5"] {
            assert!(text.parse::<Wanted>().is_err(), "{text}");
        }
    }

    #[test]
    fn requests_that_read_one_thing_name_it() {
        let of = |path: &str| Wanted::of_path(&path.split('/').collect::<Vec<_>>()).map(|wanted| wanted.to_string());
        for (path, wanted) in [
            ("data/5", "data/5"),
            ("data/features/5", "data/5"),
            ("data/v1/download/dataset/5/iris.arff", "data/5"),
            ("api_splits/get/3/Task_3_splits.arff", "task/3"),
            ("run/trace/9", "run/9"),
            ("study/14/tasks", "study/14"),
        ] {
            assert_eq!(of(path).as_deref(), Some(wanted), "{path}");
        }
        for path in ["data/list", "data/qualities/list", "run/list/task/3", "setup/4", "data/v1/download/22/x.arff", "flow/exists/a/b"] {
            assert_eq!(of(path), None, "{path}");
        }
    }
}
