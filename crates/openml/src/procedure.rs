//! The types of tasks, and the estimation procedures that tasks may choose from, by OpenML's ids.
//!
//! Clients know some of the ids by heart (1 for classification, 7 for regression, 13 for learning curves, 17 for clustering), so
//! the ids, names and numbers are OpenML's. Two things differ:
//! - OpenML says that its "10% Holdout set" (5 and 11) tests 33 percent, the same as its "33% Holdout set"; here it tests 10.
//! - OpenML's procedures from 30 on belong to task types that its clients do not know; they are not in the table.

use std::fmt;

use crate::document::{self, EstimationProcedure, ProcedureParameter, ProcedureRow};

/// A type of task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskType {
    pub id: u32,
    pub name: &'static str,
    /// What the task is, in a sentence.
    pub description: &'static str,
    /// The id of the procedure that clients choose if nobody does.
    pub procedure: Option<u32>,
}

/// All task types, by id.
pub const TASK_TYPES: &[TaskType] = &[
    TaskType { id: 1, name: "Supervised Classification", description: "Predict the class of each test row.", procedure: Some(1) },
    TaskType { id: 2, name: "Supervised Regression", description: "Predict a number for each test row.", procedure: Some(7) },
    TaskType {
        id: 3,
        name: "Learning Curve",
        description: "Predict the class of each test row, after training on more and more rows.",
        procedure: Some(13),
    },
    TaskType {
        id: 4,
        name: "Supervised Data Stream Classification",
        description: "Predict the class of each row of a stream before learning from it.",
        procedure: Some(15),
    },
    TaskType { id: 5, name: "Clustering", description: "Put rows that are alike into the same cluster.", procedure: Some(17) },
    TaskType {
        id: 6,
        name: "Machine Learning Challenge",
        description: "Predict the class of rows whose class only the server knows.",
        procedure: Some(18),
    },
    TaskType { id: 7, name: "Survival Analysis", description: "Predict when something happens to each test row.", procedure: Some(19) },
    TaskType {
        id: 8,
        name: "Subgroup Discovery",
        description: "Describe rows in which the target is out of the ordinary.",
        procedure: None,
    },
    TaskType { id: 9, name: "Multitask Regression", description: "Predict several numbers for each test row.", procedure: Some(29) },
];

/// The task type of that id.
pub fn task_type(id: u32) -> Option<&'static TaskType> {
    TASK_TYPES.iter().find(|task_type| task_type.id == id)
}

impl From<&TaskType> for document::TaskType {
    fn from(task_type: &TaskType) -> Self {
        Self { id: task_type.id, name: task_type.name.to_owned(), description: task_type.description.to_owned(), ..Self::default() }
    }
}

/// How a procedure splits data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Every row tests once per repeat, in one of the folds.
    Crossvalidation,
    /// A cross-validation with as many folds as rows.
    LeaveOneOut,
    /// A percentage of the rows, drawn at random, tests.
    Holdout,
    /// The last rows test.
    OrderedHoldout,
    /// Whoever makes the task says which rows test.
    CustomHoldout,
    /// A cross-validation whose folds train on ever larger samples.
    LearningCurve,
    /// Each row tests and then trains, in order.
    TestThenTrain,
    /// All rows train and test.
    TestOnTrainingData,
    /// The test rows are those without a target.
    HoldoutUnlabeled,
}

