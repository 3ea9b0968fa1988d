//! Fetches one entity: its documents and files first, then all of it into the catalogue at once.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use futures::FutureExt;
use labboard_openml::document::{
    Component, DataFeatures, DataList, DatasetDescription, Flow, OutputFile, Run, RunList, RunRow, Study, Task, UserList,
};
use labboard_openml::fit;
use labboard_openml::predictions::Predictions;
use labboard_store::{
    ConflictReason, Kind as StoreKind, NewDataset, NewRun, NewStudy, Status as DatasetStatus, Store, StoreError, StudyEntity,
};

use super::client::Client;
use super::error::FetchError;
use super::scratch::Scratch;
use super::{Progress, Upstream, Wanted, few_at_once, here};
use crate::server::ingest::dataset::{Unknown, new_dataset};
use crate::server::ingest::evaluation::add_measures_of;
use crate::server::ingest::prepared::{Ids, Prepared, PreparedDataset, PreparedFlow, PreparedRun, PreparedTask, store_all};
use crate::server::ingest::run::{RunFile, new_run};
use crate::server::ingest::task::new_task;
use crate::server::ingest::truth::{self, Target};
use crate::server::ingest::{Format, IngestError, timestamp};

/// Runs whose documents are fetched at once.
const AT_ONCE: usize = 4;
/// Runs that are stored in one transaction.
pub const CHUNK: usize = 25;
/// Members of a study that are taken over.
const MOST_MEMBERS: usize = 10_000;
/// A name here has at most this many characters.
const LONGEST_NAME: usize = 64;
const MOST_PEOPLE: usize = 10_000;
/// The files of a run that pages and clients read.
const ROLES: [&str; 3] = ["description", "predictions", "trace"];

pub type Tell<'a> = &'a (dyn Fn(Progress) + Send + Sync);

/// Fetches on somebody's behalf.
#[derive(Clone, Debug)]
pub struct Fetcher {
    upstream: Upstream,
    client: Client,
    via: String,
}

/// A run on its way here.
struct Fetched {
    wanted: Wanted,
    /// The upstream's answer.
    document: Run,
    row: Option<RunRow>,
    /// The run's flow, if it or one of its components is not here under its id.
    flow: Option<Flow>,
    target: Option<Target>,
    files: Vec<(&'static str, PathBuf)>,
    scratch: Scratch,
}

/// A run that only has to be stored.
#[derive(Clone)]
struct Ready {
    wanted: Wanted,
    run: PreparedRun,
    flow: Option<Flow>,
}

fn step(what: impl Into<String>) -> Progress {
    Progress { what: what.into(), ..Progress::default() }
}

impl Fetcher {
    pub fn new(upstream: Upstream, client: Client, via: &str) -> Self {
        Self { upstream, client, via: via.to_owned() }
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    fn store(&self) -> &Store {
        &self.upstream.0.store
    }

    /// # Errors
    /// Why it cannot be had. Nothing of it is here then; what it needs may be.
    pub async fn fetch(&self, wanted: Wanted, tell: Tell<'_>) -> Result<(), FetchError> {
        // It may have come between the question and the fetch.
        if self.upstream.is_here(wanted).await? {
            return Ok(());
        }
        match wanted.kind {
            StoreKind::Dataset => self.dataset(wanted, tell).await,
            StoreKind::Task => self.task(wanted, tell).await,
            StoreKind::Flow => self.flow(wanted).await,
            StoreKind::Run => self.run(wanted, tell).await,
            StoreKind::Study => self.study(wanted, tell).await,
            StoreKind::Setup | StoreKind::File | StoreKind::Person => {
                Err(FetchError::Missing { server: self.client.server(), what: wanted.to_string() })
            }
        }
    }

    /// The document by which a thing is known. Whatever else is missing, the thing itself is there.
    async fn description(&self, wanted: Wanted) -> Result<String, FetchError> {
        self.client.document(&wanted.to_string(), &wanted.to_string()).await
    }

    /// A document that belongs to something that is there.
    async fn part(&self, path: &str, what: &str) -> Result<String, FetchError> {
        self.client.document(path, what).await.map_err(|error| self.incomplete(what, error))
    }

    /// The thing is there, so that a part that is not is no reason to say that there is no such thing.
    fn incomplete(&self, what: &str, error: FetchError) -> FetchError {
        if error.is_missing() { self.client.unreadable(what, "the server does not have it") } else { error }
    }

    /// Has something fetched without which this cannot be.
    async fn need(&self, by: Wanted, wanted: Wanted, tell: Tell<'_>) -> Result<(), FetchError> {
        self.upstream.need(by, wanted, &self.via, tell).await.map_err(|error| self.incomplete(&wanted.to_string(), error))
    }

    async fn keep(&self, wanted: Wanted, prepared: Prepared) -> Result<(), FetchError> {
        store_all(self.store(), prepared, Ids::OfUpstream).await.map(drop).map_err(|error| match error {
            IngestError::Store(StoreError::Conflict { reason: ConflictReason::Exists, .. }) => self.same(wanted),
            other => self.kept(wanted, &other),
        })
    }

    fn same(&self, wanted: Wanted) -> FetchError {
        FetchError::Same { server: self.client.server(), wanted }
    }

    /// What stood in the way here: broken content, or this server's own disk.
    fn kept(&self, wanted: Wanted, error: &IngestError) -> FetchError {
        match error {
            IngestError::Store(error) if !matches!(error, StoreError::Invalid(_) | StoreError::NotFound { .. }) => here(wanted, error),
            other => self.client.unreadable(&wanted.to_string(), &other.to_string()),
        }
    }

    /// Does what reads files and computes where that may block.
    async fn blocking<T: Send + 'static>(
        &self,
        wanted: Wanted,
        work: impl FnOnce(&Store) -> Result<T, IngestError> + Send + 'static,
    ) -> Result<T, FetchError> {
        let store = self.store().clone();
        let done = tokio::task::spawn_blocking(move || work(&store)).await;
        done.map_err(|error| here(wanted, &error))?.map_err(|error| self.kept(wanted, &error))
    }

