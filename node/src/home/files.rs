//! Files that are written once and whole, and files that nobody else may read.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use super::{failed, mode_of};
use crate::{
    durable,
    exit::{Exit, Failure},
};

/// Writes a file that is not there yet, durably. With mode 0600 nobody else can ever have read it.
///
/// # Errors
/// If it is there, or cannot be written; then nothing was overwritten.
pub(crate) fn create_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Failure> {
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(|error| {
            match error.kind() {
                io::ErrorKind::AlreadyExists => Failure::new(
                    Exit::Usage,
                    format!("{} is there already, and was left alone", path.display()),
                ),
                _ => failed("create", path, &error),
            }
        })?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| durable::sync_parent(path))
        .map_err(|error| failed("write", path, &error))
}

/// Writes a file anew: readers see the old one or the new one, never a part.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let fresh = path.with_extension("new");
    let write = || -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        options.open(&fresh)?.write_all(bytes)?;
        fs::rename(&fresh, path)
    };
    write().map_err(|error| failed("write", path, &error))
}

/// Refuses a file or directory that group or world can do anything with.
///
/// # Errors
/// [`Exit::Key`] with the command that mends it.
pub(crate) fn check_private(path: &Path) -> Result<(), Failure> {
    let metadata = fs::metadata(path).map_err(|error| failed("look at", path, &error))?;
    let mode = mode_of(&metadata);
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let (kind, right) = if metadata.is_dir() { ("directory", 700) } else { ("file", 600) };
    let path = path.display();
    let what = format!(
        "others may use the {kind} {path}: its mode is {mode:04o}; \
         `chmod {right} {path}` mends it, and a key that was readable is better replaced"
    );
    Err(Failure::new(Exit::Key, what))
}
