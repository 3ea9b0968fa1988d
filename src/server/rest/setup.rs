//! Setups: flows with the values of their parameters.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use labboard_openml::document::{ParameterSetting as SettingDocument, Run as RunDocument, SetupList, SetupParameter, SetupParameters};
use labboard_store::{Flow, ParameterSetting, Setup, SetupQuery};

use super::answer::Answer;
use super::call::Call;
use super::fields::{id, short};
use super::filters::Filters;
use super::{Outcome, Refusal};

/// Flows that several setups refer to, read once.
#[derive(Debug, Default)]
struct Flows(HashMap<i64, Flow>);

impl Flows {
    async fn get(&mut self, call: &Call, number: i64) -> Result<&Flow, Refusal> {
        match self.0.entry(number) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(free) => Ok(free.insert(call.store().flow(number).await.map_err(Refusal::store)?)),
        }
    }
}

async fn document(call: &Call, flows: &mut Flows, setup: Setup) -> Result<SetupParameters, Refusal> {
    let mut parameters = Vec::with_capacity(setup.parameters.len());
    for (at, setting) in setup.parameters.into_iter().enumerate() {
        let flow = flows.get(call, setting.component).await?;
        let declared = flow.parameters.iter().find(|parameter| parameter.name == setting.name);
        parameters.push(SetupParameter {
            // Clients want it different within a setup, and nothing else.
            id: at as u32 + 1,
            flow_id: short(flow.id),
            flow_name: flow.name.clone(),
            full_name: format!("{}({})_{}", flow.name, flow.version, setting.name),
            data_type: declared.and_then(|parameter| parameter.data_type.clone()).unwrap_or_default(),
            default_value: declared.and_then(|parameter| parameter.default.clone()).unwrap_or_default(),
            parameter_name: setting.name,
            value: setting.value,
        });
    }
    Ok(SetupParameters { setup_id: short(setup.id), flow_id: short(setup.flow_id), parameters })
}

pub async fn get(call: &Call, text: &str) -> Outcome {
    let missing = || Refusal::new(281, "Unknown setup");
    let setup = call.store().setup(id(text, missing())?).await.map_err(|error| Refusal::or_missing(error, missing()))?;
    Ok(Answer::plain(document(call, &mut Flows::default(), setup).await?.write()))
}

pub async fn list(call: &Call, filters: &[&str]) -> Outcome {
    let mut filters = Filters::read(filters, 671, 672)?;
    let (limit, offset) = filters.page()?;
    let query = SetupQuery {
        ids: filters.ids("setup")?,
        flows: filters.ids("flow")?,
        tag: filters.text("tag"),
        offset,
        limit,
        ..SetupQuery::default()
    };
    filters.finish()?;
    let found = call.store().setups(&query).await.map_err(Refusal::store)?;
    if found.is_empty() {
        return Err(Refusal::new(674, "No results"));
    }
    let mut flows = Flows::default();
    let mut setups = Vec::with_capacity(found.len());
    for setup in found {
        setups.push(document(call, &mut flows, setup).await?);
    }
    Ok(Answer::plain(SetupList { setups }.write()))
}

/// Settings as the store keeps them: a setting that names no component belongs to the flow itself.
pub fn settings(flow: i64, settings: Vec<SettingDocument>) -> Vec<ParameterSetting> {
    settings
        .into_iter()
        .map(|setting| ParameterSetting { component: setting.component.map_or(flow, i64::from), name: setting.name, value: setting.value })
        .collect()
}

pub async fn exists(call: &Call) -> Outcome {
    let text = call.optional_text("description")?.ok_or_else(|| Refusal::new(581, "Please provide description xml"))?;
    let question =
        RunDocument::read(&text).map_err(|error| Refusal::new(582, "Problem validating uploaded description file").because(error))?;
    let flow = i64::from(question.flow_id);
    let found = call.store().find_setup(flow, settings(flow, question.parameter_settings)).await.map_err(Refusal::store)?;
    Ok(Answer::exists("setup_exists", found))
}
