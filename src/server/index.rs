//! Indexes of large tables: made in the background when a pair of axes is first drawn, kept as files under the content's hash.
//!
//! An index changes how soon a chart is there, never what it shows: until it is ready, the columns themselves are read.

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use labboard_frame::Column;
use labboard_frame::classes::{Classes, Grouping, quantile_groups};
use labboard_frame::cloud::{self, Bounds, Cloud, Parts};
use labboard_frame::density::Positions;
use labboard_frame::parallel::with_threads;
use labboard_store::{ColumnFiles, Columns, ContentHash, Derived, DerivedFile, StoreError};
use tokio::sync::{Notify, Semaphore};

use super::source::column;

/// How indexes are laid out; part of their names, so that another version of labboard makes its own.
const FORMAT: u32 = 2;
/// Tables with fewer rows are read as soon as an index.
pub const FROM_ROWS: usize = 50_000;
/// Of an index without colours, on disk.
const BYTES_PER_ROW: u64 = 12;
/// Indexes that are kept open; their files are mapped, so that they weigh little.
const MOST_OPEN: usize = 512;
/// Colourings that are kept, of one byte a row where the colour is a number.
const COLOURS_BYTES: u64 = 256 << 20;

/// A column as an axis: its place among the features, and whether the axis is logarithmic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AxisOf {
    pub feature: usize,
    pub log: bool,
}

impl AxisOf {
    /// Where the rows stand on the axis.
    pub fn positions(self, columns: &Columns) -> Option<Positions<'_>> {
        match column(columns.feature(self.feature)?) {
            Column::Numeric(values) if self.log => Some(Positions::Logs(values)),
            column => Some(Positions::from(column)),
        }
    }

    fn name(self) -> String {
        format!("{}{}", self.feature, if self.log { "log" } else { "" })
    }
}

/// A column as a colour: numbers are cut into so many groups of about equal size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ColourOf {
    pub feature: usize,
    pub groups: usize,
}

/// How rows are told apart by a colour.
#[derive(Debug)]
pub struct Colour {
    pub grouping: Grouping,
    /// The group of each row, where it is not found by the level's code.
    rows: Option<Vec<u8>>,
}

impl Colour {
    /// The classes of a column, whose colour this is.
    pub fn classes<'a>(&'a self, column: Column<'a>) -> Classes<'a> {
        match (&self.rows, column.categories()) {
            (Some(rows), _) => self.grouping.of_groups(rows),
            (None, categories) => self.grouping.of(categories.map_or(&[], |(codes, _)| codes)),
        }
    }

    pub fn group_at(&self, column: Column<'_>, row: usize) -> usize {
        self.classes(column).group_at(row)
    }
}

/// An index of a pair of axes.
#[derive(Debug)]
pub struct Pair {
    upper: Derived<u32>,
    lower: Derived<u32>,
    rows: Derived<u32>,
    bounds: Bounds,
}

impl Pair {
    fn parts(&self) -> Parts<'_> {
        Parts { upper: self.upper.values(), lower: self.lower.values(), rows: self.rows.values() }
    }

    /// The index over its columns.
    pub fn cloud<'a>(&'a self, x: Positions<'a>, y: Positions<'a>) -> Cloud<'a> {
        Cloud { parts: self.parts(), bounds: &self.bounds, x, y }
    }
}

/// What an index has for a chart.
#[derive(Clone, Debug)]
pub struct Indexed {
    pub pair: Arc<Pair>,
    /// The group of each entry, if the chart has a colour.
    pub groups: Option<Arc<Derived<u8>>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    hash: ContentHash,
    x: AxisOf,
    y: AxisOf,
    colour: Option<ColourOf>,
}

impl Key {
    /// What the names of all files of the pair begin with, up to a dot.
    fn pair_name(&self) -> String {
        format!("v{FORMAT}-{}-{}", self.x.name(), self.y.name())
    }

    fn name(&self, part: &str) -> String {
        let colour = self.colour.map(|colour| format!(".{}-{}", colour.feature, colour.groups)).unwrap_or_default();
        format!("{}{colour}.{part}", self.pair_name())
    }

    fn pair(&self) -> Self {
        Self { colour: None, ..self.clone() }
    }
}

#[derive(Clone, Debug)]
enum Slot {
    Making,
    Ready(Ready),
    /// There is none, and trying again would not make one.
    None,
}

