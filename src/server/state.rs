//! What all requests share.

use std::sync::{Arc, Weak};

use labboard_store::{Change, Store, Topic};
use sha2::{Digest, Sha256};

use super::compute::Compute;
use super::config::Config;
use super::figures::Figures;
use super::index::Indexes;
use super::live::Hub;
use super::rest::{KnownSplits, Tables};
use super::source::Sources;
use super::uploads::Uploads;
use super::upstream::Upstream;
use crate::model::{Entity, Kind};

/// The state of one labboard instance; cheap to clone.
#[derive(Clone, Debug)]
pub struct State(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: Config,
    build: String,
    /// Digest of the key with which commands on this machine hand jobs over.
    handover: Option<String>,
    store: Store,
    hub: Hub,
    figures: Figures,
    sources: Sources,
    indexes: Indexes,
    compute: Compute,
    tables: Tables,
    splits: KnownSplits,
    uploads: Uploads,
    upstream: Option<Upstream>,
}

impl State {
    pub fn new(config: Config, store: Store, upstream: Option<Upstream>) -> Self {
        let figures = Figures::new(config.figure_cache);
        let handover = match super::handover::write_key(store.dir()) {
            Ok(key) => Some(digest(key.as_bytes())),
            Err(error) => {
                tracing::warn!(%error, "commands cannot hand jobs over: their key cannot be written");
                None
            }
        };
        let inner = Inner {
            handover,
            build: super::assets::build_hash(),
            hub: Hub::default(),
            figures,
            sources: Sources::default(),
            indexes: Indexes::new(store.columns().clone(), config.index_room),
            compute: Compute::default(),
            tables: Tables::default(),
            splits: KnownSplits::default(),
            uploads: Uploads::default(),
            upstream,
            config,
            store,
        };
        Self(Arc::new(inner))
    }

    /// A handle that does not keep the state alive.
    pub fn downgrade(&self) -> WeakState {
        WeakState(Arc::downgrade(&self.0))
    }

    pub fn config(&self) -> &Config {
        &self.0.config
    }

    pub fn handover(&self) -> Option<&str> {
        self.0.handover.as_deref()
    }

    pub fn build(&self) -> &str {
        &self.0.build
    }

    pub fn store(&self) -> &Store {
        &self.0.store
    }

    pub fn hub(&self) -> &Hub {
        &self.0.hub
    }

    pub fn figures(&self) -> &Figures {
        &self.0.figures
    }

    pub fn sources(&self) -> &Sources {
        &self.0.sources
    }

    pub fn indexes(&self) -> &Indexes {
        &self.0.indexes
    }

    pub fn compute(&self) -> &Compute {
        &self.0.compute
    }

    pub fn tables(&self) -> &Tables {
        &self.0.tables
    }

    pub fn splits(&self) -> &KnownSplits {
        &self.0.splits
    }

    pub fn uploads(&self) -> &Uploads {
        &self.0.uploads
    }

    pub fn upstream(&self) -> Option<&Upstream> {
        self.0.upstream.as_ref()
    }

    /// Grows whenever something about the entity changes; part of every cache key.
    pub fn revision(&self, entity: Entity) -> i64 {
        let topic = match entity.kind {
            Kind::Data => Topic::Dataset(entity.id),
            Kind::Task => Topic::Task(entity.id),
            Kind::Flow => Topic::Flow(entity.id),
            Kind::Run => Topic::Run(entity.id),
        };
        self.0.store.touched(topic)
    }
}

/// The entities that a commit concerns.
pub fn entities_of(change: &Change) -> Vec<Entity> {
    change.topics.iter().filter_map(|topic| entity_of(*topic)).collect()
}

/// See [`State::downgrade`].
#[derive(Clone, Debug)]
pub struct WeakState(Weak<Inner>);

impl WeakState {
    pub fn upgrade(&self) -> Option<State> {
        self.0.upgrade().map(State)
    }
}

fn entity_of(topic: Topic) -> Option<Entity> {
    let (kind, id) = match topic {
        Topic::Dataset(id) => (Kind::Data, id),
        Topic::Task(id) => (Kind::Task, id),
        Topic::Flow(id) => (Kind::Flow, id),
        Topic::Run(id) => (Kind::Run, id),
        // Studies have no pages yet.
        Topic::Study(_) | Topic::Studies | Topic::Datasets | Topic::Tasks | Topic::Flows | Topic::Runs => return None,
    };
    Some(Entity::new(kind, id))
}

/// SHA-256 as 64 hexadecimal digits.
pub fn digest(content: &[u8]) -> String {
    Sha256::digest(content).iter().fold(String::with_capacity(64), |mut out, byte| {
        use std::fmt::Write as _;
        let _ = write!(out, "{byte:02x}");
        out
    })
}
