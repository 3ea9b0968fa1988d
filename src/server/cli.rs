//! The command line. Every flag has a `LABBOARD_*` variable and a line in `labboard.toml`;
//! a flag wins over the variable, the variable over the file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand};
use serde::Deserialize;

use super::config::Config;

/// Look at models together: a live, shared dashboard for machine-learning experiments.
#[derive(Debug, Parser)]
#[command(name = "labboard", version, about)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the dashboard.
    Serve(ServeArgs),
    /// Bring in CSV, Parquet or ARFF files, or folders of OpenML documents.
    Import(ImportArgs),
    /// Publish predictions (CSV) as a run, without an OpenML client.
    Publish(PublishArgs),
    /// Fetch datasets, tasks, flows, runs and studies from another OpenML server, with what belongs to them.
    Pull(PullArgs),
    /// Add people who may publish, and give them API keys.
    User(UserArgs),
    /// Write the data directory into one file, also while a server runs on it.
    Backup(BackupArgs),
    /// Make a data directory of a backup.
    Restore(RestoreArgs),
    /// Measure how fast this machine is with a table of a given size.
    Bench(BenchArgs),
    /// Reads Parquet from the standard input and writes ARFF; for labboard itself.
    #[command(name = super::ingest::parquet::COMMAND, hide = true)]
    ReadParquet,
}

#[derive(Debug, Args)]
pub struct BenchArgs {
    /// Rows of the table that is generated, such as 1e6.
    #[arg(long, default_value = "1e6", value_parser = count, value_name = "ROWS")]
    pub rows: usize,
    /// What the random numbers start from.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Keeps the table in this data directory, to be served; otherwise it is removed.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

/// A whole number of rows, also as 1e6.
fn count(text: &str) -> Result<usize, String> {
    let number = text.parse::<f64>().map_err(|_| format!("“{text}” is not a number"))?;
    if (1.0..=4e9).contains(&number) && number.fract() == 0.0 { Ok(number as usize) } else { Err("from 1 to 4e9 rows".to_owned()) }
}

#[derive(Debug, Args)]
pub struct DataArgs {
    /// The data directory; made when it does not exist.
    #[arg(long, env = "LABBOARD_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// The file with defaults for these flags.
    #[arg(long, env = "LABBOARD_CONFIG", value_name = "FILE", default_value = "labboard.toml")]
    pub config: PathBuf,
}

#[derive(Debug, Args)]
pub struct ServeArgs {
    #[command(flatten)]
    pub data: DataArgs,
    /// Address to listen at; port 0 picks a free one.
    #[arg(long, env = "LABBOARD_ADDR", value_name = "HOST:PORT")]
    pub addr: Option<SocketAddr>,
    /// The address under which others reach this server, such as http://host:3000.
    #[arg(long, env = "LABBOARD_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// Serve below this path, such as /dashboard.
    #[arg(long, env = "LABBOARD_BASE_PATH", value_name = "PATH")]
    pub base_path: Option<String>,
    /// Write the port here once the server answers.
    #[arg(long, env = "LABBOARD_PORT_FILE", value_name = "FILE")]
    pub port_file: Option<PathBuf>,
    /// Start an empty data directory without the demo experiments.
    #[arg(long, env = "LABBOARD_NO_DEMO")]
    pub no_demo: bool,
    /// Sites that may show pages in a frame (`?embed=1`), such as https://wiki.example.org; separated by commas.
    #[arg(long, env = "LABBOARD_FRAME_ANCESTORS", value_name = "ORIGIN", value_delimiter = ',')]
    pub frame_ancestors: Vec<String>,
    /// How many days the history of rooms is kept; 90 otherwise.
    #[arg(long, env = "LABBOARD_HISTORY_DAYS", value_name = "DAYS")]
    pub history_days: Option<u32>,
    #[command(flatten)]
    pub upstream: UpstreamArgs,
}

#[derive(Debug, Args)]
pub struct UpstreamArgs {
    /// Another OpenML server, such as https://www.openml.org/api/v1: what is not here is fetched from there and kept.
    #[arg(long, env = "LABBOARD_UPSTREAM", value_name = "URL")]
    pub upstream: Option<String>,
    /// The API key for the upstream, where reading takes one.
    #[arg(long, env = "LABBOARD_UPSTREAM_KEY", value_name = "KEY", hide_env_values = true)]
    pub upstream_key: Option<String>,
}

#[derive(Debug, Args)]
pub struct PullArgs {
    #[command(flatten)]
    pub data: DataArgs,
    #[command(flatten)]
    pub upstream: UpstreamArgs,
    /// Only the things named and what they need, without the tasks of datasets and the runs of tasks and flows.
    #[arg(long)]
    pub alone: bool,
    /// data/ID, task/ID, flow/ID, run/ID or study/ID; a suite is a study.
    #[arg(required = true, value_name = "KIND/ID")]
    pub wanted: Vec<String>,
}

#[derive(Debug, Args)]
pub struct ImportArgs {
    #[command(flatten)]
    pub data: DataArgs,
    /// Files (.csv, .parquet, .pq, .arff) or folders of OpenML documents.
    #[arg(required = true, value_name = "FILE|DIR")]
    pub paths: Vec<PathBuf>,
    /// The dataset's name; the file's name otherwise.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The feature to predict.
    #[arg(long, value_name = "FEATURE")]
    pub target: Option<String>,
}

#[derive(Debug, Args)]
pub struct PublishArgs {
    #[command(flatten)]
    pub directory: DataArgs,
    /// A CSV with y_pred, and perhaps y_true, row_id, fold, repeat and proba_<class>.
    #[arg(value_name = "FILE")]
    pub predictions: PathBuf,
    /// The id of the dataset that was predicted.
    #[arg(long, value_name = "ID", required_unless_present = "task")]
    pub data: Option<i64>,
    /// The id of the task, if the predictions are of one that there is.
    #[arg(long, value_name = "ID", conflicts_with_all = ["data", "target"])]
    pub task: Option<i64>,
    /// The feature that was predicted; the dataset's default target otherwise.
    #[arg(long, value_name = "FEATURE")]
    pub target: Option<String>,
    /// What predicted: a name of your own, or the id of a flow.
    #[arg(long, value_name = "NAME")]
    pub flow: String,
    /// The flow's version; one is made of the names of the parameters otherwise.
    #[arg(long, value_name = "VERSION")]
    pub flow_version: Option<String>,
    /// A parameter's value; may be repeated.
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = super::rest::parameter)]
    pub parameters: Vec<(String, String)>,
    /// The labboard to publish to, such as http://host:3000; the data directory on this machine otherwise.
    #[arg(long, env = "LABBOARD_SERVER", value_name = "URL", requires = "api_key")]
    pub server: Option<String>,
    /// The API key for that server.
    #[arg(long, env = "LABBOARD_API_KEY", value_name = "KEY", hide_env_values = true)]
    pub api_key: Option<String>,
}

