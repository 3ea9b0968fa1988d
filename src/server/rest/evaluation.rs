//! Evaluations.

use labboard_openml::document::{EvaluationList, EvaluationRow as RowDocument};
use labboard_store::{EvaluationQuery, EvaluationRow};

use super::answer::Answer;
use super::call::Call;
use super::fields::{list_time, short};
use super::filters::Filters;
use super::{Outcome, Refusal};
use crate::server::source::described;

pub async fn list(call: &Call, filters: &[&str]) -> Outcome {
    let mut filters = Filters::read(filters, 544, 541)?;
    let (limit, offset) = filters.page()?;
    let measure =
        filters.text("function").ok_or_else(|| Refusal::new(540, "Please provide at least function").because("function is missing"))?;
    let per_fold = match filters.text("per_fold").map(|word| word.to_ascii_lowercase()).as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(other) => return Err(Refusal::new(547, "Per fold must be true or false").because(format!("it is “{other}”"))),
    };
    let highest_first = match filters.text("sort_order").as_deref() {
        None => None,
        Some("desc") => Some(true),
        Some("asc") => Some(false),
        Some(other) => return Err(Refusal::new(549, "Illegal sort order").because(format!("it is asc or desc, not “{other}”"))),
    };
    let query = EvaluationQuery {
        tasks: filters.ids("task")?,
        flows: filters.ids("flow")?,
        setups: filters.ids("setup")?,
        runs: filters.ids("run")?,
        uploaders: filters.ids("uploader")?,
        datasets: filters.ids("data")?,
        tag: filters.text("tag"),
        study: filters.id("study")?,
        folds: per_fold,
        highest_first,
        offset,
        limit,
        ..EvaluationQuery::of(&measure)
    };
    filters.finish()?;
    let rows = call.store().evaluations(&query).await.map_err(Refusal::store)?;
    if rows.is_empty() {
        let reason = if described(&measure).is_some() { "no run has a value" } else { "there is no such measure" };
        return Err(Refusal::new(542, "No results").because(format!("{measure}: {reason}")));
    }
    let write = move |rows: Vec<EvaluationRow>| {
        EvaluationList { evaluations: rows.into_iter().map(|row| document(row, &measure, per_fold)).collect() }.write()
    };
    Ok(Answer::list(rows, write))
}

fn document(row: EvaluationRow, measure: &str, per_fold: bool) -> RowDocument {
    RowDocument {
        run_id: short(row.run_id),
        task_id: short(row.task_id),
        setup_id: short(row.setup_id),
        flow_id: short(row.flow_id),
        flow_name: format!("{}({})", row.flow_name, row.flow_version),
        data_id: short(row.dataset_id),
        data_name: row.dataset_name.to_string(),
        evaluation_engine_id: 1,
        function: measure.to_owned(),
        uploader: short(row.uploader),
        upload_time: list_time(row.upload_ms),
        value: row.value.filter(|_| !per_fold),
        values: row.folds.iter().map(|fold| fold.value.unwrap_or(f64::NAN)).collect(),
        array_data: None,
    }
}
