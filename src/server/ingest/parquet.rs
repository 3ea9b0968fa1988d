//! Parquet, read in a process of its own: a damaged file can make its reader ask for more memory than there is, and
//! that ends the process.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::OnceLock;

use labboard_openml::table::Table;

use super::piped;

/// The hidden command that reads Parquet from its input and writes the table to its output.
pub const COMMAND: &str = "read-parquet";

/// The program that has [`COMMAND`]. Without one, as in another application, files are read in this process.
static READER: OnceLock<PathBuf> = OnceLock::new();

/// Lets this program's own executable read from now on.
pub fn read_apart() {
    if let Ok(program) = std::env::current_exe() {
        let _ = READER.set(program);
    }
}

/// # Errors
/// One line: what is wrong with the file.
pub fn read(content: &[u8]) -> Result<Table, String> {
    match READER.get() {
        Some(program) => in_child(program, content),
        None => labboard_frame::parquet::read(content).map_err(|error| error.to_string()),
    }
}

fn in_child(program: &PathBuf, content: &[u8]) -> Result<Table, String> {
    let failed = |error: std::io::Error| format!("the reader of Parquet could not be started: {error}");
    let mut child =
        Command::new(program).arg(COMMAND).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(failed)?;
    let mut input = child.stdin.take();
    // A child that gives up early closes its input; what it says about it counts.
    let output = std::thread::scope(|scope| {
        scope.spawn(move || input.as_mut().map(|input| input.write_all(content)));
        child.wait_with_output()
    });
    let output = output.map_err(failed)?;
    if output.status.success() {
        return piped::read(&output.stdout).map_err(|error| format!("what was read of it does not fit together: {error}"));
    }
    let reason = String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned();
    // Whoever is killed, or kills itself, has no exit code and nothing useful to say.
    let has_reason = output.status.code() == Some(REFUSED) && !reason.is_empty();
    Err(if has_reason { reason } else { "it is damaged: reading it took more memory than there is".to_owned() })
}

const REFUSED: i32 = 3;

/// The child's part.
pub fn serve() -> ExitCode {
    let mut content = Vec::new();
    if let Err(error) = std::io::stdin().read_to_end(&mut content) {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    match labboard_frame::parquet::read(&content) {
        Ok(table) => match std::io::stdout().write_all(&piped::write(&table)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        Err(error) => {
            eprintln!("{}", error.to_string().replace('\n', " "));
            ExitCode::from(REFUSED as u8)
        }
    }
}
