//! A state's manifest and chunks, straight from its cells and its tree.

use crate::{
    codec::{self, Bounded},
    execution::{
        ExecutionState,
        cell::{Cell, CellPath},
        snapshot::{
            CHUNK_BYTES_MAX, CHUNK_BYTES_TARGET, Chunk, Manifest, PART_DEPTH_MAX, PART_DEPTH_MIN,
            Part,
        },
    },
    tree::{Path, Prefix, Tree, bit},
};

/// A cell's path, and the bytes of all cells before it.
type Measured = (Path, u64);

impl ExecutionState {
    /// How this state is cut into chunks. Walks over all cells once.
    ///
    /// # Panics
    /// If the state needs more parts than a manifest holds: then it is time for another format.
    #[must_use]
    pub fn manifest(&self) -> Manifest {
        self.manifest_cut_at(CHUNK_BYTES_TARGET)
    }

    /// As [`Self::manifest`], with chunks of another size: for tests.
    pub(super) fn manifest_cut_at(&self, bytes_target: u64) -> Manifest {
        let mut measured = Vec::new();
        let mut end = 0;
        for cell in self.cells().range(CellPath::from_raw([0; 32])) {
            measured.push((*cell.0.get(), end));
            end += u64::try_from(codec::encode(&cell).len()).expect("a cell is short");
        }
        let mut parts = Vec::new();
        cut(self.cells().tree(), bytes_target, &measured, end, Prefix::ROOT, &mut parts);
        Manifest { height: self.height(), parts: Bounded::new(parts) }
    }

    /// The encoded chunk of one part of this state's manifest.
    ///
    /// `None` if no honest manifest has such a part: if it is too large or empty.
    #[must_use]
    pub fn chunk(&self, prefix: &Prefix) -> Option<Vec<u8>> {
        let mut cells: Vec<(CellPath, Cell)> = Vec::new();
        let mut bytes = 0;
        for (path, cell) in self.cells().range(CellPath::from_raw(*prefix.path())) {
            if !prefix.holds(path.get()) {
                break;
            }
            bytes += codec::encode(&(path, cell)).len();
            if bytes + size_of::<u32>() > CHUNK_BYTES_MAX {
                return None;
            }
            cells.push((*path, cell.clone()));
        }
        (!cells.is_empty()).then(|| codec::encode(&Chunk { cells: Bounded::new(cells) }))
    }
}

/// Cuts the subtree of these cells, of which the last ends at `end`, until every part is small.
fn cut(
    tree: &Tree,
    bytes_target: u64,
    cells: &[Measured],
    end: u64,
    prefix: Prefix,
    parts: &mut Vec<Part>,
) {
    let Some((_, begin)) = cells.first() else { return };
    let small = end - begin <= bytes_target || cells.len() == 1;
    let depth = prefix.depth();
    if depth >= PART_DEPTH_MIN && (small || depth == PART_DEPTH_MAX) {
        parts.push(Part { prefix, root: tree.subtree(&prefix) });
        return;
    }
    let (left, right) = cells.split_at(cells.partition_point(|(path, _)| bit(path, depth) == 0));
    let middle = right.first().map_or(end, |(_, begin)| *begin);
    cut(tree, bytes_target, left, middle, prefix.child(0), parts);
    cut(tree, bytes_target, right, end, prefix.child(1), parts);
}
