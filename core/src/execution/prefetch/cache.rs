//! A bounded cache of cells in front of a source.
//!
//! Two generations, each an ordered map of at most half the capacity: what is used moves to the young
//! one; when that is full it becomes the old one, and the old one is dropped. So a cell used within the
//! last half capacity of distinct cells is always held, all operations are of logarithmic cost, and two
//! runs with the same reads hold the same cells. The known alternative, `quick_cache`, is faster per hit
//! but hashes with a random key and shards over locks; the core has neither, and a driver that wants it
//! can put it behind [`CellSource`].
//!
//! Absence is cached like presence. Whoever commits a block must tell the cache what it wrote.

use std::{collections::BTreeMap, mem};

use crate::execution::{
    cell::{Cell, CellPath},
    prefetch::{CellSource, ReadError, check_answer},
};

/// What a cache was asked and answered since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// Cells asked for.
    pub asked: u64,
    /// Of those, answered from memory.
    pub hits: u64,
    /// Of those, read from the source.
    pub fetched: u64,
}

/// A source with a bounded memory of what was read and written last.
#[derive(Clone, Debug)]
pub struct Cached<S> {
    source: S,
    /// Cells either generation may hold.
    half: usize,
    young: BTreeMap<CellPath, Option<Cell>>,
    old: BTreeMap<CellPath, Option<Cell>>,
    reads: Reads,
}

impl<S> Cached<S> {
    /// Holds at most `cells_max` cells, at least two.
    #[must_use]
    pub fn new(source: S, cells_max: usize) -> Self {
        let half = (cells_max / 2).max(1);
        Self { source, half, young: BTreeMap::new(), old: BTreeMap::new(), reads: Reads::default() }
    }

    /// What was asked and answered so far.
    #[must_use]
    pub fn reads(&self) -> Reads {
        self.reads
    }

    /// The source.
    pub fn source_mut(&mut self) -> &mut S {
        &mut self.source
    }

    /// How many cells are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Upon a commit: takes over what a block wrote, as it is in the source from now on.
    pub fn on_committed(&mut self, writes: &[(CellPath, Option<Cell>)]) {
        for (path, cell) in writes {
            self.old.remove(path);
            self.hold(*path, cell.clone());
        }
    }

    /// Forgets everything: after anything but a commit changed the source.
    pub fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }

    fn look_up(&mut self, path: &CellPath) -> Option<Option<Cell>> {
        if let Some(cell) = self.young.get(path) {
            return Some(cell.clone());
        }
        let cell = self.old.remove(path)?;
        self.hold(*path, cell.clone());
        Some(cell)
    }

    fn hold(&mut self, path: CellPath, cell: Option<Cell>) {
        if self.young.len() >= self.half && !self.young.contains_key(&path) {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(path, cell);
        assert!(self.len() <= 2 * self.half, "{} cells held, {} per half", self.len(), self.half);
    }
}

impl<S: CellSource> CellSource for Cached<S> {
    fn fetch(&mut self, paths: &[CellPath]) -> Result<Vec<Option<Cell>>, ReadError> {
        let mut cells = Vec::with_capacity(paths.len());
        let (mut missing, mut places) = (Vec::new(), Vec::new());
        for path in paths {
            let held = self.look_up(path);
            if held.is_none() {
                missing.push(*path);
                places.push(cells.len());
            }
            cells.push(held.unwrap_or_default());
        }
        if !missing.is_empty() {
            let fetched = check_answer(&missing, self.source.fetch(&missing)?)?;
            for ((place, path), cell) in places.into_iter().zip(&missing).zip(fetched) {
                self.hold(*path, cell.clone());
                cells[place] = cell;
            }
        }
        let count = |cells: usize| u64::try_from(cells).expect("a block has few cells");
        self.reads.asked += count(paths.len());
        self.reads.fetched += count(missing.len());
        self.reads.hits += count(paths.len() - missing.len());
        Ok(cells)
    }
}