#[derive(Clone, Debug)]
enum Ready {
    Pair(Arc<Pair>),
    Groups(Arc<Derived<u8>>),
}

/// All indexes; cheap to clone.
#[derive(Clone, Debug)]
pub struct Indexes(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    files: ColumnFiles,
    /// Bytes on disk that indexes may take.
    room: u64,
    slots: Mutex<HashMap<Key, (Slot, Instant)>>,
    colours: moka::sync::Cache<(ContentHash, ColourOf), Arc<Colour>>,
    /// One index is made at a time, on one thread: people come first.
    making: Semaphore,
    /// Says when one has been made.
    made: Notify,
}

impl Indexes {
    /// `room` is what indexes may take on disk, in bytes.
    pub fn new(files: ColumnFiles, room: u64) -> Self {
        let weigh = |_: &(ContentHash, ColourOf), colour: &Arc<Colour>| {
            u32::try_from(1024 + colour.rows.as_ref().map_or(0, Vec::len)).unwrap_or(u32::MAX)
        };
        let colours = moka::sync::Cache::builder().max_capacity(COLOURS_BYTES).weigher(weigh).build();
        Self(Arc::new(Inner { files, room, slots: Mutex::default(), colours, making: Semaphore::new(1), made: Notify::new() }))
    }

    /// How a column colours rows; of a nominal one `known` are the rows of each level and those without one. Blocks.
    pub fn colour(&self, hash: &ContentHash, columns: &Columns, of: ColourOf, known: Option<(&[u64], u64)>) -> Option<Arc<Colour>> {
        let column = column(columns.feature(of.feature)?);
        Some(self.0.colours.get_with((hash.clone(), of), || Arc::new(colour(column, of, known))))
    }

    /// The index for a chart, if there is one by now; if there might be one, it is made in the background.
    pub fn get(
        &self,
        hash: &ContentHash,
        columns: &Arc<Columns>,
        x: AxisOf,
        y: AxisOf,
        colour: Option<(ColourOf, &Arc<Colour>)>,
    ) -> Option<Indexed> {
        if columns.rows() < FROM_ROWS {
            return None;
        }
        let key = Key { hash: hash.clone(), x, y, colour: None };
        let Some(Ready::Pair(pair)) = self.slot(&key, columns, None) else { return None };
        let groups = match colour {
            None => None,
            Some((of, colour)) => match self.slot(&Key { colour: Some(of), ..key }, columns, Some(colour)) {
                Some(Ready::Groups(groups)) => Some(groups),
                _ => return None,
            },
        };
        Some(Indexed { pair, groups })
    }

    fn slot(&self, key: &Key, columns: &Arc<Columns>, colour: Option<&Arc<Colour>>) -> Option<Ready> {
        let mut slots = self.0.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((slot, used)) = slots.get_mut(key) {
            *used = Instant::now();
            return match slot {
                Slot::Ready(ready) => Some(ready.clone()),
                Slot::Making | Slot::None => None,
            };
        }
        let runtime = tokio::runtime::Handle::try_current().ok()?;
        slots.insert(key.clone(), (Slot::Making, Instant::now()));
        drop(slots);
        let (indexes, key, columns, colour) = (self.clone(), key.clone(), Arc::clone(columns), colour.cloned());
        runtime.spawn(async move {
            let Ok(_permit) = indexes.0.making.acquire().await else { return };
            let (maker, of) = (indexes.clone(), key.clone());
            let made =
                tokio::task::spawn_blocking(move || with_threads(NonZero::<usize>::MIN, || maker.make(&of, &columns, colour.as_deref())))
                    .await;
            let slot = match made {
                Ok(Ok(Some(ready))) => Slot::Ready(ready),
                Ok(Ok(None)) => Slot::None,
                Ok(Err(error)) => {
                    tracing::warn!(%error, "an index could not be kept");
                    Slot::None
                }
                Err(error) => {
                    tracing::error!(%error, "an index could not be made");
                    Slot::None
                }
            };
            indexes.put(key, slot);
        });
        None
    }

    /// Waits until no index is being made.
    pub async fn idle(&self) {
        let is_making = || {
            let slots = self.0.slots.lock().unwrap_or_else(PoisonError::into_inner);
            slots.values().any(|(slot, _)| matches!(slot, Slot::Making))
        };
        loop {
            // Heard from now on, also what happens before it is waited for.
            let mut made = std::pin::pin!(self.0.made.notified());
            made.as_mut().enable();
            if !is_making() {
                return;
            }
            made.await;
        }
    }

