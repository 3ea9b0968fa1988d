//! Evaluations of a run: what its client measured, and what labboard computes from its predictions.

use std::collections::BTreeMap;

use labboard_frame::evaluate;
use labboard_openml::document::Run;
use labboard_openml::predictions::Predictions;
use labboard_store::{Evaluation, Fold};

/// Every measure of a run, by name. What labboard computes counts; what the client says stands beside it.
///
/// # Errors
/// The predictions cannot be scored.
pub fn evaluations(document: &Run, predictions: Option<&Predictions>) -> Result<Vec<Evaluation>, String> {
    let mut found = client_evaluations(document);
    if let Some(predictions) = predictions {
        for computed in evaluated(predictions)? {
            let claimed = found.remove(&computed.measure).and_then(|own| own.value);
            found.insert(computed.measure.clone(), Evaluation { claimed, ..computed });
        }
    }
    Ok(found.into_values().collect())
}

/// Adds the measures that only `document` has, the answer of the server that the run is from.
pub fn add_measures_of(document: &Run, evaluations: &mut Vec<Evaluation>) {
    let missing = client_evaluations(document).into_values().filter(|other| evaluations.iter().all(|known| known.measure != other.measure));
    let missing = missing.collect::<Vec<_>>();
    evaluations.extend(missing);
}

/// What the client measured itself, by measure: the mean over its folds where it gives no overall value.
fn client_evaluations(document: &Run) -> BTreeMap<String, Evaluation> {
    let mut found = BTreeMap::<String, Evaluation>::new();
    for own in &document.evaluations {
        let entry = found.entry(own.name.clone()).or_insert_with(|| Evaluation { measure: own.name.clone(), ..Evaluation::default() });
        match (own.repeat, own.fold) {
            (Some(repeat), Some(fold)) => entry.folds.push(Fold { repeat, fold, sample: own.sample, value: own.value }),
            _ => entry.value = own.value,
        }
    }
    for evaluation in found.values_mut() {
        let values = evaluation.folds.iter().filter_map(|fold| fold.value).collect::<Vec<_>>();
        let spread = labboard_frame::mean_std(&values);
        evaluation.value = evaluation.value.or(spread.map(|spread| spread.mean));
        evaluation.deviation = spread.map(|spread| spread.population_std);
    }
    found
}

/// What labboard computes from the predictions, overall and per fold.
fn evaluated(predictions: &Predictions) -> Result<Vec<Evaluation>, String> {
    let evaluation = evaluate::run(predictions).map_err(|error| error.to_string())?;
    let folds = &evaluation.folds;
    let is_curve = folds.iter().any(|fold| fold.sample > 0);
    Ok(evaluation
        .measures
        .iter()
        .map(|measure| Evaluation {
            measure: measure.name.clone(),
            value: measure.overall.is_finite().then_some(measure.overall),
            deviation: measure.over_folds().map(|spread| spread.population_std),
            claimed: None,
            folds: folds
                .iter()
                .zip(&measure.per_fold)
                .map(|(fold, value)| Fold { repeat: fold.repeat, fold: fold.fold, sample: is_curve.then_some(fold.sample), value: *value })
                .collect(),
            per_class: None,
        })
        .collect())
}
