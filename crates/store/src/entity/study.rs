use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Status;
use crate::change::Kind;

/// What a study collects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StudyEntity {
    /// A study in the narrow sense.
    Run,
    /// A suite.
    Task,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a study collects entities of the kind run or task")]
pub struct UnknownStudyEntity;

impl StudyEntity {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.kind().as_str()
    }

    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            StudyEntity::Run => Kind::Run,
            StudyEntity::Task => Kind::Task,
        }
    }
}

impl FromStr for StudyEntity {
    type Err = UnknownStudyEntity;

    fn from_str(text: &str) -> Result<Self, UnknownStudyEntity> {
        match text {
            "run" => Ok(StudyEntity::Run),
            "task" => Ok(StudyEntity::Task),
            _ => Err(UnknownStudyEntity),
        }
    }
}

impl fmt::Display for StudyEntity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Clone, Debug)]
pub struct NewStudy {
    /// `None` for the next free id.
    pub id: Option<i64>,
    /// A word that stands for the id in addresses.
    pub alias: Option<String>,
    pub main_entity: StudyEntity,
    /// The suite whose tasks the runs of this study are of.
    pub benchmark_suite: Option<i64>,
    pub name: String,
    pub description: String,
    pub status: Status,
    pub creator: i64,
    /// `None` for now.
    pub created_ms: Option<i64>,
    /// Ids of runs or tasks, each once.
    pub entities: Vec<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Study {
    pub id: i64,
    pub alias: Option<String>,
    pub main_entity: StudyEntity,
    pub benchmark_suite: Option<i64>,
    pub name: String,
    pub description: String,
    pub status: Status,
    pub creator: i64,
    pub creator_name: Option<String>,
    pub created_ms: i64,
    /// Ids of runs or tasks, ascending.
    pub entities: Vec<i64>,
    /// Grows whenever something about this study changes.
    pub revision: i64,
}