    async fn scratch(&self, wanted: Wanted) -> Result<Scratch, FetchError> {
        Scratch::new(self.store()).await.map_err(|error| here(wanted, &error))
    }

    async fn download(&self, url: &str, what: &str, place: &Path, tell: Tell<'_>) -> Result<(), FetchError> {
        let address = self.client.address();
        let url = address.resolve(url).ok_or_else(|| FetchError::Elsewhere {
            server: self.client.server(),
            what: what.to_owned(),
            place: url.to_owned(),
        })?;
        self.client.download(url, what, place, tell).await
    }

    /// The names of people by their numbers at the upstream. Whoever it does not name is called by the number.
    async fn names(&self, ids: impl IntoIterator<Item = u32>) -> Result<HashMap<u32, String>, FetchError> {
        let ids = ids.into_iter().collect::<HashSet<_>>();
        let known =
            |people: &HashMap<u32, String>| ids.iter().filter_map(|id| Some((*id, people.get(id)?.clone()))).collect::<HashMap<_, _>>();
        let mut names = known(&self.upstream.people());
        let unknown = ids.iter().filter(|id| !names.contains_key(id)).map(u32::to_string).collect::<Vec<_>>();
        if !unknown.is_empty() {
            let list = self.client.list(&format!("user/list/user_id/{}", unknown.join(",")), "its users", UserList::read).await;
            let list = match list {
                Ok(list) => list.unwrap_or_default(),
                // Not every server says who its users are.
                Err(error) if error.is_of_one() => UserList::default(),
                Err(error) => return Err(error),
            };
            let mut people = self.upstream.people();
            if people.len() >= MOST_PEOPLE {
                people.clear();
            }
            people.extend(list.users.into_iter().map(|user| (user.id, person_name(&user.username, user.id))));
            names = known(&people);
        }
        for id in ids {
            names.entry(id).or_insert_with(|| person_name("", id));
        }
        Ok(names)
    }