    fn put(&self, key: Key, slot: Slot) {
        let mut slots = self.0.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.insert(key, (slot, Instant::now()));
        while slots.len() > MOST_OPEN {
            let oldest = slots.iter().filter(|(_, (slot, _))| !matches!(slot, Slot::Making)).min_by_key(|(_, (_, used))| *used);
            let Some(key) = oldest.map(|(key, _)| key.clone()) else { break };
            slots.remove(&key);
        }
        drop(slots);
        self.0.made.notify_waiters();
    }

    fn make(&self, key: &Key, columns: &Columns, colour: Option<&Colour>) -> Result<Option<Ready>, StoreError> {
        let (Some(x), Some(y)) = (key.x.positions(columns), key.y.positions(columns)) else { return Ok(None) };
        let start = Instant::now();
        let files = &self.0.files;
        let Some((of, colour)) = key.colour.zip(colour) else {
            let known = self.open(key, x, y)?;
            let pair = match known {
                Some(pair) => Some(pair),
                None if columns.rows() as u64 * BYTES_PER_ROW > self.0.room => None,
                None => {
                    let Some(made) = cloud::make(x, y) else { return Ok(None) };
                    let keep = |part: &str, values: &[u32]| files.keep_derived(&key.hash, &key.name(part), values);
                    let (upper, lower, rows) = (keep("upper", &made.upper)?, keep("lower", &made.lower)?, keep("rows", &made.rows)?);
                    let bounds = Bounds::of(Parts { upper: upper.values(), lower: lower.values(), rows: rows.values() }, x, y);
                    let (ms, bytes) = (start.elapsed().as_millis(), made.rows.len() as u64 * BYTES_PER_ROW);
                    tracing::info!(rows = columns.rows(), ms, bytes, index = key.name("index"), "made an index");
                    self.make_room(key)?;
                    bounds.map(|bounds| Pair { upper, lower, rows, bounds })
                }
            };
            return Ok(pair.map(|pair| Ready::Pair(Arc::new(pair))));
        };
        let pair = {
            let slots = self.0.slots.lock().unwrap_or_else(PoisonError::into_inner);
            match slots.get(&key.pair()) {
                Some((Slot::Ready(Ready::Pair(pair)), _)) => Arc::clone(pair),
                _ => return Ok(None),
            }
        };
        let Some(column) = columns.feature(of.feature).map(column) else { return Ok(None) };
        let entries = pair.rows.values();
        let groups = match files.derived::<u8>(&key.hash, &key.name("groups"))? {
            Some(groups) if groups.values().len() == entries.len() => groups,
            _ => {
                let groups: Vec<u8> = entries.iter().map(|row| colour.group_at(column, *row as usize) as u8).collect();
                let groups = files.keep_derived(&key.hash, &key.name("groups"), &groups)?;
                self.make_room(key)?;
                groups
            }
        };
        Ok(Some(Ready::Groups(Arc::new(groups))))
    }

    /// Removes the indexes that nobody has used for the longest time until the others fit the room, but for that of `newest` and those
    /// that are being made.
    fn make_room(&self, newest: &Key) -> Result<(), StoreError> {
        let files = self.0.files.derived_files()?;
        let mut over = files.iter().map(|file| file.bytes).sum::<u64>().saturating_sub(self.0.room);
        if over == 0 {
            return Ok(());
        }
        let mut slots = self.0.slots.lock().unwrap_or_else(PoisonError::into_inner);
        // What has not been asked for since the start comes before all that has.
        let mut used = HashMap::new();
        for (key, (slot, at)) in slots.iter() {
            let is_needed = matches!(slot, Slot::Making) || key.pair() == newest.pair();
            let (last, needed) = used.entry((key.hash.clone(), key.pair_name())).or_insert((*at, false));
            *last = (*last).max(*at);
            *needed |= is_needed;
        }
        let pair_of = |file: &DerivedFile| (file.hash.clone(), file.name.split('.').next().unwrap_or_default().to_owned());
        let mut pairs: HashMap<_, Vec<DerivedFile>> = HashMap::new();
        for file in files {
            pairs.entry(pair_of(&file)).or_default().push(file);
        }
        let mut pairs: Vec<_> = pairs.into_iter().filter(|(pair, _)| !used.get(pair).is_some_and(|(_, needed)| *needed)).collect();
        pairs.sort_by_key(|(pair, files)| (used.get(pair).map(|(at, _)| *at), files.iter().map(|file| file.modified).max()));
        for (pair, files) in pairs {
            if over == 0 {
                break;
            }
            slots.retain(|key, _| key.hash != pair.0 || key.pair_name() != pair.1);
            for file in files {
                self.0.files.forget_derived(&file.hash, &file.name)?;
                over = over.saturating_sub(file.bytes);
            }
            tracing::info!(index = pair.1, "removed an index, the room for them is full");
        }
        Ok(())
    }