#[derive(Debug, Args)]
pub struct BackupArgs {
    #[command(flatten)]
    pub data: DataArgs,
    /// The archive (tar) to write.
    pub file: PathBuf,
}

#[derive(Debug, Args)]
pub struct RestoreArgs {
    #[command(flatten)]
    pub data: DataArgs,
    /// What `labboard backup` wrote. The data directory must be empty or not there.
    pub file: PathBuf,
}

#[derive(Debug, Args)]
pub struct UserArgs {
    #[command(subcommand)]
    pub command: UserCommand,
}

#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Add somebody and print their API key.
    Add {
        #[command(flatten)]
        data: DataArgs,
        name: String,
        /// What they may do.
        #[arg(long, value_enum, default_value_t = Role::User)]
        role: Role,
    },
    /// Replace somebody's API key and print the new one.
    Key {
        #[command(flatten)]
        data: DataArgs,
        name: String,
    },
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Role {
    /// May change everything.
    Admin,
    /// May publish, and change what is theirs.
    User,
    /// May only read.
    Reader,
}

impl Role {
    pub const fn word(self) -> &'static str {
        match self {
            Role::Admin => "admin",
            Role::User => "user",
            Role::Reader => "reader",
        }
    }
}

/// `labboard.toml`: the same names as the flags.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct File {
    data_dir: Option<PathBuf>,
    addr: Option<SocketAddr>,
    public_url: Option<String>,
    base_path: Option<String>,
    port_file: Option<PathBuf>,
    no_demo: Option<bool>,
    upstream: Option<String>,
    upstream_key: Option<String>,
    frame_ancestors: Option<Vec<String>>,
    history_days: Option<u32>,
    figure_cache_mb: Option<u64>,
    index_room_mb: Option<u64>,
    max_upload_mb: Option<u64>,
}

