//! Parquet, read in a process of its own: a damaged file can make its reader ask for more memory than there is, and
//! that ends the process. Columns come one after the other, so that neither process holds the table.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::OnceLock;

use labboard_frame::parquet::ParquetFile;
use labboard_openml::Limits;
use labboard_openml::table::{Feature, Table};

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
    let mut features = Vec::new();
    let each = |feature| {
        features.push(feature);
        Ok::<_, String>(())
    };
    match READER.get() {
        Some(program) => in_child(program, Input::Bytes(content), each)?,
        None => each_of(&open(ParquetFile::of_bytes(content, &Limits::default()))?, each)?,
    }
    Ok(Table { features, ..Table::default() })
}

/// Hands out the features of a file that nobody changes meanwhile, one by one, until one is refused.
///
/// # Errors
/// One line: what is wrong with the file; or why a feature was refused.
pub fn read_file<E: From<String>>(file: File, each: impl FnMut(Feature) -> Result<(), E>) -> Result<(), E> {
    match READER.get() {
        Some(program) => in_child(program, Input::File(file), each),
        None => each_of(&open(ParquetFile::of_file(file, &Limits::default()))?, each),
    }
}

fn open<'a>(file: Result<ParquetFile<'a>, labboard_frame::parquet::ParquetError>) -> Result<ParquetFile<'a>, String> {
    file.map_err(|error| error.to_string())
}

fn each_of<E: From<String>>(file: &ParquetFile<'_>, mut each: impl FnMut(Feature) -> Result<(), E>) -> Result<(), E> {
    for columns in file.batches() {
        file.read(columns).map_err(|error| error.to_string())?.into_iter().try_for_each(&mut each)?;
    }
    Ok(())
}

enum Input<'a> {
    Bytes(&'a [u8]),
    File(File),
}

fn in_child<E: From<String>>(program: &PathBuf, content: Input<'_>, mut each: impl FnMut(Feature) -> Result<(), E>) -> Result<(), E> {
    let failed = |error: std::io::Error| format!("the reader of Parquet could not be started: {error}");
    let (stdin, bytes) = match content {
        Input::Bytes(bytes) => (Stdio::piped(), Some(bytes)),
        Input::File(file) => (Stdio::from(file), None),
    };
    let mut child =
        Command::new(program).arg(COMMAND).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(failed)?;
    let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let mut refused = None;
    let (read, said) = std::thread::scope(|scope| {
        // A child that gives up early closes its input; what it says about it counts.
        scope.spawn(move || input.zip(bytes).map(|(mut input, bytes)| input.write_all(bytes)));
        let said = scope.spawn(move || {
            let mut said = Vec::new();
            errors.map(|mut errors| errors.read_to_end(&mut said));
            said
        });
        let each = |feature| {
            each(feature).map_err(|error| {
                refused = Some(error);
                String::new()
            })
        };
        // Closed at the end, so that a child whose columns nobody wants ends too.
        let read = output.map_or(Ok(()), |output| piped::read(&mut BufReader::with_capacity(BUFFER, output), each));
        (read, said.join().unwrap_or_default())
    });
    let status = child.wait().map_err(failed)?;
    if let Some(error) = refused {
        return Err(error);
    }
    if status.success() {
        return read.map_err(|error: String| format!("what was read of it does not fit together: {error}").into());
    }
    let reason = String::from_utf8_lossy(&said).lines().last().unwrap_or_default().to_owned();
    // Whoever is killed, or kills itself, has no exit code and nothing useful to say.
    let has_reason = status.code() == Some(REFUSED) && !reason.is_empty();
    Err(if has_reason { reason } else { "it is damaged: reading it took more memory than there is".to_owned() }.into())
}

const REFUSED: i32 = 3;
const BUFFER: usize = 1 << 17;

/// The child's part.
pub fn serve() -> ExitCode {
    match convert() {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Refused(reason)) => {
            eprintln!("{}", reason.replace('\n', " "));
            ExitCode::from(REFUSED as u8)
        }
        Err(Failure::Pipe(error)) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

enum Failure {
    /// What is wrong with the file.
    Refused(String),
    Pipe(std::io::Error),
}

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Self::Refused(reason)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Pipe(error)
    }
}

fn convert() -> Result<(), Failure> {
    let mut input = File::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    let mut content = Vec::new();
    let file = if input.metadata()?.is_file() {
        ParquetFile::of_file(input, &Limits::default())
    } else {
        input.read_to_end(&mut content)?;
        ParquetFile::of_bytes(&content, &Limits::default())
    };
    let file = open(file)?;
    let mut out = BufWriter::with_capacity(BUFFER, std::io::stdout().lock());
    piped::write_size(&mut out, file.rows(), file.columns())?;
    each_of(&file, |feature| Ok::<_, Failure>(piped::write(&mut out, &feature)?))?;
    Ok(out.flush()?)
}
