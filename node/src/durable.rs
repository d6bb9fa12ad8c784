//! Names that outlast a power failure.
//!
//! A file's content is durable with its own sync, and its name only with that of the directory it is in: a new
//! file may be gone with the power, and one that was moved or removed may be back. Whoever relies on a name
//! makes, moves and removes it with these.

use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::Path,
};

/// Makes a directory that is not there yet, and those above it.
///
/// # Errors
/// If it is there, or cannot be made.
pub(crate) fn create_directory(path: &Path, mode: u32) -> io::Result<()> {
    let parent = parent(path);
    if !parent.is_dir() {
        ensure_directory(parent)?;
    }
    DirBuilder::new().mode(mode).create(path)?;
    sync_parent(path)
}

/// Makes a directory and those above it, unless they are there.
///
/// # Errors
/// If one cannot be made.
pub(crate) fn ensure_directory(path: &Path) -> io::Result<()> {
    match create_directory(path, 0o777) {
        // Somebody else may have made it a moment ago and not have come as far as this.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {
            sync_parent(path)
        }
        other => other,
    }
}

/// Moves a file or directory within a file system.
///
/// # Errors
/// If it cannot be moved.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_parent(to)?;
    if parent(from) == parent(to) { Ok(()) } else { sync_parent(from) }
}

/// Removes a file.
///
/// # Errors
/// If it cannot be removed.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    sync_parent(path)
}

/// Makes durable which names the directory of a path has.
///
/// # Errors
/// If the directory cannot be read, or the disk fails.
pub(crate) fn sync_parent(path: &Path) -> io::Result<()> {
    File::open(parent(path))?.sync_all()
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn directories_are_made_once_and_names_move() {
        let root = tempfile::tempdir().expect("a directory");
        let deep = root.path().join("a/b/c");
        create_directory(&deep, 0o700).expect("three of them");
        let mode = fs::metadata(&deep).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let again = create_directory(&deep, 0o700).expect_err("there");
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        ensure_directory(&deep).expect("there is fine");
        let (first, second) = (deep.join("first"), root.path().join("second"));
        fs::write(&first, b"content").expect("ours");
        ensure_directory(&first).expect_err("a file is no directory");
        rename(&first, &second).expect("one file system");
        assert!(!first.exists());
        remove(&second).expect("ours");
        remove(&second).expect_err("gone");
    }
}
