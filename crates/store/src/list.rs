//! Lists that can be searched, filtered, sorted and paged, and the search over all
//! of them.

mod dataset;
mod flow;
mod run;
mod search;
mod setup;
mod study;
mod task;

use std::collections::HashMap;
use std::ops::RangeInclusive;

use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, QueryBuilder, Sqlite, SqliteConnection};

use crate::catalogue::Store;
use crate::change::Kind;
use crate::entity::StudyEntity;
use crate::error::StoreError;

pub use dataset::{DatasetQuery, DatasetRow, DatasetSort};
pub use flow::{FlowQuery, FlowRow, FlowSort};
pub use run::{RunQuery, RunRow, RunSort};
pub use search::Hit;
pub use setup::SetupQuery;
pub use study::{StudyQuery, StudyRow, StudySort};
pub use task::{TaskQuery, TaskRow, TaskSort};

/// A part of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// Rows in the whole list.
    pub total: i64,
}

/// The columns that a list can be sorted by, with their names in URLs.
macro_rules! sort {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal => $sql:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub enum $name {
            #[default]
            $($variant),*
        }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name in a URL.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// The column that `name` stands for in a URL.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)* _ => None }
            }

            fn sql(self) -> &'static str {
                match self { $(Self::$variant => $sql),* }
            }
        }
    };
}
use sort;

/// The conditions of a statement that ends in `WHERE 1 = 1`.
struct Conditions {
    sql: QueryBuilder<Sqlite>,
    /// The listed entity's id.
    id: &'static str,
    /// Whether an index leads to the rows, but not in the order of their ids.
    is_narrow: bool,
}

impl Conditions {
    /// Keeps the rows in which each word of `text` is part of one of `columns`, or
    /// whose id is `text`.
    fn search(&mut self, text: &str, columns: &[&'static str]) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        self.sql.push(" AND ((1 = 1");
        for word in text.split_whitespace() {
            self.sql.push(" AND (1 = 0");
            for column in columns {
                self.sql.push(format_args!(" OR lower({column}) LIKE "));
                self.sql.push_bind(containing(word)).push(" ESCAPE '\\'");
            }
            self.sql.push(")");
        }
        self.sql.push(")");
        if let Ok(id) = text.parse::<i64>() {
            self.sql.push(format_args!(" OR {} = ", self.id));
            self.sql.push_bind(id);
        }
        self.sql.push(")");
    }

    fn ids(&mut self, column: &'static str, ids: &[i64]) {
        push_ids(&mut self.sql, column, ids);
        self.is_narrow |= ids.len() > 1;
    }

    fn equal<'t, T>(&mut self, column: &'static str, value: Option<T>)
    where
        T: sqlx::Encode<'t, Sqlite> + sqlx::Type<Sqlite>,
    {
        if let Some(value) = value {
            self.sql.push(format_args!(" AND {column} = "));
            self.sql.push_bind(value);
        }
    }

    fn within(&mut self, column: &'static str, range: Option<&RangeInclusive<i64>>) {
        if let Some(range) = range {
            self.sql.push(format_args!(" AND {column} BETWEEN "));
            self.sql.push_bind(*range.start()).push(" AND ");
            self.sql.push_bind(*range.end());
        }
    }

    fn collected(&mut self, entity: StudyEntity, column: &'static str, study: Option<i64>) {
        if let Some(study) = study {
            push_collected(&mut self.sql, entity, column, study);
            self.is_narrow = true;
        }
    }

    fn tagged(&mut self, kind: Kind, column: &'static str, tag: Option<&str>) {
        if let Some(tag) = tag {
            let select = "(SELECT entity_id FROM tag WHERE kind = ";
            self.sql.push(format_args!(" AND {column} IN {select}"));
            self.sql.push_bind(kind.as_str()).push(" AND tag = ");
            self.sql.push_bind(tag).push(")");
            self.is_narrow = true;
        }
    }
}

/// What is listed and in which order.
struct Listing {
    select: &'static str,
    /// The listed table and whatever is joined to it: outer joins on primary keys, which
    /// neither add nor drop rows.
    from: &'static str,
    /// Such joins on which no condition depends.
    extra: &'static str,
    /// As much of `from` as the conditions need.
    counted: &'static str,
    id: &'static str,
    sort: &'static str,
    descending: bool,
    /// See the queries' field.
    after: Option<i64>,
    offset: u32,
    limit: u32,
}

