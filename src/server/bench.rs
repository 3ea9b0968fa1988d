//! `labboard bench`: how fast this machine is with a table of a given size. Everything is measured inside one process, without a network.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use labboard_openml::table::{Kind as FeatureKind, Values};
use labboard_store::{About, ColumnFiles, ContentHash, NewDataset, Options, Status, Store};

use super::cli::BenchArgs;
use super::config::Config;
use super::figures::{self, Request};
use super::ingest::{OWNER, describe, person};
use super::routes;
use super::state::State;
use crate::app::panels;
use crate::controls::Controls;
use crate::model::{Entity, Kind};
use crate::view::Zoom;

const CLASSES: usize = 8;
/// Windows that are asked for at each depth.
const WINDOWS: usize = 25;
/// How deep windows are, each a third as wide as the one before.
const DEPTHS: u32 = 10;

/// Measures, and prints what was measured.
///
/// # Errors
/// The data directory cannot be used, or is not empty.
pub async fn run(args: BenchArgs) -> anyhow::Result<()> {
    let temporary = match &args.data_dir {
        Some(_) => None,
        None => Some(tempfile::tempdir().context("no temporary folder")?),
    };
    let dir = match (&args.data_dir, &temporary) {
        (Some(dir), _) => dir.clone(),
        (None, Some(temporary)) => temporary.path().to_owned(),
        (None, None) => anyhow::bail!("no folder"),
    };
    let rows = args.rows;
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    println!("{rows} rows, {processors} processors, seed {}", args.seed);

    let entity = {
        let store = Store::open(&dir, Options::default()).await?;
        let start = Instant::now();
        let seed = args.seed;
        let columns = store.columns().clone();
        let hash = tokio::task::spawn_blocking(move || store_generated(&columns, rows, seed)).await??;
        report("generated and stored", start.elapsed());
        let start = Instant::now();
        let id = add(&store, rows, hash).await?;
        report("described", start.elapsed());
        Entity::new(Kind::Data, id)
    };
    println!("{:<34} {:>9.0} MB", "memory at the most", memory("VmHWM") / 1e6);
    let state = routes::open(Config { data_dir: dir, demo: false, ..Config::default() }).await?;
    let start = Instant::now();
    draw(&state, entity, None, false).await?;
    report("first figure, without an index", start.elapsed());
    let start = Instant::now();
    let (.., follows) = draw(&state, entity, None, true).await?;
    if follows {
        report("a first look, without an index", start.elapsed());
    }
    let start = Instant::now();
    state.indexes().idle().await;
    draw(&state, entity, None, false).await?;
    state.indexes().idle().await;
    report("the index, in the background", start.elapsed());
    let mut random = Random(args.seed ^ 0x5eed);
    println!("{:<34} {:>9} {:>9} {:>9} {:>9}", "figures that nobody asked for", "median", "p95", "bytes", "rows");
    for depth in 0..DEPTHS {
        let what = if depth == 0 { "  about everything".to_owned() } else { format!("  1/{} of each axis", 3_u64.pow(depth)) };
        let mut same = random.clone();
        let seen = windows(&state, entity, depth, false, &mut random).await?;
        println!("{what:<34} {seen}");
        let (.., follows) = draw(&state, entity, Some(window(depth, &mut same.clone())), true).await?;
        if follows {
            println!("{:<34} {}", "    a first look", windows(&state, entity, depth, true, &mut same).await?);
        }
    }
    println!("{:<34} {:>9.0} MB, files of columns and indexes not counted", "memory now", memory("RssAnon") / 1e6);
    Ok(())
}

/// What figures of several windows took.
struct Seen {
    /// Ascending.
    times: Vec<Duration>,
    bytes: usize,
    /// Rows counted for the last.
    rows: u64,
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ms = |at: usize| self.times[at.min(self.times.len() - 1)].as_secs_f64() * 1e3;
        let (median, p95) = (ms(self.times.len() / 2), ms(self.times.len() * 95 / 100));
        write!(f, "{median:>6.1} ms {p95:>6.1} ms {:>6.0} kB {:>9}", self.bytes as f64 / 1e3, self.rows)
    }
}

/// Windows at a depth; `first` asks for a first look where there is one.
async fn windows(state: &State, entity: Entity, depth: u32, first: bool, random: &mut Random) -> anyhow::Result<Seen> {
    let mut seen = Seen { times: Vec::new(), bytes: 0, rows: 0 };
    for _ in 0..WINDOWS {
        let zoom = window(depth, random);
        let start = Instant::now();
        let (bytes, rows, _) = draw(state, entity, Some(zoom), first).await?;
        seen.times.push(start.elapsed());
        seen = Seen { bytes: seen.bytes.max(bytes), rows, ..seen };
    }
    seen.times.sort_unstable();
    Ok(seen)
}

