//! One process uses a home at a time.
//!
//! The operating system drops the lock with the process, however it ends, so there is nothing to clean
//! up after a crash. What the file says is for people only.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read as _, Seek as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    process,
};

use super::{Home, failed};
use crate::exit::{Exit, Failure};

/// Held for as long as this value lives.
#[derive(Debug)]
pub(crate) struct HomeLock {
    _file: File,
}

impl HomeLock {
    /// Takes the lock of a home.
    ///
    /// # Errors
    /// [`Exit::Busy`] if another process has it, with its number.
    pub(crate) fn take(home: &Home) -> Result<Self, Failure> {
        let path = home.lock_file();
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|error| failed("open", &path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Who it is helps, but is not needed.
                let _ = file.read_to_string(&mut holder);
                let holder = match holder.trim() {
                    "" => "another process".to_owned(),
                    number => format!("process {number}"),
                };
                let what = format!("{holder} uses the home {}", home.root().display());
                return Err(Failure::new(Exit::Busy, what));
            }
            Err(TryLockError::Error(error)) => return Err(failed("lock", &path, &error)),
        }
        let told = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(process::id().to_string().as_bytes()));
        told.map_err(|error| failed("write", &path, &error))?;
        Ok(Self { _file: file })
    }
}
