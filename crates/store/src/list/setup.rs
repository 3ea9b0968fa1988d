use super::{Conditions, Listing};
use crate::catalogue::Store;
use crate::change::Kind;
use crate::entity::Setup;
use crate::error::StoreError;

/// Which setups; `None` and an empty list ask for all.
#[derive(Clone, Debug)]
pub struct SetupQuery {
    pub ids: Vec<i64>,
    pub flows: Vec<i64>,
    pub tag: Option<String>,
    /// Only what comes after this id: the last of the page before.
    pub after: Option<i64>,
    pub offset: u32,
    pub limit: u32,
}

impl Default for SetupQuery {
    fn default() -> Self {
        Self { ids: Vec::new(), flows: Vec::new(), tag: None, after: None, offset: 0, limit: 100 }
    }
}

impl SetupQuery {
    fn listing(&self) -> Listing {
        Listing {
            select: "setup.id, setup.flow_id, setup.parameters",
            from: "setup",
            extra: "",
            counted: "setup",
            id: "setup.id",
            sort: "setup.id",
            descending: false,
            after: self.after,
            offset: self.offset,
            limit: self.limit,
        }
    }

    fn conditions(&self, all: &mut Conditions) {
        all.ids("setup.id", &self.ids);
        all.ids("setup.flow_id", &self.flows);
        all.tagged(Kind::Setup, "setup.id", self.tag.as_deref());
    }
}

impl Store {
    /// Setups by id.
    pub async fn setups(&self, query: &SetupQuery) -> Result<Vec<Setup>, StoreError> {
        query.listing().rows(self, |all| query.conditions(all)).await
    }
}
