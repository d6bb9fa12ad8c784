//! The few things the sign-state does to its file, so that a test can take the power away between any two.

use std::{fs::File, io, os::unix::fs::FileExt};

/// Somewhere to keep a fixed number of bytes.
pub(super) trait Disk {
    /// All bytes.
    fn read(&self) -> io::Result<Vec<u8>>;
    /// Replaces bytes in place. Durable only after [`Self::sync`].
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Makes everything durable that was written.
    fn sync(&mut self) -> io::Result<()>;
}

impl Disk for File {
    fn read(&self) -> io::Result<Vec<u8>> {
        let length = usize::try_from(self.metadata()?.len()).map_err(io::Error::other)?;
        let mut bytes = vec![0; length.min(super::book::FILE_BYTES + 1)];
        self.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        // The length never changes, so there is no metadata to wait for.
        self.sync_data()
    }
}