fn read(path: &Path) -> anyhow::Result<File> {
    match std::fs::read_to_string(path) {
        Ok(text) => toml::from_str(&text).with_context(|| format!("{} cannot be used", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(File::default()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// How the server listens, beside what the router needs.
#[derive(Debug)]
pub struct Listen {
    pub addr: SocketAddr,
    pub port_file: Option<PathBuf>,
}

impl DataArgs {
    /// # Errors
    /// The configuration file cannot be read.
    pub fn dir(&self) -> anyhow::Result<PathBuf> {
        let file = read(&self.config)?;
        Ok(self.data_dir.clone().or(file.data_dir).unwrap_or_else(|| Config::default().data_dir))
    }
}

impl ServeArgs {
    /// Flags over variables over the file over the defaults.
    ///
    /// # Errors
    /// The file or a value cannot be used, or the server would be open to others with no address to invite them to.
    pub fn resolve(self) -> anyhow::Result<(Config, Listen)> {
        let file = read(&self.data.config)?;
        let default = Config::default();
        let addr = self.addr.or(file.addr).unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 3000)));
        let upstream = self.upstream.upstream.or(file.upstream);
        let config = Config {
            data_dir: self.data.data_dir.or(file.data_dir).unwrap_or(default.data_dir),
            base_path: self.base_path.or(file.base_path).unwrap_or(default.base_path),
            public_url: self.public_url.or(file.public_url).map(|url| url.trim_end_matches('/').to_owned()),
            invite: None,
            demo: !(self.no_demo || file.no_demo.unwrap_or(false) || upstream.is_some()),
            upstream,
            upstream_key: self.upstream.upstream_key.or(file.upstream_key),
            reload: std::env::var_os("LABBOARD_DEV").is_some(),
            frame_ancestors: if self.frame_ancestors.is_empty() { file.frame_ancestors.unwrap_or_default() } else { self.frame_ancestors },
            history_days: self.history_days.or(file.history_days).unwrap_or(default.history_days),
            figure_cache: file.figure_cache_mb.map_or(default.figure_cache, |mb| mb << 20),
            index_room: file.index_room_mb.map_or(default.index_room, |mb| mb << 20),
            max_upload: file.max_upload_mb.map_or(default.max_upload, |mb| mb << 20),
        };
        config.check()?;
        if !addr.ip().is_loopback() && config.public_url.is_none() {
            bail!(
                "{addr} can be reached by others: say under which address with --public-url, such as --public-url http://host:{}",
                addr.port()
            );
        }
        Ok((config, Listen { addr, port_file: self.port_file.or(file.port_file) }))
    }
}

/// Where and how much to pull.
#[derive(Debug)]
pub struct PullConfig {
    pub data_dir: PathBuf,
    pub upstream: Option<String>,
    pub upstream_key: Option<String>,
    pub max_upload: u64,
}

impl PullArgs {
    /// # Errors
    /// The configuration file cannot be read.
    pub fn resolve(&self) -> anyhow::Result<PullConfig> {
        let file = read(&self.data.config)?;
        let default = Config::default();
        Ok(PullConfig {
            data_dir: self.data.data_dir.clone().or(file.data_dir).unwrap_or(default.data_dir),
            upstream: self.upstream.upstream.clone().or(file.upstream),
            upstream_key: self.upstream.upstream_key.clone().or(file.upstream_key),
            max_upload: file.max_upload_mb.map_or(default.max_upload, |mb| mb << 20),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn resolve(args: &[&str]) -> anyhow::Result<(Config, Listen)> {
        let cli = Cli::try_parse_from([&["labboard", "serve", "--config", "/nonexistent/labboard.toml"], args].concat())?;
        match cli.command {
            Command::Serve(serve) => serve.resolve(),
            _ => bail!("not reached"),
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_open_address_needs_a_public_url() {
        let refused = resolve(&["--addr", "0.0.0.0:3000"]).expect_err("refused").to_string();
        assert!(refused.contains("--public-url") && !refused.contains('\n'), "{refused}");
        assert!(resolve(&["--addr", "0.0.0.0:3000", "--public-url", "http://host:3000/"]).is_ok());
        assert!(resolve(&["--addr", "127.0.0.1:0"]).is_ok());
    }

    #[test]
    fn a_wrong_key_in_the_file_is_named() {
        let error = toml::from_str::<File>("adress = \"127.0.0.1:1\"").expect_err("unknown key").to_string();
        assert!(error.contains("adress"), "{error}");
    }
}
