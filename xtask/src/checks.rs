//! Checks that are no tests: format, lints, what may depend on what, and bytes on the wire.

use crate::{
    command, compress,
    report::{Outcome, Report},
    stamp::{self, Inputs},
    tools::{self, WASM_TARGET},
    workspace::{Flavour, Workspace},
};
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What a first visit may transfer. The page itself and its figures come on top of
/// the site's files, 160 kB where it has 10,000 marks, and all together must stay below 1.0 MB.
const FIRST_VISIT: u64 = 840_000;

/// Crates that never reach the browser build.
const SERVER_ONLY: [&str; 6] = ["axum", "chrono", "plotly", "polars", "sqlx", "tokio"];

/// Which members each member may use. The list points downwards only.
const DIRECTIONS: [(&str, &[&str]); 7] = [
    ("labboard-openml", &[]),
    ("labboard-room", &[]),
    ("labboard-frame", &["labboard-openml"]),
    ("labboard-figure", &["labboard-frame", "labboard-openml"]),
    ("labboard-store", &["labboard-frame", "labboard-openml"]),
    ("labboard-load", &["labboard-room"]),
    ("labboard", &["labboard-figure", "labboard-frame", "labboard-openml", "labboard-room", "labboard-store"]),
];

/// `room` runs on both sides and stays free of everything else.
const ROOM_MAY_USE: [&str; 3] = ["serde", "serde_json", "thiserror"];

const RUST_SOURCES: [&str; 13] = [
    "src",
    "crates",
    "xtask/src",
    "xtask/Cargo.toml",
    "tests",
    "benches",
    "migrations",
    "docs",
    "Cargo.toml",
    "Cargo.lock",
    "Leptos.toml",
    ".cargo",
    "clippy.toml",
];

/// Runs a check unless it passed on the same sources.
fn unless_passed(workspace: &Workspace, step: &str, force: bool, inputs: &[&str], check: impl FnOnce() -> Result<()>) -> Result<Outcome> {
    let hash = Inputs::of(step).text(&tools::rustc_version(workspace)?).paths(&workspace.root, inputs)?.hash();
    if !force && stamp::current(workspace, step, &hash).is_some() {
        return Ok(Outcome::Unchanged);
    }
    check()?;
    stamp::leave(workspace, step, &hash, "")?;
    Ok(Outcome::Done)
}

pub fn format(workspace: &Workspace, report: &mut Report, force: bool) -> Result<()> {
    report.step("fmt", "the format of all Rust code", || {
        let mut inputs = RUST_SOURCES.to_vec();
        inputs.push("rustfmt.toml");
        unless_passed(workspace, "fmt", force, &inputs, || {
            // Only the names: `cargo fmt --all` mends what a diff would show.
            command::run(command::cargo(&workspace.root).args(["fmt", "--all", "--check", "--", "-l"])).context("run `cargo fmt --all`")
        })
    })
}

/// Clippy over the server side, the browser side and xtask itself, warnings as errors.
pub fn clippy(workspace: &Workspace, report: &mut Report, force: bool) -> Result<()> {
    let sides: [(&str, &str, &[&str]); 3] = [
        (
            "clippy",
            "lints of the server side, tests included",
            // Without a package: all default members, so that features unify as in the tests.
            &["--all-targets", "--features=ssr"],
        ),
        ("clippy-wasm", "lints of the browser side", &["--package=labboard", "--lib", "--features=hydrate", "--target", WASM_TARGET]),
        ("clippy-xtask", "lints of xtask", &["--package=xtask", "--all-targets"]),
    ];
    let mut result = Ok(());
    for (name, what, arguments) in sides {
        let side = report.step(name, what, || {
            unless_passed(workspace, name, force, &RUST_SOURCES, || {
                command::run(command::cargo(&workspace.root).arg("clippy").args(arguments).args(["--", "-D", "warnings"]))
            })
        });
        result = result.and(side);
    }
    result
}

/// What may depend on what.
pub fn boundaries(workspace: &Workspace, report: &mut Report) -> Result<()> {
    report.step("boundaries", "what the browser build and each crate may depend on", || {
        let mut faults = Vec::new();
        let tree = command::capture(command::cargo(&workspace.root).args([
            "tree",
            "--package=labboard",
            "--no-default-features",
            "--features=hydrate",
            "--target",
            WASM_TARGET,
            "--edges=normal",
            "--prefix=none",
            "--format={p}",
        ]))?;
        for name in server_only(&tree) {
            faults.push(format!(
                "{name} reaches the browser build (`cargo tree --features hydrate --target {WASM_TARGET} -i {name}` shows how)"
            ));
        }
        let metadata = command::capture(command::cargo(&workspace.root).args(["metadata", "--no-deps", "--format-version=1"]))?;
        let metadata = serde_json::from_str(&metadata)?;
        faults.extend(wrong_directions(&dependencies(&metadata)?));
        ensure!(faults.is_empty(), "{}", faults.join("; "));
        Ok(Outcome::Done)
    })
}

