//! A stretch of the capture as one file, to take elsewhere.
//!
//! Takes whole segments from the last one that begins below the first height, because a replica can be had
//! only where a segment begins, and stops after the step that made a block above the last height final. Works on a
//! folder that a node is writing to: whatever is not whole yet is left out.

use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter, Write},
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use quorate_core::{
    capture::{CaptureError, Frame, Head, MAGIC, Reader},
    types::Height,
};

use super::ring::segments;

/// Why there is no export.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A file cannot be read or written.
    #[error("{path} cannot be used: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Nothing was captured.
    #[error("there is no capture in {0}; switch capturing on in the configuration")]
    Nothing(PathBuf),
    /// The stretch lies outside of what is kept.
    #[error(
        "the capture begins at height {first} and ends at height {last}: ask for heights within"
    )]
    OutOfRange {
        /// The lowest height that can be replayed.
        first: Height,
        /// The highest height that was captured.
        last: Height,
    },
    /// A segment is damaged.
    #[error("{path}: {error}")]
    Damaged {
        /// Which.
        path: PathBuf,
        /// How.
        error: CaptureError,
    },
}

/// What was exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Segments.
    pub segments: u64,
    /// Inputs.
    pub inputs: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// The finalized height where it begins.
    pub first: Height,
    /// The finalized height where it ends.
    pub last: Height,
}

/// Writes the stretch of the capture in `folder` in which `heights` became final to the file `out`.
///
/// # Errors
/// If there is no such stretch, it is damaged, or a file cannot be used.
pub fn export(
    folder: &Path,
    heights: RangeInclusive<Height>,
    out: &Path,
) -> Result<Exported, ExportError> {
    let (from, to) = heights.into_inner();
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| ExportError::File { path, error }
    };
    let mut heads: Vec<(PathBuf, Head)> = Vec::new();
    for (_, path) in segments(folder).map_err(failed(folder))? {
        heads.extend(head(&path)?.map(|head| (path, head)));
    }
    let Some(last) = heads.last() else { return Err(ExportError::Nothing(folder.to_owned())) };
    let first = heads.iter().rposition(|(_, head)| head.height < from);
    let first = first.ok_or_else(|| ExportError::OutOfRange {
        first: heads.first().map_or(Height::ZERO, |(_, head)| head.height.next()),
        last: last.1.height,
    })?;
    let wanted = heads[first..].iter().take_while(|(_, head)| head.height <= to);
    let file = File::create(out).map_err(failed(out))?;
    let mut writer = BufWriter::new(file);
    writer.write_all(&MAGIC).map_err(failed(out))?;
    let height = heads[first].1.height;
    let mut exported = Exported { segments: 0, inputs: 0, bytes: 0, first: height, last: height };
    for (path, _) in wanted {
        copy(path, to, &mut writer, out, &mut exported)?;
    }
    writer.flush().map_err(failed(out))?;
    exported.bytes = fs::metadata(out).map_err(failed(out))?.len();
    if exported.last < from {
        return Err(ExportError::OutOfRange { first: height.next(), last: exported.last });
    }
    Ok(exported)
}

/// What a segment begins with; `None` if it is not written yet.
fn head(path: &Path) -> Result<Option<Head>, ExportError> {
    match open(path)?.next_frame() {
        Ok(Some(Frame::Head(head))) => Ok(Some(head)),
        Ok(None) | Err(CaptureError::Torn(_)) => Ok(None),
        Ok(Some(_)) => Err(damaged(path, CaptureError::OutOfPlace(0))),
        Err(error) => Err(damaged(path, error)),
    }
}

fn open(path: &Path) -> Result<Reader<BufReader<File>>, ExportError> {
    let file =
        File::open(path).map_err(|error| ExportError::File { path: path.to_owned(), error })?;
    Reader::new(BufReader::new(file)).map_err(|error| damaged(path, error))
}

fn damaged(path: &Path, error: CaptureError) -> ExportError {
    ExportError::Damaged { path: path.to_owned(), error }
}

/// Appends a segment, up to the first step that goes beyond a height.
fn copy(
    path: &Path,
    to: Height,
    writer: &mut impl Write,
    out: &Path,
    exported: &mut Exported,
) -> Result<(), ExportError> {
    let mut reader = open(path)?;
    exported.segments += 1;
    let mut bytes = Vec::new();
    loop {
        let frame = match reader.next_raw() {
            Ok(Some(frame)) => frame,
            Ok(None) | Err(CaptureError::Torn(_)) => return Ok(()),
            Err(error) => return Err(damaged(path, error)),
        };
        bytes.clear();
        frame.write(&mut bytes);
        writer
            .write_all(&bytes)
            .map_err(|error| ExportError::File { path: out.to_owned(), error })?;
        exported.inputs += u64::from(frame.is_input());
        if let Some(height) = frame.height_after() {
            exported.last = height;
            if height > to {
                return Ok(());
            }
        }
    }
}