fn report(what: &str, time: Duration) {
    println!("{what:<34} {:>9.1} ms", time.as_secs_f64() * 1e3);
}

/// What the system says of this process's memory, in bytes; 0 where it says nothing.
fn memory(field: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok()).map_or(0.0, |kilobytes| kilobytes * 1024.0)
}

/// The scatter of two of the generated features, by class.
fn scatter(entity: Entity) -> anyhow::Result<Request> {
    let panel = panels::find(Kind::Data, "scatter").context("there is no scatter")?;
    let wanted: Controls = [("x", "x"), ("y", "y"), ("color", "cat")].map(|(name, value)| (name.to_owned(), vec![value.to_owned()])).into();
    Ok(Request::new(entity, panel, wanted))
}

/// The bytes of a figure with its raster, the rows that it shows, and whether it is a first look.
async fn draw(state: &State, entity: Entity, zoom: Option<Zoom>, first: bool) -> anyhow::Result<(usize, u64, bool)> {
    let mut request = scatter(entity)?;
    (request.canvas.width, request.canvas.height, request.canvas.picture) = (800, 500, false);
    (request.canvas.zoom, request.canvas.first) = (zoom, first);
    let drawn = figures::drawn(state, request).await.map_err(anyhow::Error::from)?;
    let raster = drawn.raster.as_ref().map_or(0, |raster| raster.image.len());
    let follows = figures::follows(&drawn.figure);
    Ok((serde_json::to_vec(&drawn.figure)?.len() + raster, drawn.view.provenance.rows_shown, follows))
}

/// A window of a third to the power of `depth`, around one of the clusters.
fn window(depth: u32, random: &mut Random) -> Zoom {
    let half = 6.0 / 3_f64.powi(depth as i32);
    let (x, y) = if depth == 0 { (0.0, 0.0) } else { centre(random.below(CLASSES)) };
    let mut range = |middle: f64| {
        let middle = middle + random.uniform() * half * 0.2;
        [middle - half, middle + half]
    };
    Zoom::window(range(x), range(y))
}

fn centre(class: usize) -> (f64, f64) {
    let angle = std::f64::consts::TAU * class as f64 / CLASSES as f64;
    (angle.cos() * 3.0, angle.sin() * 3.0)
}

/// The names of the features that are numbers.
const NUMBERS: [&str; 4] = ["x", "y", "z", "w"];
/// Rows that are generated at a time.
const PIECE: usize = 1 << 16;

/// Stores a table of so many generated rows, piece by piece.
fn store_generated(columns: &ColumnFiles, rows: usize, seed: u64) -> anyhow::Result<ContentHash> {
    let mut writer = columns.writer()?;
    let mut open = [FeatureKind::Numeric; 4]
        .into_iter()
        .chain([FeatureKind::Nominal])
        .map(|kind| writer.begin(kind))
        .collect::<Result<Vec<_>, _>>()?;
    let mut random = Random(seed);
    for start in (0..rows).step_by(PIECE) {
        let values = generate(PIECE.min(rows - start), &mut random);
        open.iter_mut().zip(&values).try_for_each(|(column, values)| column.extend(values))?;
    }
    let levels: Vec<String> = (0..CLASSES).map(|class| format!("class_{class}")).collect();
    for (column, name) in open.into_iter().zip(NUMBERS.into_iter().chain(["cat"])) {
        writer.end(column, name, if name == "cat" { &levels } else { &[] })?;
    }
    Ok(writer.finish()?)
}

/// Eight clusters on a circle, a feature that depends on them, one with heavy tails, and the classes with a tenth of them wrong.
fn generate(rows: usize, random: &mut Random) -> Vec<Values> {
    let [mut x, mut y, mut z, mut w] = std::array::from_fn(|_| Vec::with_capacity(rows));
    let mut codes = Vec::with_capacity(rows);
    for _ in 0..rows {
        let class = random.below(CLASSES);
        let (at_x, at_y) = centre(class);
        let (at_x, at_y) = (at_x + 0.6 * random.normal(), at_y + 0.9 * random.normal());
        x.push(at_x);
        y.push(at_y);
        z.push(0.5 * at_x - 0.2 * at_y + random.normal());
        // Student's t with 4 degrees of freedom.
        let square: f64 = (0..4).map(|_| random.normal().powi(2)).sum();
        w.push(random.normal() / (square / 4.0).sqrt());
        codes.push(if random.uniform() < 0.1 { random.below(CLASSES) } else { class } as u32);
    }
    [x, y, z, w].map(Values::Numeric).into_iter().chain([Values::Nominal { codes, levels: Vec::new() }]).collect()
}