impl Listing {
    /// A part of the list, and how long the list is.
    async fn page<T>(self, store: &Store, conditions: impl Fn(&mut Conditions)) -> Result<Page<T>, StoreError>
    where
        T: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    {
        let (mut rows, mut count) = (self.select(&conditions), self.count(&conditions));
        // One transaction, so that both see the same catalogue.
        let mut transaction = store.inner.readers.begin().await?;
        let rows = rows.build_query_as().fetch_all(&mut *transaction).await?;
        let total = count.build_query_scalar().fetch_one(&mut *transaction).await?;
        Ok(Page { rows, total })
    }

    /// A part of the list.
    async fn rows<T>(self, store: &Store, conditions: impl Fn(&mut Conditions)) -> Result<Vec<T>, StoreError>
    where
        T: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    {
        let mut conn = store.reader().await?;
        Ok(self.select(&conditions).build_query_as().fetch_all(&mut *conn).await?)
    }

    fn select(&self, conditions: &impl Fn(&mut Conditions)) -> QueryBuilder<Sqlite> {
        let Self { select, from, extra, id, sort, descending, .. } = *self;
        let mut all = self.statement(select, &format!("{from} {extra}"), conditions);
        if let Some(after) = self.after {
            all.sql.push(format_args!(" AND {id} {} ", if descending { "<" } else { ">" }));
            all.sql.push_bind(after);
        }
        let direction = if descending { "DESC" } else { "ASC" };
        all.sql.push(" ORDER BY ");
        if sort != id {
            all.sql.push(format_args!("{sort} {direction} NULLS LAST, "));
        }
        // The plus keeps SQLite from walking through the whole table in order where an
        // index finds the few rows that are asked for.
        let plus = if all.is_narrow { "+" } else { "" };
        all.sql.push(format_args!("{plus}{id} {direction} LIMIT "));
        all.sql.push_bind(i64::from(self.limit)).push(" OFFSET ");
        all.sql.push_bind(i64::from(self.offset));
        all.sql
    }

    fn count(&self, conditions: &impl Fn(&mut Conditions)) -> QueryBuilder<Sqlite> {
        self.statement("COUNT(*)", self.counted, conditions).sql
    }

    fn statement(&self, select: &str, from: &str, conditions: &impl Fn(&mut Conditions)) -> Conditions {
        let sql = QueryBuilder::new(format!("SELECT {select} FROM {from} WHERE 1 = 1"));
        let mut all = Conditions { sql, id: self.id, is_narrow: false };
        conditions(&mut all);
        all
    }
}

/// Keeps the rows whose `column` is among `ids`; all rows if there are none.
pub(crate) fn push_ids(sql: &mut QueryBuilder<Sqlite>, column: &'static str, ids: &[i64]) {
    if ids.is_empty() {
        return;
    }
    sql.push(format_args!(" AND {column} IN ("));
    // Numbers need no escaping, and binding them would limit how many there may be.
    for (index, id) in ids.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        sql.push(format_args!("{comma}{id}"));
    }
    sql.push(")");
}

/// Keeps statements short.
pub(crate) const IDS_AT_ONCE: usize = 10_000;

/// The names and versions of datasets or flows by id; what is not there is left out.
pub(crate) async fn named(conn: &mut SqliteConnection, table: &str, ids: &[i64]) -> Result<HashMap<i64, (String, i64)>, StoreError> {
    let mut names = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(IDS_AT_ONCE) {
        let mut sql = QueryBuilder::new(format!("SELECT id, name, version FROM {table} WHERE 1 = 1"));
        push_ids(&mut sql, "id", ids);
        let found = sql.build_query_as::<(i64, String, i64)>().fetch_all(&mut *conn).await?;
        names.extend(found.into_iter().map(|(id, name, version)| (id, (name, version))));
    }
    Ok(names)
}

/// Keeps the rows whose `column` is a run or task that `study` collects.
pub(crate) fn push_collected(sql: &mut QueryBuilder<Sqlite>, entity: StudyEntity, column: &'static str, study: i64) {
    let select = "(SELECT entity_id FROM study_entity WHERE study_id = ";
    sql.push(format_args!(" AND {column} IN {select}"));
    sql.push_bind(study).push(" AND kind = ");
    sql.push_bind(entity.as_str()).push(")");
}

/// The pattern of what contains `word`, whatever characters it is made of. Only ASCII
/// letters lose their case, as in SQLite's `lower`.
fn containing(word: &str) -> String {
    let mut pattern = String::with_capacity(word.len() + 2);
    pattern.push('%');
    for c in word.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c.to_ascii_lowercase());
    }
    pattern.push('%');
    pattern
}