    async fn dataset(&self, wanted: Wanted, tell: Tell<'_>) -> Result<(), FetchError> {
        let id = wanted.id;
        let what = format!("the description of {wanted}");
        tell(step(&what));
        let document = self.client.read(&what, DatasetDescription::read(&self.description(wanted).await?))?;
        let row = self.client.list(&format!("data/list/data_id/{id}/status/all/limit/1"), &what, DataList::read).await?;
        let uploader = row.and_then(|list| list.datasets.into_iter().next()).map(|row| row.uploader).filter(|id| *id > 0);
        let names = self.names(uploader).await?;
        let file = document.file_id.map(|file| self.client.address().file(file, &format!("{}.arff", document.name)).to_string());
        let url = document.url.clone().or_else(|| document.parquet_url.clone()).or(file);
        let table = format!("the table of {wanted}");
        let url = url.ok_or_else(|| self.client.unreadable(&what, "it names no file"))?;
        let scratch = self.scratch(wanted).await?;
        let place = scratch.path("table");
        self.download(&url, &table, &place, tell).await.map_err(|error| self.incomplete(&table, error))?;
        let is_parquet = is_parquet(&place).await.map_err(|error| here(wanted, &error))?;
        let declared = if is_parquet {
            let what = format!("the features of {wanted}");
            let text = self.part(&format!("data/features/{id}"), &what).await?;
            Some(self.client.read(&what, DataFeatures::read(&text))?)
        } else {
            None
        };
        tell(step(format!("{table}: reading it")));
        let status = document.status.as_deref().and_then(|status| status.parse().ok()).unwrap_or(DatasetStatus::Active);
        let tags = document.tags.clone();
        // The sum is that of the ARFF.
        let md5_checksum = document.md5_checksum.clone().filter(|_| !is_parquet);
        let document = DatasetDescription { md5_checksum, ..document };
        let new = self
            .blocking(wanted, move |store| {
                let content = std::fs::read(&place).map_err(|error| IngestError::file(&table, error))?;
                drop(scratch);
                let format = Format::of_content(&content);
                new_dataset(store, &table, document, Unknown::Dropped, format, &content, declared.as_ref())
            })
            .await?;
        let new = NewDataset { id: Some(id), status, ..new };
        let datasets = vec![PreparedDataset { new, uploader, tags }];
        self.keep(wanted, Prepared { datasets, names, ..Prepared::default() }).await
    }

    async fn task(&self, wanted: Wanted, tell: Tell<'_>) -> Result<(), FetchError> {
        let what = format!("the description of {wanted}");
        tell(step(&what));
        let document = self.client.read(&what, Task::read(&self.description(wanted).await?))?;
        let dataset = Wanted::new(StoreKind::Dataset, i64::from(document.source_data.data_set_id));
        self.need(wanted, dataset, tell).await?;
        let file = format!("the splits of {wanted}");
        let scratch = self.scratch(wanted).await?;
        let place = scratch.path("splits");
        let url = document.estimation_procedure.as_ref().and_then(|procedure| procedure.data_splits_url.clone());
        let has_splits = match url {
            Some(url) => match self.download(&url, &file, &place, tell).await {
                Ok(()) => true,
                // Tasks without splits have an address for them all the same.
                Err(FetchError::Missing { .. } | FetchError::NotOpenMl { .. } | FetchError::Refused { .. }) => false,
                Err(error) => return Err(error),
            },
            None => false,
        };
        let tags = document.tags.clone();
        let label = file.clone();
        let new = self
            .blocking(wanted, move |store| {
                let splits = has_splits.then(|| std::fs::read(&place)).transpose().map_err(|error| IngestError::file(&label, error))?;
                drop(scratch);
                new_task(store, &label, document, splits.as_deref())
            })
            .await?;
        let tasks = vec![PreparedTask { file: wanted.to_string(), new, tags }];
        self.keep(wanted, Prepared { tasks, ..Prepared::default() }).await
    }

    async fn flow_document(&self, wanted: Wanted) -> Result<Flow, FetchError> {
        self.client.read(&format!("the description of {wanted}"), Flow::read(&self.description(wanted).await?))
    }