async fn add(store: &Store, rows: usize, hash: ContentHash) -> anyhow::Result<i64> {
    let columns = store.columns().clone();
    let prepared =
        tokio::task::spawn_blocking(move || describe(&columns, &hash, Some("cat"), None, &[]).map(|described| (hash, described)));
    let (columns, description) = prepared.await??;
    let dataset = NewDataset {
        id: None,
        name: format!("clusters_{rows}"),
        version: None,
        description: "Generated by labboard bench".to_owned(),
        format: "ARFF".to_owned(),
        about: About::default(),
        default_target: Some("cat".to_owned()),
        row_id: None,
        ignored: Vec::new(),
        status: Status::Active,
        uploader: person(store, OWNER).await?,
        upload_ms: None,
        md5: String::new(),
        columns,
        file: None,
        classes: description.classes,
        features: description.features,
        qualities: description.qualities,
    };
    Ok(store.add_dataset(dataset).await?)
}

/// SplitMix64 (Steele, Lea and Flood 2014).
#[derive(Clone)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, end: usize) -> usize {
        ((self.uniform() * end as f64) as usize).min(end - 1)
    }

    /// By Box and Muller.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_table() {
        let (a, b) = (generate(1000, &mut Random(7)), generate(1000, &mut Random(7)));
        assert_eq!((a.len(), &a), (5, &b));
        let Values::Numeric(x) = &a[0] else { panic!("x is a number") };
        let mean = x.iter().sum::<f64>() / 1000.0;
        assert!(mean.abs() < 0.5, "{mean}");
    }

    #[tokio::test]
    async fn cells_are_as_large_as_the_rows_in_view_ask_for_whether_there_is_an_index_or_not() {
        const ROWS: usize = 80_000;
        let dir = tempfile::tempdir().unwrap();
        let id = {
            let store = Store::open(dir.path(), Options::default()).await.unwrap();
            let hash = store_generated(store.columns(), ROWS, 1).unwrap();
            add(&store, ROWS, hash).await.unwrap()
        };
        let state = routes::open(Config { data_dir: dir.path().to_owned(), demo: false, ..Config::default() }).await.unwrap();
        let entity = Entity::new(Kind::Data, id);
        let drawn = async |zoom: Option<[f64; 4]>| {
            let mut request = scatter(entity).unwrap();
            (request.canvas.width, request.canvas.height) = (440, 360);
            request.canvas.zoom = zoom.map(|[x0, x1, y0, y1]| Zoom::window([x0, x1], [y0, y1]));
            let drawn = figures::drawn(&state, request).await.unwrap();
            let cells: [usize; 2] = serde_json::from_value(drawn.figure["layout"]["meta"]["cells"].clone()).unwrap();
            (cells, drawn.view.provenance.rows_shown as usize, drawn.raster.unwrap().image, drawn.view.summary)
        };
        // Everything, half of it, and so much that more rows than there are pixels are read out of the index and fewer are in view.
        let windows = [None, Some([-6.0, 0.0, -6.0, 6.0]), Some([-3.2, 6.0, -3.7, 6.0])];
        let mut before = Vec::new();
        for window in windows {
            before.push(drawn(window).await);
        }
        let [(pixels, _), (half, few), (most, fewer)] = [0, 1, 2].map(|at| (before[at].0, before[at].1));
        let [nx, ny] = pixels;
        assert_eq!(before[0].1, ROWS);
        assert!(ROWS > nx * ny && 20_000 < few && few < fewer && fewer < nx * ny, "{few} and {fewer} rows, {nx} × {ny} pixels");
        assert_eq!([half, most], [[nx / 2, ny / 2]; 2]);

        state.indexes().idle().await;
        for (window, before) in windows.into_iter().zip(&before) {
            assert_eq!(&drawn(window).await, before);
        }
    }

    #[tokio::test]
    async fn a_small_bench_runs_to_its_end() {
        run(BenchArgs { rows: 30_000, seed: 1, data_dir: None }).await.unwrap();
    }
}
