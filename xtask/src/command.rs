//! Running other programs, with an error that says which one and how to get it.

use anyhow::{Context, Result, bail};
use std::{
    env,
    ffi::OsStr,
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    path::Path,
    process::{Command, ExitStatus, Stdio},
    sync::Mutex,
    thread,
};

/// Cargo in the workspace, without what the outer `cargo run` set for xtask itself.
pub fn cargo(root: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        // LEPTOS_OUTPUT_NAME is compiled into leptos and would change the names it asks for.
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") || text == "LEPTOS_OUTPUT_NAME" {
            command.env_remove(&name);
        }
    }
    command
}

pub fn exists(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs to the end with the terminal's own output; fails unless it succeeded.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.stdin(Stdio::null()).status().map_err(|error| cannot_start(command, error))?;
    check(command, status)
}

/// Runs to the end and returns what it printed to stdout; its stderr is shown.
pub fn capture(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().map_err(|error| cannot_start(command, error))?;
    check(command, output.status)?;
    String::from_utf8(output.stdout).with_context(|| format!("{} printed no text", name(command)))
}

/// Runs to the end, shows all output as it comes and returns it too.
pub fn watch(command: &mut Command) -> Result<(ExitStatus, String)> {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(|error| cannot_start(command, error))?;
    let text = Mutex::new(String::new());
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        if let Some(stdout) = stdout {
            scope.spawn(|| echo(stdout, &text));
        }
        if let Some(stderr) = stderr {
            scope.spawn(|| echo(stderr, &text));
        }
    });
    let status = child.wait()?;
    Ok((status, text.into_inner().unwrap_or_default()))
}

fn echo(from: impl Read, text: &Mutex<String>) {
    let mut reader = BufReader::new(from);
    let mut line = Vec::new();
    while let Ok(1..) = reader.read_until(b'\n', &mut line) {
        // A closed terminal is no reason to lose the count of tests.
        let _ = std::io::stdout().write_all(&line);
        if let Ok(mut text) = text.lock() {
            text.push_str(&String::from_utf8_lossy(&line));
        }
        line.clear();
    }
}

fn check(command: &Command, status: ExitStatus) -> Result<()> {
    if status.success() {
        return Ok(());
    }
    let arguments: Vec<_> = command.get_args().map(OsStr::to_string_lossy).take(4).collect();
    bail!("`{} {}` ended with {status}", name(command), arguments.join(" "))
}

fn cannot_start(command: &Command, error: std::io::Error) -> anyhow::Error {
    let name = name(command);
    if error.kind() == ErrorKind::NotFound {
        let how = match name.as_str() {
            "node" | "npm" | "npm.cmd" => "install Node.js 20 or newer with npm",
            "cargo" | "rustc" | "rustup" => "install Rust with rustup",
            _ => "install it and put it on PATH",
        };
        anyhow::anyhow!("{name} is missing: {how}")
    } else {
        anyhow::anyhow!("{name} does not start: {error}")
    }
}

fn name(command: &Command) -> String {
    Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named_in_one_line() {
        let error = run(&mut Command::new("no-such-program-here")).unwrap_err();
        assert_eq!(error.to_string(), "no-such-program-here is missing: install it and put it on PATH");
    }
}
