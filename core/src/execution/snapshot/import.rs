//! A state from its chunks, whichever comes first.
//!
//! Publishes nothing before everything is there and the root of the whole is the certified one. Holds
//! only what it has verified. After an interruption a new importer of the same manifest is given the
//! chunks that were kept, each of which it checks again, and [`Importer::missing`] says which to fetch.

use std::collections::BTreeMap;

use crate::{
    codec::{self, DecodeError},
    config::Genesis,
    execution::{
        ExecutionState, RestoreError,
        cell::{Cell, CellPath, element},
        cells::Cells,
        snapshot::{CHUNK_BYTES_MAX, Chunk, Manifest, ManifestFault},
    },
    tree::subtree_root,
    types::Digest,
};

/// Why a chunk was refused. Whoever sent it is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChunkFault {
    /// The manifest has no such part.
    #[error("there is no part {0}")]
    NoSuchPart(u32),
    /// Not a chunk at all.
    #[error(transparent)]
    Encoding(#[from] DecodeError),
    /// Cells out of order, or the same twice.
    #[error("the cell at {0:?} is not beyond the one before it")]
    Order(CellPath),
    /// A cell of another part.
    #[error("the cell at {0:?} belongs to another part")]
    Foreign(CellPath),
    /// A cell at a path of another kind.
    #[error("the cell at {0:?} is of another kind")]
    Kind(CellPath),
    /// Cells were changed, added or left out.
    #[error("the cells have the root {found:?}, and the manifest says {expected:?}")]
    Root {
        /// By the manifest.
        expected: Digest,
        /// Of the cells.
        found: Digest,
    },
}

/// Why there is no state yet, or will not be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// Some chunks did not come yet.
    #[error("{0} chunks are missing")]
    Incomplete(u32),
    /// The whole has another root than its parts fold to: a mistake of this program.
    #[error("the cells have the root {found:?}, and {certified:?} was certified")]
    Root {
        /// What was certified.
        certified: Digest,
        /// Of all cells.
        found: Digest,
    },
    /// The cells are no state of the chain with this genesis.
    #[error(transparent)]
    Restore(#[from] RestoreError),
}

/// A state being put together.
#[derive(Clone, Debug)]
pub struct Importer {
    manifest: Manifest,
    certified: Digest,
    /// Verified cells, by the number of their part: together in ascending order.
    held: BTreeMap<u32, Vec<(CellPath, Cell)>>,
}

impl Importer {
    /// Begins with a manifest, for the state whose root was certified.
    ///
    /// # Errors
    /// If the manifest is not of that state.
    pub fn new(manifest: Manifest, certified: Digest) -> Result<Self, ManifestFault> {
        manifest.check(&certified)?;
        Ok(Self { manifest, certified, held: BTreeMap::new() })
    }

    /// What is put together here.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The numbers of the parts that are still wanted, ascending.
    pub fn missing(&self) -> impl Iterator<Item = u32> {
        let parts = u32::try_from(self.manifest.parts.len()).expect("at most 2^16 parts");
        (0..parts).filter(|number| !self.held.contains_key(number))
    }

    /// Upon the bytes of a chunk: checks them against the manifest and keeps the cells. One that is
    /// there already changes nothing.
    ///
    /// # Errors
    /// If they are not the cells of that part. Then nothing changes.
    pub fn on_chunk(&mut self, number: u32, bytes: &[u8]) -> Result<(), ChunkFault> {
        let place = usize::try_from(number).expect("at least 32 bits");
        let part = self.manifest.parts.get(place).ok_or(ChunkFault::NoSuchPart(number))?;
        if self.held.contains_key(&number) {
            return Ok(());
        }
        let cells = codec::decode::<Chunk>(bytes, CHUNK_BYTES_MAX)?.cells.into_inner();
        for pair in cells.windows(2) {
            if pair[0].0 >= pair[1].0 {
                return Err(ChunkFault::Order(pair[1].0));
            }
        }
        let mut leaves = Vec::with_capacity(cells.len());
        for (path, cell) in &cells {
            if !part.prefix.holds(path.get()) {
                return Err(ChunkFault::Foreign(*path));
            }
            if path.get()[0] != cell.kind().code() {
                return Err(ChunkFault::Kind(*path));
            }
            leaves.push((*path.get(), element(path, cell)));
        }
        let (expected, found) = (part.root, subtree_root(part.prefix.depth(), &leaves));
        if found != expected {
            return Err(ChunkFault::Root { expected, found });
        }
        self.held.insert(number, cells);
        Ok(())
    }

    /// The state, once everything is there.
    ///
    /// # Errors
    /// If it is not, or if what is there is not the state that was certified.
    pub fn finish(self, genesis: &Genesis) -> Result<ExecutionState, ImportError> {
        let missing = u32::try_from(self.missing().count()).expect("at most 2^16 parts");
        if missing > 0 {
            return Err(ImportError::Incomplete(missing));
        }
        let cells: Cells = self.held.into_values().flatten().collect();
        let (certified, found) = (self.certified, cells.digest());
        if found != certified {
            return Err(ImportError::Root { certified, found });
        }
        Ok(ExecutionState::restored(genesis, self.manifest.height, cells)?)
    }
}