/// The crates in `cargo tree`'s output that belong to the server.
fn server_only(tree: &str) -> Vec<&str> {
    let found: BTreeSet<&str> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| {
            SERVER_ONLY.iter().any(|banned| {
                name == banned
                    // polars comes in parts
                    || (*banned == "polars" && name.starts_with("polars-"))
                    || (*banned == "sqlx" && name.starts_with("sqlx-"))
            })
        })
        .collect();
    found.into_iter().collect()
}

/// The normal and build dependencies of each member, from `cargo metadata`.
fn dependencies(metadata: &Value) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let mut members = BTreeMap::new();
    for package in metadata["packages"].as_array().context("no packages")? {
        let name = package["name"].as_str().context("a package has no name")?;
        let used = package["dependencies"]
            .as_array()
            .context("a package has no list of dependencies")?
            .iter()
            .filter(|dependency| dependency["kind"] != "dev")
            .filter_map(|dependency| dependency["name"].as_str())
            .map(str::to_owned)
            .collect();
        members.insert(name.to_owned(), used);
    }
    Ok(members)
}

fn wrong_directions(members: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let mut faults = Vec::new();
    for (member, used) in members.iter().filter(|(name, _)| *name != "xtask") {
        let Some((_, allowed)) = DIRECTIONS.iter().find(|(name, _)| name == member) else {
            faults.push(format!("{member} has no line in xtask/src/checks.rs"));
            continue;
        };
        for other in used.iter().filter(|name| members.contains_key(*name)) {
            if !allowed.contains(&other.as_str()) {
                faults.push(format!("{member} must not depend on {other}"));
            }
        }
        if member == "labboard-room" {
            for other in used {
                if !ROOM_MAY_USE.contains(&other.as_str()) {
                    faults.push(format!("{member} must not depend on {other}"));
                }
            }
        }
    }
    faults.sort();
    faults.dedup();
    faults
}

/// What a first visit transfers of the site.
pub fn budget(workspace: &Workspace, report: &mut Report) -> Result<()> {
    report.step("budget", "the bytes of a first visit", || {
        let bytes = compress::first_visit(&workspace.site(Flavour::Release))?;
        if bytes > FIRST_VISIT {
            bail!("a first visit transfers {bytes} bytes of files, {FIRST_VISIT} are allowed");
        }
        Ok(Outcome::Noted(format!("{bytes} of {FIRST_VISIT} bytes of files")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_of_the_server_are_found_in_the_tree() {
        let tree = "labboard v0.1.0 (/x)\nleptos v0.8.23\ntokio v1.48.0 (*)\npolars-core v0.55.2\ntokio-stream v0.1\n";
        assert_eq!(server_only(tree), ["polars-core", "tokio"]);
    }

    fn members(list: &[(&str, &[&str])]) -> BTreeMap<String, BTreeSet<String>> {
        list.iter()
            .map(|(name, used)| {
                let used = used.iter().map(|&name| name.to_owned()).collect();
                ((*name).to_owned(), used)
            })
            .collect()
    }

    #[test]
    fn dependencies_point_down_only() {
        let good = members(&[
            ("labboard-openml", &["thiserror"]),
            ("labboard-frame", &["labboard-openml"]),
            ("labboard-room", &["serde"]),
            ("xtask", &["clap"]),
        ]);
        assert!(wrong_directions(&good).is_empty());

        let bad = members(&[
            ("labboard-openml", &["labboard-frame"]),
            ("labboard-frame", &[]),
            ("labboard-room", &["tokio"]),
            ("labboard-new", &[]),
        ]);
        assert_eq!(
            wrong_directions(&bad),
            [
                "labboard-new has no line in xtask/src/checks.rs",
                "labboard-openml must not depend on labboard-frame",
                "labboard-room must not depend on tokio",
            ]
        );
    }

    #[test]
    fn dev_dependencies_may_point_anywhere() {
        let metadata = serde_json::json!({ "packages": [{ "name": "a", "dependencies": [
            { "name": "b", "kind": null }, { "name": "c", "kind": "dev" }, { "name": "d", "kind": "build" },
        ]}]});
        let found = dependencies(&metadata).unwrap();
        assert_eq!(found["a"].iter().collect::<Vec<_>>(), ["b", "d"]);
    }
}
