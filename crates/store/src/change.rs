//! What the store announces after a commit.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The kinds of entity that have an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Dataset,
    Task,
    Flow,
    Setup,
    Run,
    Study,
    File,
    Person,
}

impl Kind {
    pub(crate) const ALL: [Kind; 8] =
        [Kind::Dataset, Kind::Task, Kind::Flow, Kind::Setup, Kind::Run, Kind::Study, Kind::File, Kind::Person];

    /// Whether entities of this kind also come from other servers, with their ids.
    #[must_use]
    pub(crate) fn is_shared(self) -> bool {
        match self {
            Kind::Dataset | Kind::Task | Kind::Flow | Kind::Setup | Kind::Run | Kind::Study => true,
            Kind::File | Kind::Person => false,
        }
    }

    /// The name in the catalogue, in messages and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Dataset => "dataset",
            Kind::Task => "task",
            Kind::Flow => "flow",
            Kind::Setup => "setup",
            Kind::Run => "run",
            Kind::Study => "study",
            Kind::File => "file",
            Kind::Person => "person",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    Added,
    Changed,
    Removed,
}

/// One thing that happened to one entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Event {
    pub kind: Kind,
    pub id: i64,
    pub action: Action,
}

/// A page whose content a commit may have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Topic {
    Dataset(i64),
    Task(i64),
    Flow(i64),
    Run(i64),
    Study(i64),
    Datasets,
    Tasks,
    Flows,
    Runs,
    Studies,
}

/// One commit: what happened, and every page that it concerns.
///
/// A new run, for example, is one event and the topics of the run, its task, its
/// flow, its dataset and the list of runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The catalogue's revision after the commit; the touched entities carry it.
    pub revision: i64,
    /// In the order in which they were made.
    pub events: Vec<Event>,
    pub topics: BTreeSet<Topic>,
}
