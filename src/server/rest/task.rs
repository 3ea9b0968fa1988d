//! Tasks and their splits.

use labboard_frame::Column;
use labboard_openml::document::{
    EstimationProcedure, ProcedureParameter, SourceData, Task as TaskDocument, TaskInput, TaskInputs, TaskList, TaskRow as TaskRowDocument,
};
use labboard_openml::procedure::{self, Kind as ProcedureKind, Procedure as KnownProcedure};
use labboard_openml::splits;
use labboard_store::{ConflictReason, Kind as StoreKind, NewTask, Procedure, Status, StoreError, Task, TaskAbout, TaskQuery, TaskRow};

use super::answer::Answer;
use super::call::Call;
use super::data::{basic, data_of, source};
use super::fields::{id, short, task_type};
use super::filters::Filters;
use super::{Outcome, Refusal};
use crate::server::ingest::Format;
use crate::server::ingest::task::default_measure;
use crate::server::source::described;
use crate::server::views::task_title;

pub async fn list(call: &Call, filters: &[&str]) -> Outcome {
    let mut filters = Filters::read(filters, 480, 481)?;
    let (limit, offset) = filters.page()?;
    let dataset_status = filters.status(480)?;
    let query = TaskQuery {
        ids: filters.ids("task_id")?,
        type_id: filters.id("type")?,
        datasets: filters.ids("data_id")?,
        dataset_name: filters.text("data_name"),
        tag: filters.text("tag"),
        dataset_tag: filters.text("data_tag"),
        study: filters.id("study")?,
        dataset_status,
        rows: filters.range("number_instances")?,
        features: filters.range("number_features")?,
        classes: filters.range("number_classes")?,
        missing: filters.range("number_missing_values")?,
        offset,
        limit,
        ..TaskQuery::default()
    };
    filters.finish()?;
    let rows = call.store().task_rows(&query).await.map_err(Refusal::store)?;
    if rows.is_empty() {
        return Err(Refusal::new(482, "No results"));
    }
    let datasets = rows.iter().map(|row| row.dataset_id).collect::<Vec<_>>();
    let qualities = call.store().qualities_of(&datasets).await.map_err(Refusal::store)?;
    let tasks = rows
        .into_iter()
        .map(|row| TaskRowDocument {
            task_id: short(row.id),
            task_type_id: short(row.type_id),
            task_type: task_type(row.type_id),
            did: short(row.dataset_id),
            inputs: inputs_of(&row),
            name: row.dataset_name,
            status: row.status.to_string(),
            format: super::download::format(&row.format).to_owned(),
            qualities: basic(qualities.get(&row.dataset_id)),
        })
        .collect::<Vec<_>>();
    Ok(Answer::list(tasks, |tasks| TaskList { tasks }.write()))
}