    async fn flow(&self, wanted: Wanted) -> Result<(), FetchError> {
        let flow = self.flow_document(wanted).await?;
        let names = self.names(uploaders(&flow)).await?;
        let flows = vec![PreparedFlow { file: wanted.to_string(), flow }];
        self.keep(wanted, Prepared { flows, names, ..Prepared::default() }).await?;
        // One that was published here as well is known by its name and version, and has the id that it got here.
        if self.upstream.is_here(wanted).await? { Ok(()) } else { Err(self.same(wanted)) }
    }

    async fn run(&self, wanted: Wanted, tell: Tell<'_>) -> Result<(), FetchError> {
        let rows = self.rows(&[wanted.id]).await?;
        let ready = self.prepared(wanted, wanted, rows.into_iter().next(), tell).await?;
        self.keep_runs(wanted, vec![ready]).await
    }

    /// Runs that are not here yet, stored at once; `by` is what they are fetched for. One that cannot be had is left
    /// out, and counted in the answer.
    ///
    /// # Errors
    /// The upstream fails, not only one of the runs.
    pub async fn runs(&self, by: Wanted, ids: &[i64], tell: Tell<'_>) -> Result<u64, FetchError> {
        let mut rows = self.rows(ids).await?.into_iter().map(|row| (i64::from(row.run_id), row)).collect::<HashMap<_, _>>();
        let wanted = ids.iter().map(|id| Wanted::new(StoreKind::Run, *id)).collect::<Vec<_>>();
        let work = wanted.iter().map(|wanted| self.prepared(by, *wanted, rows.remove(&wanted.id), tell).boxed()).collect();
        let outcomes = few_at_once(work, AT_ONCE).await;
        let (mut ready, mut skipped) = (Vec::new(), 0);
        for (wanted, outcome) in wanted.into_iter().zip(outcomes) {
            match outcome {
                Ok(run) => ready.push(run),
                Err(error) => skipped += skip(wanted, error)?,
            }
        }
        match self.keep_runs(by, ready.clone()).await {
            Err(error) if error.is_of_one() => {}
            stored => return stored.map(|()| skipped),
        }
        // One of them does not fit: the others need not wait for it.
        for run in ready {
            let wanted = run.wanted;
            if let Err(error) = self.keep_runs(wanted, vec![run]).await {
                skipped += skip(wanted, error)?;
            }
        }
        Ok(skipped)
    }

    async fn prepared(&self, by: Wanted, wanted: Wanted, row: Option<RunRow>, tell: Tell<'_>) -> Result<Ready, FetchError> {
        let fetched = self.collect(by, wanted, row, tell).await?;
        self.blocking(wanted, move |store| ready(store, fetched)).await
    }

    /// When runs were published, and by whom: only lists say so.
    async fn rows(&self, ids: &[i64]) -> Result<Vec<RunRow>, FetchError> {
        let ids = ids.iter().map(i64::to_string).collect::<Vec<_>>();
        let path = format!("run/list/run/{}/show_errors/true", ids.join(","));
        Ok(self.client.list(&path, "the list of runs", RunList::read).await?.unwrap_or_default().runs)
    }

