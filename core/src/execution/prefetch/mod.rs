//! Reading a block's cells: all of them at once, each once, before anything runs.
//!
//! A source is asked for sorted, distinct paths in one batch. A read that fails is tried again a few
//! times and then told to the caller; a block never runs on cells that were not read, and an answer
//! that cannot be one is a failure. Nothing here knows how cells are stored.

mod cache;

pub use cache::{Cached, Reads};

use crate::execution::cell::{Cell, CellPath};

/// Times a batch is asked for before its failure is the caller's.
const ATTEMPTS_MAX: u32 = 3;

/// Why cells could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The storage failed. Asking again may help.
    #[error("cells could not be read; check the disk")]
    Failed,
    /// Not one answer per path.
    #[error("{asked} cells were asked for but {answered} answered; the database is damaged")]
    Incomplete {
        /// Paths in the batch.
        asked: usize,
        /// Answers to it.
        answered: usize,
    },
    /// A value that cannot lie at its path.
    #[error("the cell at {0:?} is of another kind than its path; the database is damaged")]
    WrongKind(CellPath),
}

/// Wherever cells are kept.
pub trait CellSource {
    /// One answer per path, in order; `None` where there is no cell.
    ///
    /// `paths` ascend and are distinct. Takes `&mut self` because a read may move a cache or a handle.
    ///
    /// # Errors
    /// If any of them could not be read: never a partial answer.
    fn fetch(&mut self, paths: &[CellPath]) -> Result<Vec<Option<Cell>>, ReadError>;
}

impl<S: CellSource + ?Sized> CellSource for &mut S {
    fn fetch(&mut self, paths: &[CellPath]) -> Result<Vec<Option<Cell>>, ReadError> {
        (**self).fetch(paths)
    }
}

/// Reads a batch, patiently, and checks what can be checked of the answer.
///
/// # Errors
/// If the source failed every time, or answered something that is no answer. The state is untouched,
/// so the block may be executed later.
///
/// # Panics
/// If the paths do not ascend.
pub fn read_all<S: CellSource + ?Sized>(
    source: &mut S,
    paths: &[CellPath],
) -> Result<Vec<Option<Cell>>, ReadError> {
    assert!(paths.is_sorted_by(|a, b| a < b), "paths ascend without repetition");
    let mut attempt = 1;
    loop {
        match source.fetch(paths) {
            Err(ReadError::Failed) if attempt < ATTEMPTS_MAX => attempt += 1,
            result => return check_answer(paths, result?),
        }
    }
}

/// The answer, if it can be one.
fn check_answer(
    paths: &[CellPath],
    cells: Vec<Option<Cell>>,
) -> Result<Vec<Option<Cell>>, ReadError> {
    if cells.len() != paths.len() {
        return Err(ReadError::Incomplete { asked: paths.len(), answered: cells.len() });
    }
    let misfit = |(path, cell): &(&CellPath, &Option<Cell>)| {
        cell.as_ref().is_some_and(|cell| cell.kind().code() != path.get()[0])
    };
    match paths.iter().zip(&cells).find(misfit) {
        Some((path, _)) => Err(ReadError::WrongKind(*path)),
        None => Ok(cells),
    }
}

#[cfg(test)]
mod tests;