    /// What was made before, if it is whole.
    fn open(&self, key: &Key, x: Positions<'_>, y: Positions<'_>) -> Result<Option<Pair>, StoreError> {
        let open = |part: &str| self.0.files.derived::<u32>(&key.hash, &key.name(part));
        let (Some(upper), Some(lower), Some(rows)) = (open("upper")?, open("lower")?, open("rows")?) else { return Ok(None) };
        let bounds = Bounds::of(Parts { upper: upper.values(), lower: lower.values(), rows: rows.values() }, x, y);
        Ok(bounds.map(|bounds| Pair { upper, lower, rows, bounds }))
    }
}

fn colour(column: Column<'_>, of: ColourOf, known: Option<(&[u64], u64)>) -> Colour {
    if let Some(numbers) = column.numbers() {
        let groups = quantile_groups(numbers, of.groups);
        return Colour { grouping: groups.grouping, rows: Some(groups.rows) };
    }
    let (codes, levels) = column.categories().unwrap_or_default();
    let most = labboard_figure::theme::CATEGORIES;
    let grouping = match known {
        // Of text the summary counts only the most frequent levels.
        Some((counts, missing)) if counts.len() == levels.len() => Grouping::of_counts(counts, missing, levels, most),
        _ => Grouping::new(codes, levels, most),
    };
    Colour { grouping, rows: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use labboard_openml::table::{Feature, Table, Values};
    use labboard_store::{Options, Store};

    const ROWS: usize = FROM_ROWS;

    fn axis(feature: usize) -> AxisOf {
        AxisOf { feature, log: false }
    }

    #[tokio::test]
    async fn indexes_that_nobody_uses_make_room_for_others() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Store::open(dir.path(), Options::default()).await.expect("a store");
        let features = (0..3).map(|f| Feature {
            name: format!("f{f}"),
            values: Values::Numeric((0..ROWS).map(|row| ((row * (f + 7)) % 1_009) as f64).collect()),
        });
        let table = Table { features: features.collect(), ..Table::default() };
        let hash = store.columns().write(&table).expect("stored");
        let columns = store.columns().open(&hash).expect("open");
        let of_pairs = |pairs: u64| Indexes::new(store.columns().clone(), pairs * ROWS as u64 * BYTES_PER_ROW);
        let kept = || {
            let files = store.columns().derived_files().expect("listed");
            let mut pairs: Vec<String> = files.iter().map(|file| file.name.split('.').next().unwrap_or_default().to_owned()).collect();
            pairs.sort();
            pairs.dedup();
            pairs
        };

        let indexes = of_pairs(2);
        let has = |x: usize, y: usize| indexes.get(&hash, &columns, axis(x), axis(y), None).is_some();
        for (x, y) in [(0, 1), (1, 2)] {
            assert!(!has(x, y));
            indexes.idle().await;
        }
        let named = |pairs: [&str; 2]| pairs.map(|pair| format!("v{FORMAT}-{pair}"));
        // Used again, so that the other is the one that nobody has used for longer.
        assert!(has(0, 1));
        assert!(!has(0, 2));
        indexes.idle().await;
        assert_eq!(kept(), named(["0-1", "0-2"]));
        assert!(has(0, 1) && has(0, 2));
        assert!(!has(1, 2), "it is made again");
        indexes.idle().await;
        assert_eq!(kept(), named(["0-2", "1-2"]));

        let none = of_pairs(0);
        assert!(none.get(&hash, &columns, axis(0), axis(0), None).is_none());
        none.idle().await;
        assert_eq!(kept(), named(["0-2", "1-2"]));
    }
}
