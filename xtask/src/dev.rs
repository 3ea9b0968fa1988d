//! `cargo xtask dev`: rebuild what changed, restart the server, let the browser reload.

use crate::{
    app, demo,
    report::{Outcome, Report},
    site, stamp,
    workspace::{Flavour, Workspace},
};
use anyhow::{Context, Result};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode},
    thread,
    time::{Duration, Instant, SystemTime},
};

const PAUSE: Duration = Duration::from_millis(700);
/// How long the server may take to say goodbye to its sockets.
const FAREWELL: Duration = Duration::from_secs(3);

/// A change in these means another server; in all others only another site.
const SERVER: [&str; 7] = ["src", "crates", "migrations", "Cargo.toml", "Cargo.lock", "Leptos.toml", "demo/data"];
const SITE: [&str; 3] = ["style", "public", "xtask/npm"];

type Seen = BTreeMap<PathBuf, (SystemTime, u64)>;

pub fn watch(workspace: &Workspace, report: &mut Report, arguments: &[String]) -> Result<ExitCode> {
    let mut server_files = look(&workspace.root, &SERVER)?;
    let mut site_files = look(&workspace.root, &SITE)?;
    let mut server = build(workspace, report, true, None, arguments);
    loop {
        thread::sleep(PAUSE);
        let (server_now, site_now) = (look(&workspace.root, &SERVER)?, look(&workspace.root, &SITE)?);
        let other_server = server_now != server_files;
        if !other_server && site_now == site_files {
            if let Some(Ok(Some(status))) = server.as_mut().map(Child::try_wait) {
                println!("== labboard ended with {status}; it starts again after the next change");
                server = None;
            }
            continue;
        }
        let changed = first_difference(&server_files, &server_now).or_else(|| first_difference(&site_files, &site_now));
        if let Some(path) = changed {
            println!("\n== changed: {}", workspace.shown(&path));
        }
        (server_files, site_files) = (server_now, site_now);
        let needed = other_server || server.is_none();
        *report = Report::default();
        server = build(workspace, report, needed, server, arguments);
    }
}

/// Builds; what does not compile is printed, and the old server stays.
fn build(workspace: &Workspace, report: &mut Report, with_server: bool, running: Option<Child>, arguments: &[String]) -> Option<Child> {
    // The server first: the browser reloads when the site's build changes, and should meet the new one.
    let mut running = running;
    if with_server {
        let compiled = report.step("server", "compile the server", || {
            app::build_dev(workspace)?;
            Ok(Outcome::Done)
        });
        let packed = demo::pack(workspace, report);
        if compiled.is_ok() && packed.is_ok() {
            if let Some(old) = running.take() {
                stop(old);
            }
            running = start(workspace, arguments).inspect_err(|error| println!("   server: {error:#}")).ok();
        }
    }
    let site = workspace.site(Flavour::Dev);
    match site::build(workspace, report, Flavour::Dev) {
        Ok(hash) => {
            // Another server is a reason to reload too, also where the site is the same.
            let build = match &running {
                Some(server) => format!("{hash}-{}", server.id()),
                None => hash,
            };
            if let Err(error) = site::announce(&site, &build) {
                println!("   site: {error:#}");
            }
            println!("== site {build}, waiting for changes");
        }
        Err(_) => println!("== the site could not be built, waiting for changes"),
    }
    running
}

fn start(workspace: &Workspace, arguments: &[String]) -> Result<Child> {
    // A copy, so that the next build need not wait for this server.
    let binary = workspace.target().join("dev").join("labboard");
    app::place(&workspace.executable("debug"), &binary)?;
    let mut command = Command::new(&binary);
    command.arg("serve").args(arguments).envs(app::environment(workspace, Flavour::Dev)).env("LABBOARD_DEV", "1");
    if !arguments.iter().any(|argument| argument.starts_with("--data-dir")) {
        let data = workspace.target().join("dev").join("data");
        command.arg("--data-dir").arg(data);
    }
    command.spawn().with_context(|| format!("cannot start {}", binary.display()))
}

/// Asks the server to end, and ends it if it does not.
fn stop(mut server: Child) {
    let asked = cfg!(unix) && Command::new("kill").args(["-TERM", &server.id().to_string()]).status().is_ok_and(|status| status.success());
    let start = Instant::now();
    while asked && start.elapsed() < FAREWELL {
        if !matches!(server.try_wait(), Ok(None)) {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
    let _ = server.kill();
    let _ = server.wait();
}

/// The time and size of every watched file.
fn look(root: &Path, paths: &[&str]) -> Result<Seen> {
    let mut seen = Seen::new();
    for path in paths {
        let path = root.join(path);
        if !path.exists() {
            continue;
        }
        for file in stamp::files(&path)? {
            // An editor may have replaced the file between the two looks.
            if let Ok(about) = file.metadata() {
                seen.insert(file, (about.modified()?, about.len()));
            }
        }
    }
    Ok(seen)
}

fn first_difference(before: &Seen, now: &Seen) -> Option<PathBuf> {
    now.iter()
        .find(|(path, about)| before.get(*path) != Some(about))
        .or_else(|| before.iter().find(|(path, _)| !now.contains_key(*path)))
        .map(|(path, _)| path.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn changed_new_and_removed_files_are_seen() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("style").join("main.scss");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "a").unwrap();
        let first = look(folder.path(), &["style", "absent"]).unwrap();
        assert_eq!(first_difference(&first, &first), None);

        fs::write(&file, "ab").unwrap();
        let second = look(folder.path(), &["style"]).unwrap();
        assert_eq!(first_difference(&first, &second), Some(file.clone()));
        fs::remove_file(&file).unwrap();
        let third = look(folder.path(), &["style"]).unwrap();
        assert_eq!(first_difference(&second, &third), Some(file));
    }
}
