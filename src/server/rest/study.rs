//! Studies collect runs, suites collect tasks.

use labboard_openml::document::{Study as StudyDocument, StudyList, StudyRow as RowDocument};
use labboard_store::{ConflictReason, NewStudy, Status, StoreError, Study, StudyEntity, StudyQuery};

use super::answer::Answer;
use super::call::Call;
use super::fields::{list_time, short};
use super::filters::Filters;
use super::{Outcome, Refusal};

pub async fn list(call: &Call, filters: &[&str]) -> Outcome {
    let mut filters = Filters::read(filters, 596, 597)?;
    let (limit, offset) = filters.page()?;
    let status = filters.status(597)?;
    let query = StudyQuery {
        main_entity: filters.parsed("main_entity_type", "run or task")?,
        status,
        uploaders: filters.ids("uploader")?,
        benchmark_suite: filters.id("benchmark_suite")?,
        offset,
        limit,
        ..StudyQuery::default()
    };
    filters.finish()?;
    let rows = call.store().study_rows(&query).await.map_err(Refusal::store)?;
    if rows.is_empty() {
        return Err(Refusal::new(599, "No results"));
    }
    let studies = rows
        .into_iter()
        .map(|row| RowDocument {
            id: short(row.id),
            alias: row.alias,
            main_entity_type: row.main_entity.as_str().to_owned(),
            benchmark_suite: row.benchmark_suite.map(short),
            name: row.name,
            status: row.status.to_string(),
            creation_date: list_time(row.created_ms),
            creator: short(row.creator),
        })
        .collect();
    Ok(Answer::plain(StudyList { studies }.write()))
}

/// A study by its id or alias.
async fn find(call: &Call, text: &str, missing: Refusal) -> Result<Study, Refusal> {
    let number = match text.trim().parse::<i64>() {
        Ok(number) => Some(number),
        Err(_) => call.store().find_study(text).await.map_err(Refusal::store)?,
    };
    let number = number.ok_or_else(|| missing.clone())?;
    call.store().study(number).await.map_err(|error| Refusal::or_missing(error, missing))
}

fn distinct(mut ids: Vec<i64>) -> Vec<u32> {
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter().map(short).collect()
}

pub async fn get(call: &Call, text: &str) -> Outcome {
    let study = find(call, text, Refusal::new(601, "Unknown study")).await?;
    let store = call.store();
    let mut document = StudyDocument {
        id: Some(short(study.id)),
        alias: study.alias,
        main_entity_type: study.main_entity.as_str().to_owned(),
        benchmark_suite: study.benchmark_suite.map(short),
        name: study.name,
        description: study.description,
        status: Some(study.status.to_string()),
        creation_date: Some(list_time(study.created_ms)),
        creator: Some(short(study.creator)),
        ..StudyDocument::default()
    };
    match study.main_entity {
        StudyEntity::Task => {
            let query = labboard_store::TaskQuery { study: Some(study.id), limit: u32::MAX, ..Default::default() };
            let tasks = store.task_rows(&query).await.map_err(Refusal::store)?;
            document.data = distinct(tasks.iter().map(|task| task.dataset_id).collect());
            document.tasks = tasks.iter().map(|task| short(task.id)).collect();
        }
        StudyEntity::Run => {
            let query = labboard_store::RunQuery { study: Some(study.id), limit: u32::MAX, ..Default::default() };
            let runs = store.run_rows(&query).await.map_err(Refusal::store)?;
            document.data = distinct(runs.iter().map(|run| run.dataset_id).collect());
            document.tasks = distinct(runs.iter().map(|run| run.task_id).collect());
            document.flows = distinct(runs.iter().map(|run| run.flow_id).collect());
            document.setups = distinct(runs.iter().map(|run| run.setup_id).collect());
            document.runs = runs.iter().map(|run| short(run.id)).collect();
        }
    }
    Ok(Answer::plain(document.write()))
}

