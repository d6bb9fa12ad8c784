//! Segments as files: numbered, appended to, and the oldest one deleted when there is too much.

use std::{
    collections::VecDeque,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use quorate_core::capture::MAGIC;

use super::CaptureOptions;

/// What a segment's file name ends with.
pub(super) const EXTENSION: &str = "qcap";

/// The files of one capture.
pub(super) struct Ring {
    folder: PathBuf,
    bytes_max: u64,
    /// Closed segments, oldest first; looked up when the first segment opens.
    closed: Option<VecDeque<(PathBuf, u64)>>,
    next_number: u64,
    current: Option<(PathBuf, File, u64)>,
}

/// The segments in a folder with their numbers, oldest first. None if there is no folder.
pub(super) fn segments(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        let is_segment = path.extension().is_some_and(|one| one == EXTENSION);
        let number = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
        if let Some(number) = number.filter(|_| is_segment) {
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found)
}

impl Ring {
    pub(super) fn new(options: &CaptureOptions) -> Self {
        Self {
            folder: options.folder.clone(),
            bytes_max: options.bytes_max,
            closed: None,
            next_number: 1,
            current: None,
        }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Bytes of the segment that is being written.
    pub(super) fn segment_bytes(&self) -> u64 {
        self.current.as_ref().map_or(0, |(_, _, bytes)| *bytes)
    }

    /// Closes the segment, if one is open, and opens the next one.
    pub(super) fn open(&mut self) -> io::Result<()> {
        self.look()?;
        if let Some((path, _, bytes)) = self.current.take() {
            self.closed.get_or_insert_default().push_back((path, bytes));
        }
        let path = self.folder.join(format!("{:010}.{EXTENSION}", self.next_number));
        self.next_number += 1;
        let file = File::options().write(true).create_new(true).open(&path)?;
        self.current = Some((path, file, 0));
        self.write(&MAGIC)
    }

    /// Appends to the segment, and makes room for it.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some((_, file, length)) = &mut self.current else { return Ok(()) };
        file.write_all(bytes)?;
        *length += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let current = *length;
        let closed = self.closed.get_or_insert_default();
        let mut total = closed.iter().fold(current, |sum, (_, bytes)| sum.saturating_add(*bytes));
        while total > self.bytes_max {
            let Some((path, bytes)) = closed.pop_front() else { break };
            fs::remove_file(path)?;
            total = total.saturating_sub(bytes);
        }
        Ok(())
    }

    /// Finds what earlier lives have left.
    fn look(&mut self) -> io::Result<()> {
        if self.closed.is_some() {
            return Ok(());
        }
        fs::create_dir_all(&self.folder)?;
        let mut closed = VecDeque::new();
        for (number, path) in segments(&self.folder)? {
            let bytes = fs::metadata(&path)?.len();
            closed.push_back((path, bytes));
            self.next_number = number.saturating_add(1);
        }
        self.closed = Some(closed);
        Ok(())
    }
}
