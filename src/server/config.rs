//! What a labboard instance is told: where its data is, where it is mounted, who may come in.

use std::path::PathBuf;

/// Everything that [`crate::router`] needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// The data directory; it is made when it does not exist.
    pub data_dir: PathBuf,
    /// The path below which the pages live: empty, or `/dashboard` with no slash at its end.
    /// A host application nests the router at exactly this path.
    pub base_path: String,
    /// The address under which others reach this server, such as `https://lab.example.org`.
    /// Requests that change something are accepted from this origin and from loopback only.
    pub public_url: Option<String>,
    /// The token that visitors must bring, if the server can be reached by others.
    pub invite: Option<String>,
    /// Loads the demo experiments into an empty data directory.
    pub demo: bool,
    /// Another OpenML server, from which unknown ids are fetched: its address, such as `https://www.openml.org/api/v1`.
    pub upstream: Option<String>,
    /// The API key for the upstream, where reading takes one.
    pub upstream_key: Option<String>,
    /// Lets open pages reload after a build.
    pub reload: bool,
    /// Origins that may embed pages in a frame, for `frame-ancestors`.
    pub frame_ancestors: Vec<String>,
    /// How long the history of rooms is kept.
    pub history_days: u32,
    /// Memory for figures that may be asked again, in bytes.
    pub figure_cache: u64,
    /// Room on disk for indexes of large tables, in bytes; those that nobody uses go first.
    pub index_room: u64,
    /// The largest file that an import accepts, in bytes.
    pub max_upload: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("labboard-data"),
            base_path: String::new(),
            public_url: None,
            invite: None,
            demo: true,
            upstream: None,
            upstream_key: None,
            reload: false,
            frame_ancestors: Vec::new(),
            history_days: 90,
            figure_cache: 64 << 20,
            index_room: 16 << 30,
            max_upload: 2 << 30,
        }
    }
}

/// What is wrong with a configuration.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("the base path “{0}” must start with a slash, end without one and hold only letters, digits, “-”, “_” and “/”")]
    BasePath(String),
    #[error("the site “{0}” that may show pages must be an origin such as https://wiki.example.org")]
    FrameAncestor(String),
    #[error("the public URL “{0}” must be http:// or https:// with a host and nothing after the port")]
    PublicUrl(String),
}

impl Config {
    /// Checks what would otherwise fail far from its cause.
    ///
    /// # Errors
    /// [`ConfigError`] names the value that cannot be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        let base = &self.base_path;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/');
        if !base.is_empty() && (!base.starts_with('/') || base.ends_with('/') || base.contains("//") || !base.chars().all(plain)) {
            return Err(ConfigError::BasePath(base.clone()));
        }
        if let Some(url) = &self.public_url
            && authority(url).is_none()
        {
            return Err(ConfigError::PublicUrl(url.clone()));
        }
        // They go into a header as they are.
        if let Some(bad) = self.frame_ancestors.iter().find(|origin| *origin != "'self'" && authority(origin).is_none()) {
            return Err(ConfigError::FrameAncestor(bad.clone()));
        }
        Ok(())
    }
}

/// The `host[:port]` of an origin such as `https://lab.example.org:8443`.
pub fn authority(origin: &str) -> Option<&str> {
    let rest = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"))?;
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    (!rest.is_empty() && rest.chars().all(valid)).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_paths_are_checked() {
        let with = |base: &str| Config { base_path: base.to_owned(), ..Config::default() }.check();
        assert!(with("").is_ok() && with("/dashboard").is_ok() && with("/a/b-c").is_ok());
        for bad in ["dashboard", "/", "/x/", "//x", "/a b", "/a?b"] {
            assert!(with(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn frames_are_for_origins() {
        let with = |origin: &str| Config { frame_ancestors: vec![origin.to_owned()], ..Config::default() }.check();
        assert!(with("https://wiki.example.org").is_ok() && with("http://127.0.0.1:8080").is_ok() && with("'self'").is_ok());
        assert!(with("*").is_err() && with("https://a.example; script-src *").is_err() && with("wiki").is_err());
    }

    #[test]
    fn public_urls_are_origins() {
        let with = |url: &str| Config { public_url: Some(url.to_owned()), ..Config::default() }.check();
        assert!(with("http://host:3000").is_ok() && with("https://lab.example.org").is_ok());
        for bad in ["host:3000", "ftp://host", "http://", "http://host/path", "http://user@host"] {
            assert!(with(bad).is_err(), "{bad}");
        }
    }
}