impl Kind {
    /// OpenML's name, e.g. `crossvalidation`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crossvalidation => "crossvalidation",
            Self::LeaveOneOut => "leaveoneout",
            Self::Holdout => "holdout",
            Self::OrderedHoldout => "holdout_ordered",
            Self::CustomHoldout => "customholdout",
            Self::LearningCurve => "learningcurve",
            Self::TestThenTrain => "testthentrain",
            Self::TestOnTrainingData => "testontrainingdata",
            Self::HoldoutUnlabeled => "holdoutunlabeled",
        }
    }

    /// Whether every row tests exactly once per repeat.
    pub fn tests_every_row_once(self) -> bool {
        matches!(self, Self::Crossvalidation | Self::LeaveOneOut | Self::LearningCurve)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An estimation procedure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Procedure {
    pub id: u32,
    /// The id of the [`TaskType`] that may choose it.
    pub task_type: u32,
    pub name: &'static str,
    pub kind: Kind,
    pub repeats: Option<u32>,
    pub folds: Option<u32>,
    /// How many of a hundred rows test.
    pub percentage: Option<u32>,
    /// Whether every fold gets its share of each class; `None` where that has no meaning.
    pub stratified_sampling: Option<bool>,
}

/// What most procedures share.
const ONCE: Procedure = Procedure {
    id: 0,
    task_type: 1,
    name: "",
    kind: Kind::Crossvalidation,
    repeats: Some(1),
    folds: None,
    percentage: None,
    stratified_sampling: Some(false),
};

const fn crossvalidation(id: u32, task_type: u32, name: &'static str, repeats: u32, folds: u32, stratified: bool) -> Procedure {
    Procedure { id, task_type, name, repeats: Some(repeats), folds: Some(folds), stratified_sampling: Some(stratified), ..ONCE }
}

const fn holdout(id: u32, task_type: u32, name: &'static str, percentage: u32, stratified: bool) -> Procedure {
    Procedure { id, task_type, name, kind: Kind::Holdout, percentage: Some(percentage), stratified_sampling: Some(stratified), ..ONCE }
}

const fn leave_one_out(id: u32, task_type: u32) -> Procedure {
    Procedure { id, task_type, name: "Leave one out", kind: Kind::LeaveOneOut, ..ONCE }
}

const fn learning_curve(id: u32, name: &'static str, repeats: u32, folds: u32) -> Procedure {
    Procedure { kind: Kind::LearningCurve, ..crossvalidation(id, 3, name, repeats, folds, true) }
}

const fn test_on_training_data(id: u32, task_type: u32, name: &'static str, repeats: Option<u32>) -> Procedure {
    Procedure { id, task_type, name, kind: Kind::TestOnTrainingData, repeats, stratified_sampling: None, ..ONCE }
}

/// All procedures, by id.
pub const PROCEDURES: &[Procedure] = &[
    crossvalidation(1, 1, "10-fold Crossvalidation", 1, 10, true),
    crossvalidation(2, 1, "5 times 2-fold Crossvalidation", 5, 2, true),
    crossvalidation(3, 1, "10 times 10-fold Crossvalidation", 10, 10, true),
    leave_one_out(4, 1),
    holdout(5, 1, "10% Holdout set", 10, true),
    holdout(6, 1, "33% Holdout set", 33, true),
    crossvalidation(7, 2, "10-fold Crossvalidation", 1, 10, false),
    crossvalidation(8, 2, "5 times 2-fold Crossvalidation", 5, 2, false),
    crossvalidation(9, 2, "10 times 10-fold Crossvalidation", 10, 10, false),
    leave_one_out(10, 2),
    holdout(11, 2, "10% Holdout set", 10, false),
    holdout(12, 2, "33% Holdout set", 33, false),
    learning_curve(13, "10-fold Learning Curve", 1, 10),
    learning_curve(14, "10 times 10-fold Learning Curve", 10, 10),
    Procedure {
        id: 15,
        task_type: 4,
        name: "Interleaved Test then Train",
        kind: Kind::TestThenTrain,
        repeats: None,
        stratified_sampling: None,
        ..ONCE
    },
    Procedure { id: 16, name: "Custom Holdout", kind: Kind::CustomHoldout, folds: Some(1), ..ONCE },
    test_on_training_data(17, 5, "50 times Clustering", Some(50)),
    Procedure { id: 18, task_type: 6, name: "Holdout unlabeled", kind: Kind::HoldoutUnlabeled, folds: Some(1), ..ONCE },
    crossvalidation(19, 7, "10-fold Crossvalidation", 1, 10, true),
    crossvalidation(20, 7, "5 times 2-fold Crossvalidation", 5, 2, true),
    crossvalidation(21, 7, "10 times 10-fold Crossvalidation", 10, 10, true),
    leave_one_out(22, 7),
    crossvalidation(23, 1, "100 times 10-fold Crossvalidation", 100, 10, true),
    Procedure { id: 24, task_type: 2, name: "Custom 10-fold Crossvalidation", kind: Kind::CustomHoldout, folds: Some(10), ..ONCE },
    crossvalidation(25, 1, "4-fold Crossvalidation", 1, 4, true),
    test_on_training_data(26, 1, "Test on Training Data", None),
    test_on_training_data(27, 2, "Test on Training Data", None),
    Procedure {
        id: 28,
        name: "20% Holdout (Ordered)",
        kind: Kind::OrderedHoldout,
        folds: Some(1),
        percentage: Some(20),
        stratified_sampling: None,
        ..ONCE
    },
    crossvalidation(29, 9, "10-fold Crossvalidation", 1, 10, true),
];

/// The procedure of that id.
pub fn find(id: u32) -> Option<&'static Procedure> {
    PROCEDURES.iter().find(|procedure| procedure.id == id)
}

