use serde::Serialize;

use super::reader::Element;
use super::writer::Writer;
use super::{DocumentError, reader, writer};

/// `oml:study`: a named collection of runs, or, as a suite, of tasks.
///
/// The same document is the upload (alias, type, name, description and the ids of runs or tasks) and the server's answer,
/// which also has the ids of everything that belongs to them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Study {
    pub id: Option<u32>,
    /// A name for addresses, unique.
    pub alias: Option<String>,
    /// `run` or `task`.
    pub main_entity_type: String,
    /// The suite of tasks that the runs belong to.
    pub benchmark_suite: Option<u32>,
    pub name: String,
    pub description: String,
    /// `active`, `deactivated` or `in_preparation`.
    pub status: Option<String>,
    pub creation_date: Option<String>,
    pub creator: Option<u32>,
    pub data: Vec<u32>,
    pub tasks: Vec<u32>,
    pub flows: Vec<u32>,
    pub setups: Vec<u32>,
    pub runs: Vec<u32>,
}

const ROOT: &str = "study";

impl Study {
    /// Reads the document; it must have a type and a name.
    pub fn read(text: &str) -> Result<Self, DocumentError> {
        reader::read(text, ROOT, |root| {
            Ok(Self {
                id: root.optional_id("id")?,
                alias: root.optional("alias"),
                main_entity_type: root.string("main_entity_type")?,
                benchmark_suite: root.optional_id("benchmark_suite")?,
                name: root.string("name")?,
                description: root.optional("description").unwrap_or_default(),
                status: root.optional("status"),
                creation_date: root.optional("creation_date"),
                creator: root.optional_id("creator")?,
                data: ids(root, "data", "data_id")?,
                tasks: ids(root, "tasks", "task_id")?,
                flows: ids(root, "flows", "flow_id")?,
                setups: ids(root, "setups", "setup_id")?,
                runs: ids(root, "runs", "run_id")?,
            })
        })
    }

    /// Writes the document. With an id it is the server's answer, in which clients expect status, date and creator, also empty
    /// ones. A kind of entity without ids is left out, as clients cannot read an empty list.
    pub fn write(&self) -> String {
        writer::write(ROOT, |out| {
            let answer = self.id.is_some();
            out.optional_number("id", self.id);
            out.optional("alias", self.alias.as_deref());
            out.text("main_entity_type", &self.main_entity_type);
            out.optional_number("benchmark_suite", self.benchmark_suite);
            out.text("name", &self.name);
            out.text("description", &self.description);
            for (name, text) in [("status", &self.status), ("creation_date", &self.creation_date)] {
                if answer || text.is_some() {
                    out.text(name, text.as_deref().unwrap_or_default());
                }
            }
            match self.creator {
                Some(creator) => out.number("creator", creator),
                None if answer => out.text("creator", ""),
                None => {}
            }
            write_ids(out, "data", "data_id", &self.data);
            write_ids(out, "tasks", "task_id", &self.tasks);
            write_ids(out, "flows", "flow_id", &self.flows);
            write_ids(out, "setups", "setup_id", &self.setups);
            write_ids(out, "runs", "run_id", &self.runs);
        })
    }
}

fn ids(root: Element<'_, '_>, list: &'static str, name: &'static str) -> Result<Vec<u32>, DocumentError> {
    match root.child(list) {
        None => Ok(Vec::new()),
        Some(list) => list.children(name).map(|id| id.own_id()).collect(),
    }
}

fn write_ids(out: &mut Writer, list: &str, name: &str, ids: &[u32]) {
    if !ids.is_empty() {
        out.element(list, |out| out.numbers(name, ids));
    }
}
