//! Secrets that live in the data directory.

use std::io::{self, Write};
use std::path::Path;

/// 128 random bits as 32 hexadecimal digits.
pub fn fresh() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// Writes a secret durably to a file that only its owner may read.
///
/// # Errors
/// The file cannot be written.
pub fn write(path: &Path, secret: &str) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(secret.as_bytes())?;
    file.sync_all()
}
