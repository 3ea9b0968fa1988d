//! What the server tells the browser: plain data, compiled into both sides.

use labboard_room::gather;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use crate::controls::Controls;

/// The four kinds of entity that have pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Data,
    Task,
    Flow,
    Run,
}

impl Kind {
    pub const ALL: [Kind; 4] = [Kind::Data, Kind::Task, Kind::Flow, Kind::Run];

    /// The word in URLs, room names and the API.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Data => "data",
            Kind::Task => "task",
            Kind::Flow => "flow",
            Kind::Run => "run",
        }
    }

    /// The word for people, singular.
    pub const fn singular(self) -> &'static str {
        match self {
            Kind::Data => "dataset",
            Kind::Task => "task",
            Kind::Flow => "flow",
            Kind::Run => "run",
        }
    }

    /// The heading for people, plural.
    pub const fn plural(self) -> &'static str {
        match self {
            Kind::Data => "Datasets",
            Kind::Task => "Tasks",
            Kind::Flow => "Flows",
            Kind::Run => "Runs",
        }
    }

    pub fn parse(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// A dataset, task, flow or run by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entity {
    pub kind: Kind,
    pub id: i64,
}

impl Entity {
    pub const fn new(kind: Kind, id: i64) -> Self {
        Self { kind, id }
    }

    /// The page of the entity below the base path, such as `/data/5`.
    pub fn path(self) -> String {
        format!("/{}/{}", self.kind.word(), self.id)
    }
}

/// A value that a person can turn, as the server describes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ControlView {
    /// Name within its panel, such as `x`.
    pub name: String,
    pub label: String,
    pub form: ControlForm,
    /// What is in force: a choice that the data allows, or the default.
    pub value: Vec<String>,
    /// (value, label) pairs; of a toggle what it is when it is on.
    pub options: Vec<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ControlForm {
    /// A dropdown.
    Select,
    /// A row of alternatives, all visible.
    Segments,
    /// On or off: `on` or the empty list.
    Toggle,
    /// Any number of the options; drawn as a checklist.
    Many,
    /// Any number of the options, chosen in the rows of a table.
    Rows,
}

/// The facts of a drawing that are text: everything but the Plotly figure.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PanelView {
    pub name: String,
    pub title: String,
    pub span: Span,
    /// Height of the chart's box in CSS pixels; 0 for a panel that is a table.
    pub height: u32,
    pub controls: Vec<ControlView>,
    pub summary: String,
    pub provenance: Provenance,
    pub table: TableView,
    pub legend: Vec<LegendEntry>,
    /// Names the features and scales of the axes: a zoom or selection that was made on others means nothing here.
    pub axes: String,
    /// Whether the figure shows more when it is asked for again with a zoom.
    pub refines: bool,
    /// Why there is nothing to draw.
    pub empty: Option<String>,
    /// The server-rendered first picture. It is in the page's HTML once and is
    /// never sent as data: the browser draws the figure itself.
    #[serde(skip)]
    pub picture: String,
}

impl PanelView {
    pub fn control(&self, name: &str) -> Option<&ControlView> {
        self.controls.iter().find(|control| control.name == name)
    }

    /// The controls in force, by name.
    pub fn values(&self) -> Controls {
        gather(self.controls.iter().map(|control| (control.name.clone(), control.value.clone())))
    }
}

/// How much of the page's twelve columns a panel takes on a wide screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Span {
    #[default]
    Full,
    Wide,
    Side,
    Half,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    pub rows_shown: u64,
    pub rows_total: u64,
    pub method: String,
    pub seed: Option<u64>,
    pub formula: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LegendEntry {
    pub label: String,
    pub count: u64,
    /// A CSS colour, usually a design token's `var(...)`.
    pub color: String,
    pub symbol: String,
}

