//! How far the log was durable: what a log that ends early is judged by.
//!
//! After a power failure the end of the log, behind the last sync, may be anything: cut off, zeros, what lay
//! there before. Damage before that point looks the same to whoever reads the log, and must not pass for it.
//! So each sync is followed by its number here, beside the database and outside its log. The number is not
//! waited for: with the power some of the last ones may be lost, and the one that is found is then lower than
//! it could be, but never higher than what was durable.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::Path,
    sync::{Mutex, PoisonError},
};

use crate::durable;

/// RocksDB leaves files alone whose names it does not know.
const NAME: &str = "DURABLE";

/// The number and its checksum: within one sector, so never half of it.
const BYTES: usize = 12;

/// The place of the number.
#[derive(Debug)]
pub(super) struct Mark {
    file: File,
    highest: Mutex<u64>,
}

impl Mark {
    /// The number; `None` if there is none that can be read, as in a copy that somebody else made.
    pub(super) fn read(dir: &Path) -> io::Result<Option<u64>> {
        let file = match File::open(dir.join(NAME)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let mut found = [0; BYTES];
        match file.read_exact_at(&mut found, 0) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        let number: [u8; 8] = found[..8].try_into().expect("eight bytes");
        let number = u64::from_le_bytes(number);
        Ok((encode(number) == found).then_some(number))
    }

    /// Opens it for writing, durably with a number that was never higher.
    pub(super) fn open(dir: &Path, number: u64) -> io::Result<Self> {
        let path = dir.join(NAME);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(&path)?;
        file.write_all_at(&encode(number), 0)?;
        file.sync_all()?;
        durable::sync_parent(&path)?;
        Ok(Self { file, highest: Mutex::new(number) })
    }

    /// Notes that everything up to a number is durable.
    pub(super) fn raise(&self, number: u64) -> io::Result<()> {
        // Whoever panicked here had not changed anything yet, or everything.
        let mut highest = self.highest.lock().unwrap_or_else(PoisonError::into_inner);
        if number > *highest {
            self.file.write_all_at(&encode(number), 0)?;
            *highest = number;
        }
        Ok(())
    }
}

fn encode(number: u64) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    bytes[8..].copy_from_slice(&crc32fast::hash(&number.to_le_bytes()).to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_number_only_rises_and_is_read_back() {
        let dir = tempfile::tempdir().expect("a directory");
        assert_eq!(Mark::read(dir.path()).expect("readable"), None);
        let mark = Mark::open(dir.path(), 7).expect("a disk that works");
        assert_eq!(Mark::read(dir.path()).expect("readable"), Some(7));
        mark.raise(300).expect("a disk that works");
        mark.raise(299).expect("a disk that works");
        assert_eq!(Mark::read(dir.path()).expect("readable"), Some(300));
        for spoilt in [&b""[..], &[0; 11], &[1; 12]] {
            fs::write(dir.path().join(NAME), spoilt).expect("our own file");
            assert_eq!(Mark::read(dir.path()).expect("readable"), None, "{spoilt:?}");
        }
    }
}