pub async fn publish(call: &Call) -> Outcome {
    let person = call.person()?.id;
    let text = call.optional_text("description")?.ok_or_else(|| Refusal::new(1031, "Description file not present"))?;
    let document =
        StudyDocument::read(&text).map_err(|error| Refusal::new(1032, "Problem validating uploaded description file").because(error))?;
    let main_entity = document
        .main_entity_type
        .parse::<StudyEntity>()
        .map_err(|_| Refusal::new(1033, "Illegal main entity type: only studies on tasks and runs"))?;
    let (entities, others) = match main_entity {
        StudyEntity::Task => (&document.tasks, &document.runs),
        StudyEntity::Run => (&document.runs, &document.tasks),
    };
    if !others.is_empty() {
        return Err(Refusal::new(1034, "Linked entities should match main_entity_type"));
    }
    let study = NewStudy {
        id: None,
        alias: document.alias.clone().filter(|alias| !alias.is_empty()),
        main_entity,
        benchmark_suite: document.benchmark_suite.map(i64::from),
        name: document.name.clone(),
        description: document.description.clone(),
        status: Status::InPreparation,
        creator: person,
        created_ms: None,
        entities: entities.iter().map(|id| i64::from(*id)).collect(),
    };
    let number = call.store().add_study(study).await.map_err(|error| match error {
        StoreError::Conflict { reason: ConflictReason::Exists, .. } => Refusal::new(1038, "Study alias is not unique").because(error),
        StoreError::NotFound { .. } => Refusal::new(1039, "Linked entities do not exist").because(error),
        other => Refusal::store(other),
    })?;
    Ok(Answer::id("study_upload", number))
}

fn ids(call: &Call, code: u16) -> Result<Vec<i64>, Refusal> {
    let text = call.optional_text("ids")?.ok_or_else(|| Refusal::new(code, "Please provide ids"))?;
    let ids = text.split(',').map(|id| id.trim().parse()).collect::<Result<Vec<i64>, _>>();
    ids.map_err(|_| Refusal::new(code, "Please provide ids").because(format!("“{text}” is not a list of ids")))
}

fn linked(root: &str, study: &Study, count: u64) -> Answer {
    Answer::fields(
        root,
        &[("id", &study.id.to_string()), ("main_entity_type", study.main_entity.as_str()), ("linked_entities", &count.to_string())],
    )
}

fn refused(error: StoreError) -> Refusal {
    match error {
        StoreError::NotFound { .. } => Refusal::new(1045, "Problem attaching or detaching: an entity does not exist").because(error),
        StoreError::Conflict { reason: ConflictReason::NotInPreparation, .. } => {
            Refusal::new(1047, "Study is not in preparation").because(error)
        }
        StoreError::Conflict { .. } => Refusal::new(1046, "Problem attaching or detaching").because(error),
        other => Refusal::store(other),
    }
}

pub async fn attach(call: &Call, text: &str) -> Outcome {
    let study = find(call, text, Refusal::new(1041, "Could not find study")).await?;
    call.must_own(study.creator, Refusal::new(1044, "Study is not owned by you"))?;
    let count = call.store().attach_to_study(study.id, &ids(call, 1042)?).await.map_err(refused)?;
    Ok(linked("study_attach", &study, count))
}

pub async fn detach(call: &Call, text: &str) -> Outcome {
    let study = find(call, text, Refusal::new(1041, "Could not find study")).await?;
    call.must_own(study.creator, Refusal::new(1044, "Study is not owned by you"))?;
    let count = call.store().detach_from_study(study.id, &ids(call, 1042)?).await.map_err(refused)?;
    Ok(linked("study_detach", &study, count))
}

pub async fn set_status(call: &Call) -> Outcome {
    let status = call.text("status")?;
    let status = status
        .parse::<Status>()
        .ok()
        .filter(|status| *status != Status::InPreparation)
        .ok_or_else(|| Refusal::new(1051, "Illegal status"))?;
    let study = find(call, &call.text("study_id")?, Refusal::new(1052, "Study does not exist")).await?;
    call.must_own(study.creator, Refusal::new(1053, "Study is not owned by you"))?;
    if study.status == status {
        return Err(Refusal::new(1054, "Illegal status transition").because(format!("the study is {status} already")));
    }
    call.store().set_study_status(study.id, status).await.map_err(Refusal::store)?;
    Ok(Answer::fields("study_status_update", &[("id", &study.id.to_string()), ("status", status.as_str())]))
}

pub async fn delete(call: &Call, text: &str) -> Outcome {
    let missing = || Refusal::new(592, "Study does not exist");
    let study = find(call, text, missing()).await?;
    call.must_own(study.creator, Refusal::new(594, "Study is not owned by you"))?;
    call.store().delete_study(study.id).await.map_err(|error| match error {
        StoreError::Conflict { .. } => {
            Refusal::new(595, "Study is in use or no longer in preparation, and cannot be deleted").because(error)
        }
        other => Refusal::or_missing(other, missing()),
    })?;
    Ok(Answer::id("study_delete", study.id))
}