    /// The documents and files of a run; its task is here then.
    async fn collect(&self, by: Wanted, wanted: Wanted, row: Option<RunRow>, tell: Tell<'_>) -> Result<Fetched, FetchError> {
        let what = format!("the description of {wanted}");
        tell(step(&what));
        let document = self.client.read(&what, Run::read(&self.description(wanted).await?))?;
        let task = document.task_id.ok_or_else(|| self.client.unreadable(&what, "it has no task"))?;
        let task = Wanted::new(StoreKind::Task, i64::from(task));
        self.need(by, task, tell).await?;
        let target = self.target(task.id).await.map_err(|error| here(wanted, &error))?;
        let mut flows = document.parameter_settings.iter().filter_map(|setting| setting.component).collect::<HashSet<_>>();
        flows.insert(document.flow_id);
        let mut is_known = true;
        for flow in flows {
            is_known &= self.upstream.is_here(Wanted::new(StoreKind::Flow, i64::from(flow))).await?;
        }
        let flow = if is_known {
            None
        } else {
            let flow = Wanted::new(StoreKind::Flow, i64::from(document.flow_id));
            Some(self.flow_document(flow).await.map_err(|error| self.incomplete(&flow.to_string(), error))?)
        };
        let scratch = self.scratch(wanted).await?;
        let mut files = Vec::new();
        for role in ROLES {
            let Some(file) = document.files.iter().find(|file| file.name == role) else { continue };
            let place = scratch.path(role);
            let url = self.file_url(file, role).ok_or_else(|| self.client.unreadable(&what, "it names a file without an address"))?;
            let what = format!("the {role} of {wanted}");
            self.download(&url, &what, &place, tell).await.map_err(|error| self.incomplete(&what, error))?;
            files.push((role, place));
        }
        Ok(Fetched { wanted, document, row, flow, target, files, scratch })
    }

    fn file_url(&self, file: &OutputFile, role: &str) -> Option<String> {
        let by_id = || file.file_id.map(|id| self.client.address().file(id, role).to_string());
        file.url.clone().or_else(by_id)
    }

    async fn target(&self, task: i64) -> Result<Option<Target>, StoreError> {
        truth::target(self.store(), &self.store().task(task).await?).await
    }

    /// Stores runs in one transaction.
    async fn keep_runs(&self, by: Wanted, ready: Vec<Ready>) -> Result<(), FetchError> {
        let flows = ready.iter().filter_map(|ready| Some((ready.wanted, ready.flow.clone()?))).collect::<Vec<_>>();
        let names = self.names(flows.iter().flat_map(|(_, flow)| uploaders(flow))).await?;
        let flows = flows.into_iter().map(|(wanted, flow)| PreparedFlow { file: format!("the flow of {wanted}"), flow }).collect();
        let runs = ready.into_iter().map(|ready| ready.run).collect();
        self.keep(by, Prepared { flows, runs, names, ..Prepared::default() }).await
    }

    async fn study(&self, wanted: Wanted, tell: Tell<'_>) -> Result<(), FetchError> {
        let what = format!("the description of {wanted}");
        tell(step(&what));
        let document = self.client.read(&what, Study::read(&self.description(wanted).await?))?;
        let main_entity =
            document.main_entity_type.parse::<StudyEntity>().map_err(|error| self.client.unreadable(&what, &error.to_string()))?;
        let members = match main_entity {
            StudyEntity::Task => &document.tasks,
            StudyEntity::Run => &document.runs,
        };
        if members.len() > MOST_MEMBERS {
            let reason = format!("it has {} members, and at most {MOST_MEMBERS} are taken over", members.len());
            return Err(self.client.unreadable(&wanted.to_string(), &reason));
        }
        let members = members.iter().map(|id| i64::from(*id)).collect::<Vec<_>>();
        if let Some(suite) = document.benchmark_suite {
            self.need(wanted, Wanted::new(StoreKind::Study, i64::from(suite)), tell).await?;
        }
        match main_entity {
            StudyEntity::Task => {
                let tasks = members.iter().map(|id| self.need(wanted, Wanted::new(StoreKind::Task, *id), tell).boxed());
                few_at_once(tasks.collect(), AT_ONCE).await.into_iter().collect::<Result<(), _>>()?;
            }
            StudyEntity::Run => {
                let missing = self.missing_runs(&members).await.map_err(|error| here(wanted, &error))?;
                for chunk in missing.chunks(CHUNK) {
                    let skipped = self.runs(wanted, chunk, tell).await?;
                    if skipped > 0 {
                        let reason = format!("{skipped} of its runs cannot be had; the log of this server says why");
                        return Err(self.client.unreadable(&wanted.to_string(), &reason));
                    }
                }
            }
        }
        let names = self.names(document.creator).await?;
        let study = NewStudy {
            id: Some(wanted.id),
            alias: document.alias,
            main_entity,
            benchmark_suite: document.benchmark_suite.map(i64::from),
            name: document.name,
            description: document.description,
            status: document.status.as_deref().and_then(|status| status.parse().ok()).unwrap_or_default(),
            creator: document.creator.map_or(0, i64::from),
            created_ms: document.creation_date.as_deref().and_then(list_time),
            entities: members,
        };
        self.keep(wanted, Prepared { studies: vec![study], names, ..Prepared::default() }).await
    }