/// Rows for people: the table twin of a chart, or a panel that is a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TableView {
    pub columns: Vec<ColumnHead>,
    pub rows: Vec<Row>,
    /// Rows in all; more than `rows.len()` when only the first are here.
    pub total: u64,
    /// The control whose value the rows choose, such as `distribution.features`.
    pub chooses: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnHead {
    pub name: String,
    pub numeric: bool,
    /// What the column means, for a tooltip.
    pub help: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The value that choosing this row stands for.
    pub key: Option<String>,
    pub mark: Option<String>,
    pub cells: Vec<Cell>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Cell {
    pub text: String,
    /// Sorting key where the text does not sort by itself.
    #[serde(default)]
    pub number: Option<f64>,
    #[serde(default)]
    pub link: Option<Entity>,
    /// Relative heights of a small histogram.
    #[serde(default)]
    pub spark: Vec<u32>,
    /// Draws attention, for instance to missing values.
    #[serde(default)]
    pub warn: bool,
}

/// For people who read JSON, what says nothing is left out.
impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let all = !serializer.is_human_readable();
        let mut cell = serializer.serialize_struct("Cell", 5)?;
        cell.serialize_field("text", &self.text)?;
        if all || self.number.is_some() {
            cell.serialize_field("number", &self.number)?;
        }
        if all || self.link.is_some() {
            cell.serialize_field("link", &self.link)?;
        }
        if all || !self.spark.is_empty() {
            cell.serialize_field("spark", &self.spark)?;
        }
        if all || self.warn {
            cell.serialize_field("warn", &self.warn)?;
        }
        cell.end()
    }
}

impl Cell {
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    pub fn number(value: f64, text: impl Into<String>) -> Self {
        Self { text: text.into(), number: Some(value), ..Self::default() }
    }

    pub fn link(text: impl Into<String>, to: Entity) -> Self {
        Self { text: text.into(), link: Some(to), ..Self::default() }
    }
}

/// A labelled number in a page's head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    pub label: String,
    pub value: String,
    pub link: Option<String>,
}

/// What an entity's page says about it before its panels; read again when the entity changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Head {
    pub title: String,
    pub subtitle: String,
    pub description: String,
    pub facts: Vec<Fact>,
    pub related: Vec<Related>,
    /// What comes from the upstream for the page, or did not come; empty for nothing.
    pub note: String,
    /// Whether more is coming.
    pub coming: bool,
}

/// Everything an entity's page shows before its figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PageView {
    pub entity: Entity,
    pub head: Head,
    /// (id, name) of the datasets that the page's dropdown offers.
    pub siblings: Vec<(i64, String)>,
    pub panels: Vec<PanelView>,
    pub room: RoomView,
}

/// What somebody gets who opens an entity's page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Visit {
    Page(Box<PageView>),
    /// It is not here yet: HTML that says how far it is, and whether that will be different in a moment.
    Fetching {
        html: String,
        running: bool,
    },
}

/// How far the fetch of an entity from the upstream is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FetchState {
    Running {
        what: String,
        /// Bytes.
        done: u64,
        total: Option<u64>,
    },
    Here,
    Failed(String),
    /// The upstream has no such thing either; the text says so.
    Missing(String),
}

/// A short list of entities that belong to the page's entity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Related {
    pub title: String,
    pub entries: Vec<(Entity, String)>,
    pub total: u64,
    pub more: Option<String>,
}

/// The collaborative page: any dataset's scatter, with the dataset shared too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExploreView {
    pub data: i64,
    pub siblings: Vec<(i64, String)>,
    pub panel: PanelView,
    pub room: RoomView,
}

/// The view that the server rendered, so that the browser holds the same.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RoomView {
    pub room: String,
    /// The room's last operation in `values`; the browser goes on from there.
    pub seq: u64,
    /// `panel.control` -> value, as the room or the URL had it.
    pub values: Controls,
    /// Whether the values come from the URL: then the visitor is on their own.
    pub own: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ListView {
    pub kind: Kind,
    pub table: TableView,
    pub sorts: Vec<(String, String)>,
    pub page_size: u64,
}

/// The start page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HomeView {
    pub counts: Vec<(Kind, u64)>,
    pub recent: Vec<Row>,
    pub datasets: Vec<(Entity, String, String)>,
    pub held: u64,
}

/// One hit of the search over all kinds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    pub entity: Entity,
    pub name: String,
    pub detail: String,
}
