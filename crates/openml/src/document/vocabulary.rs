//! Lists of the names that tasks and evaluations are made of: procedures, measures, qualities, task types.

use serde::Serialize;

use super::writer;
use super::writer::Writer;

/// `oml:estimationprocedures`: how tasks may split data. Clients cannot read a list of one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProcedureList {
    #[serde(rename = "estimationprocedure")]
    pub procedures: Vec<ProcedureRow>,
}

/// An estimation procedure in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProcedureRow {
    pub id: u32,
    /// The id of the task type.
    pub ttid: u32,
    pub name: String,
    /// `crossvalidation`, `holdout`, ...
    #[serde(rename = "type")]
    pub kind: String,
    pub repeats: Option<u32>,
    pub folds: Option<u32>,
    /// How many of a hundred rows test.
    pub percentage: Option<u32>,
    pub stratified_sampling: Option<bool>,
}

impl ProcedureList {
    /// Writes the document.
    pub fn write(&self) -> String {
        writer::write("estimationprocedures", |out| {
            for procedure in &self.procedures {
                out.element("estimationprocedure", |out| {
                    out.number("id", procedure.id);
                    out.number("ttid", procedure.ttid);
                    out.text("name", &procedure.name);
                    out.text("type", &procedure.kind);
                    out.optional_number("repeats", procedure.repeats);
                    out.optional_number("folds", procedure.folds);
                    out.optional_number("percentage", procedure.percentage);
                    out.optional_number("stratified_sampling", procedure.stratified_sampling);
                });
            }
        })
    }
}

/// `oml:evaluation_measures`: the names of the measures. Clients cannot read a list of one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MeasureList {
    #[serde(rename = "measure")]
    pub measures: Vec<String>,
}

impl MeasureList {
    /// Writes the document.
    pub fn write(&self) -> String {
        writer::write("evaluation_measures", |out| out.element("measures", |out| out.texts("measure", &self.measures)))
    }
}

/// `oml:data_qualities_list`: the names of the qualities. Clients cannot read a list of one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct QualityNames {
    #[serde(rename = "quality")]
    pub names: Vec<String>,
}

impl QualityNames {
    /// Writes the document.
    pub fn write(&self) -> String {
        writer::write("data_qualities_list", |out| out.texts("quality", &self.names))
    }
}

/// `oml:task_types`: what kinds of tasks there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TaskTypeList {
    #[serde(rename = "task_type")]
    pub task_types: Vec<TaskType>,
}

/// `oml:task_type`: a kind of task, such as Supervised Classification.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TaskType {
    pub id: u32,
    pub name: String,
    pub description: String,
    #[serde(rename = "creator")]
    pub creators: Vec<String>,
    #[serde(rename = "contributor")]
    pub contributors: Vec<String>,
    pub creation_date: Option<String>,
}

impl TaskType {
    /// Writes the document.
    pub fn write(&self) -> String {
        writer::write("task_type", |out| self.write_inside(out))
    }

    fn write_inside(&self, out: &mut Writer) {
        out.number("id", self.id);
        out.text("name", &self.name);
        out.text("description", &self.description);
        out.texts("creator", &self.creators);
        out.texts("contributor", &self.contributors);
        out.optional("creation_date", self.creation_date.as_deref());
    }
}

impl TaskTypeList {
    /// Writes the document.
    pub fn write(&self) -> String {
        writer::write("task_types", |out| {
            for task_type in &self.task_types {
                out.element("task_type", |out| task_type.write_inside(out));
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_procedure_has_not_is_left_out() {
        let cross = ProcedureRow {
            id: 1,
            ttid: 1,
            name: "10-fold Crossvalidation".to_owned(),
            kind: "crossvalidation".to_owned(),
            repeats: Some(1),
            folds: Some(10),
            percentage: None,
            stratified_sampling: Some(true),
        };
        let expected = r#"<oml:estimationprocedures xmlns:oml="http://openml.org/openml">
  <oml:estimationprocedure>
    <oml:id>1</oml:id>
    <oml:ttid>1</oml:ttid>
    <oml:name>10-fold Crossvalidation</oml:name>
    <oml:type>crossvalidation</oml:type>
    <oml:repeats>1</oml:repeats>
    <oml:folds>10</oml:folds>
    <oml:stratified_sampling>true</oml:stratified_sampling>
  </oml:estimationprocedure>
</oml:estimationprocedures>
"#;
        assert_eq!(ProcedureList { procedures: vec![cross] }.write(), expected);
    }

    #[test]
    fn names() {
        let names = vec!["kappa".to_owned(), "recall".to_owned()];
        let expected = r#"<oml:evaluation_measures xmlns:oml="http://openml.org/openml">
  <oml:measures>
    <oml:measure>kappa</oml:measure>
    <oml:measure>recall</oml:measure>
  </oml:measures>
</oml:evaluation_measures>
"#;
        assert_eq!(MeasureList { measures: names.clone() }.write(), expected);
        let expected = r#"<oml:data_qualities_list xmlns:oml="http://openml.org/openml">
  <oml:quality>kappa</oml:quality>
  <oml:quality>recall</oml:quality>
</oml:data_qualities_list>
"#;
        assert_eq!(QualityNames { names }.write(), expected);
    }

    #[test]
    fn task_types() {
        let clustering = TaskType { id: 5, name: "Clustering".to_owned(), creators: vec!["A".to_owned()], ..TaskType::default() };
        let expected = r#"<oml:task_type xmlns:oml="http://openml.org/openml">
  <oml:id>5</oml:id>
  <oml:name>Clustering</oml:name>
  <oml:description></oml:description>
  <oml:creator>A</oml:creator>
</oml:task_type>
"#;
        assert_eq!(clustering.write(), expected);
        let list = TaskTypeList { task_types: vec![clustering] }.write();
        assert!(list.starts_with("<oml:task_types ") && list.contains("  <oml:task_type>\n    <oml:id>5</oml:id>\n"), "{list}");
    }
}
