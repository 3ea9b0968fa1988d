//! Where an upstream is, and which addresses count as its own.

use std::fmt;

use reqwest::Url;

/// Paths of files on every OpenML server, below the path at which it is mounted.
const FILES: [&str; 4] = ["/data/v1/download/", "/data/download/", "/api_splits/", "/parquet/"];

/// The address of an OpenML server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// As the operator wrote it.
    shown: String,
    /// Without `/api/v1`.
    site: Url,
}

/// Why an address cannot be an upstream's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the upstream “{0}” must be the address of an OpenML server, such as https://www.openml.org/api/v1 or http://host:3000")]
pub struct InvalidAddress(String);

impl Address {
    /// With or without `/api/v1` and what clients write after it.
    ///
    /// # Errors
    /// It is no `http://` or `https://` address, or has a query, a fragment or a password.
    pub fn parse(text: &str) -> Result<Self, InvalidAddress> {
        let invalid = || InvalidAddress(text.to_owned());
        let shown = text.trim().trim_end_matches('/');
        let site = ["/xml", "/json"].into_iter().find_map(|format| shown.strip_suffix(format)).unwrap_or(shown);
        let site = site.strip_suffix("/api/v1").unwrap_or(site);
        let site = Url::parse(site).map_err(|_| invalid())?;
        let plain = site.query().is_none() && site.fragment().is_none() && site.username().is_empty() && site.password().is_none();
        if !plain || !matches!(site.scheme(), "http" | "https") || site.host_str().is_none() {
            return Err(invalid());
        }
        Ok(Self { shown: shown.to_owned(), site })
    }

    fn below(&self, path: &str) -> Url {
        let mut url = self.site.clone();
        url.set_path(&format!("{}{path}", self.site.path().trim_end_matches('/')));
        url
    }

    /// A document of the API: `data/5`.
    pub fn document(&self, path: &str) -> Url {
        self.below(&format!("/api/v1/xml/{path}"))
    }

    /// A file by its number.
    pub fn file(&self, id: u32, name: &str) -> Url {
        self.below(&format!("/data/v1/download/{id}/{name}"))
    }

    /// Whether both name the same server and port.
    pub fn is_origin_of(&self, url: &Url) -> bool {
        self.site.origin() == url.origin()
    }

    /// Whether an address is the server's own: the same, or of the same domain, as `api.openml.org` is of `www.openml.org`.
    pub fn owns(&self, url: &Url) -> bool {
        if !matches!(url.scheme(), "http" | "https") {
            return false;
        }
        let domain = |url: &Url| url.domain().map(str::to_ascii_lowercase);
        let (Some(own), Some(other)) = (domain(&self.site), domain(url)) else { return self.is_origin_of(url) };
        let family = match own.split_once('.') {
            Some((_, rest)) if rest.contains('.') => rest,
            _ => &own,
        };
        let is_family = family.contains('.') && (other == family || other.strip_suffix(family).is_some_and(|start| start.ends_with('.')));
        self.is_origin_of(url) || (is_family && url.port().is_none())
    }

    /// Where a file is that a document of the server points at. What lies on an OpenML server is asked of this one,
    /// under whatever name it calls itself; what lies elsewhere is not fetched on a document's word.
    pub fn resolve(&self, url: &str) -> Option<Url> {
        let Ok(found) = Url::parse(url) else { return url.starts_with('/').then(|| self.below(url)) };
        if self.owns(&found) {
            return Some(found);
        }
        let path = found.path();
        FILES.iter().find_map(|known| Some(self.below(&path[path.find(known)?..])))
    }

    /// Whether it is on this machine, where no proxy leads to it.
    pub fn is_loopback(&self) -> bool {
        match self.site.host_str() {
            Some("localhost") => true,
            Some(host) => host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback()),
            None => false,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text).expect(text)
    }

    #[test]
    fn an_address_is_taken_however_it_ends() {
        for text in [
            "https://www.openml.org",
            "https://www.openml.org/api/v1/",
            "https://www.openml.org/api/v1/xml",
            "https://www.openml.org/api/v1/json/",
        ] {
            assert_eq!(address(text).document("data/5").as_str(), "https://www.openml.org/api/v1/xml/data/5");
        }
        assert_eq!(address("http://lab:3000/board/").document("run/9").as_str(), "http://lab:3000/board/api/v1/xml/run/9");
        assert_eq!(address("https://www.openml.org/api/v1/").to_string(), "https://www.openml.org/api/v1");
        for text in ["", "www.openml.org", "ftp://host", "http://", "http://user:word@host", "http://host/?a=b", "http://host#a"] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn files_come_from_the_upstream_alone() {
        let openml = address("https://www.openml.org/api/v1");
        let of = |url: &str| openml.resolve(url).map(String::from);
        assert_eq!(
            of("https://api.openml.org/data/v1/download/61/iris.arff").as_deref(),
            Some("https://api.openml.org/data/v1/download/61/iris.arff")
        );
        assert_eq!(
            of("/api_splits/get/1/Task_1_splits.arff").as_deref(),
            Some("https://www.openml.org/api_splits/get/1/Task_1_splits.arff")
        );
        for elsewhere in
            ["http://127.0.0.1:9200/all", "https://evil-openml.org/x.arff", "file:///etc/passwd", "https://data.openml.org:8080/x"]
        {
            assert_eq!(of(elsewhere), None, "{elsewhere}");
        }
        // A labboard says its public name, which may not be the one by which it is reached from here.
        let lab = address("http://10.0.0.7:3000/board");
        let found = lab.resolve("https://lab.example.org/board/data/v1/download/4/a.arff").map(String::from);
        assert_eq!(found.as_deref(), Some("http://10.0.0.7:3000/board/data/v1/download/4/a.arff"));
        assert!(
            lab.owns(&Url::parse("http://10.0.0.7:3000/x").expect("a URL"))
                && !lab.owns(&Url::parse("http://10.0.0.7:22/").expect("a URL"))
        );
    }

    #[test]
    fn loopback_is_told_from_the_rest() {
        assert!(address("http://127.0.0.1:3000").is_loopback() && address("http://[::1]:3000").is_loopback());
        assert!(address("http://localhost:3000").is_loopback() && !address("https://www.openml.org").is_loopback());
    }
}