    /// Those of the ids that are no run here.
    pub async fn missing_runs(&self, ids: &[i64]) -> Result<Vec<i64>, StoreError> {
        let mut missing = Vec::new();
        for id in ids {
            if !self.store().contains(StoreKind::Run, *id).await? {
                missing.push(*id);
            }
        }
        Ok(missing)
    }
}

/// Times in lists have a space between date and time.
fn list_time(text: &str) -> Option<i64> {
    timestamp(&text.trim().replacen(' ', "T", 1))
}

/// A name that a user may have here.
fn person_name(name: &str, id: u32) -> String {
    let name = name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect::<String>();
    let name = name.trim();
    if name.is_empty() { format!("user {id}") } else { name.to_owned() }
}

/// Who is behind a flow and everything in it.
fn uploaders(flow: &Flow) -> Vec<u32> {
    let inner = flow.components.iter().flat_map(|Component { flow, .. }| uploaders(flow));
    flow.uploader.into_iter().chain(inner).collect()
}

async fn is_parquet(place: &Path) -> std::io::Result<bool> {
    use tokio::io::AsyncReadExt;
    let mut start = Vec::new();
    tokio::fs::File::open(place).await?.take(4).read_to_end(&mut start).await?;
    Ok(Format::of_content(&start) == Format::Parquet)
}

/// Takes note of a run that cannot be had, unless nothing can.
fn skip(wanted: Wanted, error: FetchError) -> Result<u64, FetchError> {
    if !error.is_of_one() {
        return Err(error);
    }
    tracing::warn!(%wanted, %error, "a run of the upstream is left out");
    Ok(1)
}

/// Evaluates a run as if it had been published here: by its predictions, and by what its own description claims.
fn ready(store: &Store, fetched: Fetched) -> Result<Ready, IngestError> {
    let Fetched { wanted, document, row, flow, target, files, scratch } = fetched;
    let file = wanted.to_string();
    let contents = files
        .iter()
        .map(|(role, place)| Ok((*role, std::fs::read(place).map_err(|error| IngestError::file(&file, error))?)))
        .collect::<Result<Vec<_>, IngestError>>()?;
    drop(scratch);
    let content = |role: &str| contents.iter().find(|(known, _)| *known == role).map(|(_, content)| content.as_slice());
    // The oldest clients described their runs in other words.
    let own = content("description").and_then(|text| Run::read(std::str::from_utf8(text).ok()?).ok());
    let mut predictions = match content("predictions") {
        Some(content) => {
            Some(Predictions::read(content).map_err(|error| IngestError::file(format!("the predictions of {wanted}"), error))?)
        }
        None => None,
    };
    if let (Some(predictions), Some(target)) = (&mut predictions, target) {
        let columns = store.columns().open(&target.table)?;
        fit::fill_truth(predictions, target.truth(&columns)?).map_err(|error| IngestError::file(&file, error))?;
    }
    let claimed = Run { evaluations: own.map_or_else(|| document.evaluations.clone(), |own| own.evaluations), ..document.clone() };
    let kept = contents.iter().map(|(role, content)| RunFile { role, content }).collect::<Vec<_>>();
    let mut new = new_run(store, &file, &claimed, predictions.as_ref(), &kept)?;
    add_measures_of(&document, &mut new.evaluations);
    let uploader = person_name(document.uploader_name.as_deref().unwrap_or_default(), document.uploader.unwrap_or_default());
    let new = NewRun {
        id: Some(wanted.id),
        setup_id: document.setup_id.map(i64::from),
        upload_ms: row.and_then(|row| list_time(&row.upload_time)),
        ..new
    };
    Ok(Ready { wanted, run: PreparedRun { file, new, uploader }, flow })
}