impl Procedure {
    /// The procedure as a task describes it, with all four parameters, as clients cannot read a list of one.
    pub fn description(&self, data_splits_url: Option<String>) -> EstimationProcedure {
        fn parameter(name: &str, value: Option<impl fmt::Display>) -> ProcedureParameter {
            ProcedureParameter { name: name.to_owned(), value: value.map(|value| value.to_string()).unwrap_or_default() }
        }
        EstimationProcedure {
            id: Some(self.id),
            kind: Some(self.kind.name().to_owned()),
            data_splits_url,
            parameters: vec![
                parameter("number_repeats", self.repeats),
                parameter("number_folds", self.folds),
                parameter("percentage", self.percentage),
                parameter("stratified_sampling", self.stratified_sampling),
            ],
        }
    }
}

impl From<&Procedure> for ProcedureRow {
    fn from(procedure: &Procedure) -> Self {
        Self {
            id: procedure.id,
            ttid: procedure.task_type,
            name: procedure.name.to_owned(),
            kind: procedure.kind.name().to_owned(),
            repeats: procedure.repeats,
            folds: procedure.folds,
            percentage: procedure.percentage,
            stratified_sampling: procedure.stratified_sampling,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_count_from_one_and_belong_to_task_types() {
        for (at, procedure) in PROCEDURES.iter().enumerate() {
            assert_eq!(procedure.id as usize, at + 1);
            assert!(task_type(procedure.task_type).is_some(), "{}", procedure.id);
            assert!(!procedure.name.is_empty());
            assert_eq!(find(procedure.id), Some(procedure));
        }
        for (at, task_type) in TASK_TYPES.iter().enumerate() {
            assert_eq!(task_type.id as usize, at + 1);
            let chosen = task_type.procedure.map(|id| find(id).map(|procedure| procedure.task_type));
            assert!(chosen.is_none_or(|chosen| chosen == Some(task_type.id)), "{}", task_type.name);
        }
        assert_eq!((find(0), find(30), task_type(10)), (None, None, None));
    }

    #[test]
    fn kinds_have_what_they_need() {
        for procedure in PROCEDURES {
            let Procedure { folds, percentage, repeats, .. } = *procedure;
            match procedure.kind {
                Kind::Crossvalidation | Kind::LearningCurve => assert!(folds >= Some(2) && repeats >= Some(1)),
                Kind::Holdout | Kind::OrderedHoldout => assert!(percentage.is_some_and(|percentage| (1..100).contains(&percentage))),
                _ => assert_eq!(percentage, None),
            }
        }
    }

    #[test]
    fn a_task_has_all_parameters() {
        let description = find(6).expect("a holdout").description(Some("u".to_owned()));
        assert_eq!(description.kind.as_deref(), Some("holdout"));
        assert_eq!(description.parameter("percentage"), Some("33"));
        assert_eq!(description.parameter("number_folds"), None);
        assert_eq!(description.parameter("stratified_sampling"), Some("true"));
        assert_eq!(description.parameters.len(), 4);
    }
}