fn inputs_of(row: &TaskRow) -> Vec<TaskInput> {
    let known = |name: &str, value: Option<String>| value.map(|value| TaskInput { name: name.to_owned(), value });
    [
        known("estimation_procedure", row.procedure.id.map(|id| id.to_string())),
        known("evaluation_measures", row.measure.clone()),
        known("source_data", Some(row.dataset_id.to_string())),
        known("target_feature", row.target.clone()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn procedure_of(call: &Call, task: &Task) -> EstimationProcedure {
    let url = task.splits_file_id.map(|_| format!("{}/api_splits/get/{id}/Task_{id}_splits.arff", call.base, id = task.id));
    let known = task.procedure.id.and_then(|id| procedure::find(short(id)));
    // Splits that were given have folds of their own.
    if let Some(known) = known.filter(|known| known.kind != ProcedureKind::CustomHoldout) {
        return known.description(url);
    }
    let Procedure { kind, repeats, folds, percentage, stratified, .. } = &task.procedure;
    let parameter = |name: &str, value: Option<String>| ProcedureParameter { name: name.to_owned(), value: value.unwrap_or_default() };
    EstimationProcedure {
        id: task.procedure.id.map(short),
        kind: Some(kind.clone()),
        data_splits_url: url,
        parameters: vec![
            parameter("number_repeats", repeats.map(|repeats| repeats.to_string())),
            parameter("number_folds", folds.map(|folds| folds.to_string())),
            parameter("percentage", percentage.map(|percentage| percentage.to_string())),
            parameter("stratified_sampling", Some(stratified.to_string())),
        ],
    }
}

pub async fn get(call: &Call, text: &str) -> Outcome {
    let missing = || Refusal::new(151, "Unknown task");
    let task = call.store().task(id(text, missing())?).await.map_err(|error| Refusal::or_missing(error, missing()))?;
    let tags = call.store().tags(StoreKind::Task, task.id).await.map_err(Refusal::store)?;
    let type_name = task_type(task.type_id);
    let document = TaskDocument {
        task_id: short(task.id),
        task_name: Some(task_title(&task)),
        task_type_id: short(task.type_id),
        task_type: type_name,
        estimation_procedure: Some(procedure_of(call, &task)),
        source_data: SourceData { data_set_id: short(task.dataset_id), target_feature: task.target },
        cost_matrix: (task.type_id == 1).then(String::new),
        evaluation_measures: task.measure.filter(|_| task.about.is_measure_given != Some(false)).into_iter().collect(),
        tags,
    };
    Ok(Answer::plain(document.write()))
}

/// The order of a task's splits depends on nothing but its dataset and its procedure.
fn seed(dataset: i64, procedure: u32) -> u64 {
    (dataset.unsigned_abs() << 8) ^ u64::from(procedure)
}

pub async fn publish(call: &Call) -> Outcome {
    let person = call.person()?.id;
    let text = call.optional_text("description")?.ok_or_else(|| Refusal::new(611, "Please provide description xml"))?;
    let inputs =
        TaskInputs::read(&text).map_err(|error| Refusal::new(613, "Problem validating uploaded description file").because(error))?;
    let wrong = |name: &str, reason: &str| Refusal::new(618, "Illegal task input").because(format!("{name}: {reason}"));
    if procedure::task_type(inputs.task_type_id).is_none() {
        return Err(Refusal::new(615, "Unknown task type"));
    }
    let number = |name: &'static str| {
        let value = inputs.input(name).ok_or_else(|| Refusal::new(616, "A task input is missing").because(name))?;
        value.trim().parse::<i64>().map_err(|_| wrong(name, "expected an id"))
    };
    let dataset_id = number("source_data")?;
    let known = procedure::find(short(number("estimation_procedure")?))
        .ok_or_else(|| wrong("estimation_procedure", "there is no such procedure"))?;
    let found = source(&call.state, dataset_id, Refusal::new(622, "The dataset of the task does not exist")).await?;
    let data = data_of(&found)?;
    if data.dataset.status != Status::Active {
        return Err(Refusal::new(623, "The dataset of the task is not active"));
    }
    if known.task_type != inputs.task_type_id {
        return Err(wrong("estimation_procedure", &format!("{} is for tasks of another type", known.name)));
    }
    let target = inputs.input("target_feature").map(str::to_owned).filter(|name| !name.is_empty());
    let codes = match &target {
        None if matches!(inputs.task_type_id, 1..=4) => return Err(Refusal::new(616, "A task input is missing").because("target_feature")),
        None => None,
        Some(name) => {
            let (_, column) = data.column(name).ok_or_else(|| wrong("target_feature", &format!("the dataset has no feature “{name}”")))?;
            match (inputs.task_type_id, column) {
                (1 | 3 | 4, Column::Nominal { codes, .. }) => Some(codes),
                (1 | 3 | 4, _) => return Err(wrong("target_feature", "only a nominal feature can be classified")),
                (2, Column::Numeric(_)) => None,
                (2, _) => return Err(wrong("target_feature", "only a numeric feature can be regressed")),
                _ => None,
            }
        }
    };
    let measure = inputs.input("evaluation_measures").filter(|name| !name.is_empty());
    if let Some(measure) = measure
        && described(measure).is_none()
    {
        return Err(wrong("evaluation_measures", &format!("“{measure}” is not a measure")));
    }
    let rows = data.columns.rows();
    let name = format!("Task_splits_{dataset_id}_{}.arff", known.id);
    let codes = codes.map(<[u32]>::to_vec);
    let files = call.store().files().clone();
    let drawn = tokio::task::spawn_blocking(move || {
        let drawn = splits::generate(known, rows, codes.as_deref(), seed(dataset_id, known.id));
        let drawn = drawn.map_err(|error| Refusal::new(621, "The splits cannot be made").because(error))?;
        let mut text = String::new();
        drawn.write("splits", &mut text);
        files.put(&name, Format::Arff.media_type(), text.as_bytes()).map_err(Refusal::store)
    });
    let splits = drawn.await.map_err(Refusal::failed)??;
    let task = NewTask {
        id: None,
        type_id: i64::from(inputs.task_type_id),
        name: String::new(),
        dataset_id,
        target,
        procedure: stored_procedure(known),
        measure: measure.or(default_measure(inputs.task_type_id)).map(str::to_owned),
        about: TaskAbout { is_measure_given: Some(measure.is_some()), ..TaskAbout::default() },
        splits: Some(splits),
        uploader: person,
        upload_ms: None,
    };
    let mut batch = call.store().begin().await.map_err(Refusal::store)?;
    let number = batch.add_task(task).await.map_err(|error| match error {
        StoreError::Conflict { kind: StoreKind::Task, id, reason: ConflictReason::Exists } => {
            Refusal::new(614, "Task already exists").because(format!("matched id(s): [{id}]"))
        }
        other => Refusal::store(other),
    })?;
    batch.add_tags(StoreKind::Task, number, &inputs.tags, person).await.map_err(Refusal::store)?;
    batch.commit().await.map_err(Refusal::store)?;
    Ok(Answer::id("upload_task", number))
}

/// A procedure as the store keeps it.
fn stored_procedure(known: &KnownProcedure) -> Procedure {
    Procedure {
        id: Some(i64::from(known.id)),
        kind: known.kind.name().to_owned(),
        repeats: known.repeats.map(i64::from),
        folds: known.folds.map(i64::from),
        percentage: known.percentage.map(f64::from),
        stratified: known.stratified_sampling == Some(true),
    }
}

pub async fn delete(call: &Call, text: &str) -> Outcome {
    let missing = || Refusal::new(452, "Task does not exist");
    let number = id(text, missing())?;
    let task = call.store().task(number).await.map_err(|error| Refusal::or_missing(error, missing()))?;
    call.must_own(task.uploader, Refusal::new(453, "Task is not owned by you"))?;
    call.store().delete_task(number).await.map_err(|error| match error {
        StoreError::Conflict { .. } => Refusal::new(454, "Task is executed in some runs. Delete these first").because(error),
        other => Refusal::or_missing(other, missing()),
    })?;
    Ok(Answer::id("task_delete", number))
}
