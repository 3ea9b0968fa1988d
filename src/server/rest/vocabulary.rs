//! What does not change: measures, procedures, types of task, qualities; and people.

use labboard_frame::Column;
use labboard_openml::document::{
    MeasureList, ProcedureList, ProcedureRow, QualityNames, TaskType as TaskTypeDocument, TaskTypeList, UserList, UserRow,
};
use labboard_openml::measure::MEASURES;
use labboard_openml::procedure::{self, PROCEDURES, TASK_TYPES};

use super::answer::Answer;
use super::call::Call;
use super::fields::short;
use super::filters::Filters;
use super::{Outcome, Refusal};

pub fn measures() -> Answer {
    Answer::plain(MeasureList { measures: MEASURES.iter().map(|measure| measure.name.to_owned()).collect() }.write())
}

pub fn procedures() -> Answer {
    Answer::plain(ProcedureList { procedures: PROCEDURES.iter().map(ProcedureRow::from).collect() }.write())
}

pub fn task_types() -> Answer {
    Answer::plain(TaskTypeList { task_types: TASK_TYPES.iter().map(TaskTypeDocument::from).collect() }.write())
}

pub fn task_type(id: &str) -> Outcome {
    let found = id.parse().ok().and_then(procedure::task_type);
    found.map(|found| Answer::plain(TaskTypeDocument::from(found).write())).ok_or_else(|| Refusal::new(241, "Unknown task type"))
}

/// The names of the qualities that labboard computes: those of a table that has some of everything.
pub fn qualities() -> Answer {
    let levels = ["a".to_owned(), "b".to_owned()];
    let nominal = Column::Nominal { codes: &[0, 0, 1, 1, 0], levels: &levels };
    let columns = [("n", Column::Numeric(&[1.0, 2.0, 4.0, 8.0, f64::NAN])), ("c", nominal), ("target", nominal)];
    let found = labboard_frame::qualities::qualities(&columns, Some("target"));
    Answer::plain(QualityNames { names: found.into_iter().map(|(name, _)| name.to_owned()).collect() }.write())
}

pub async fn users(call: &Call, filters: &[&str]) -> Outcome {
    let mut filters = Filters::read(filters, 541, 541)?;
    let (limit, offset) = filters.page()?;
    let ids = filters.ids("user_id")?;
    let name = filters.text("username");
    filters.finish()?;
    let people = match &*ids {
        [] => call.store().people().await,
        ids => call.store().people_by_ids(ids).await,
    };
    let users = people
        .map_err(Refusal::store)?
        .into_iter()
        .filter(|person| name.as_ref().is_none_or(|name| person.name == *name))
        .skip(offset as usize)
        .take(limit as usize)
        .map(|person| UserRow { id: short(person.id), username: person.name })
        .collect::<Vec<_>>();
    if users.is_empty() {
        return Err(Refusal::new(542, "No results"));
    }
    Ok(Answer::plain(UserList { users }.write()))
}
