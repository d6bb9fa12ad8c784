//! Execution of finalized blocks: what transactions do to accounts, and evidence to stakes.
//!
//! The state is typed cells under hashed paths ([`cell`]). One pure function executes a transaction
//! ([`transition`]) and touches only what its bytes declare ([`access`]), through one door ([`ctx`]);
//! a block's transactions run under a scheduler ([`schedule`]) on cells read beforehand ([`prefetch`]).
//! The driver owns the [`ExecutionState`] and runs `Job::Execute` on it; the replica holds only what
//! was asked and answered ([`lane`]). Nothing here checks signatures: a block with a bad one is never
//! voted for.

pub mod access;
pub mod anchor;
mod assets;
pub mod cell;
mod cells;
mod checkpoints;
mod commitment;
pub mod ctx;
pub mod energy;
mod epilogue;
mod kept;
mod kinds;
pub mod lane;
mod ledger;
pub mod lthash;
mod outcome;
mod overlay;
mod payer;
pub mod prefetch;
pub mod schedule;
pub mod snapshot;
mod state;
pub mod transition;
mod undo;
mod work;

pub use anchor::{Anchor, AnchorError, CellProof, CellsProof, ProofError, Proven, ReceiptProof};
pub use assets::AssetSupply;
pub use cell::Account;
pub use cells::Supply;
pub use checkpoints::MADE_MAX as CHECKPOINTS_KEPT;
pub use commitment::{Commitment, verify_cell};
pub use kept::{Kept, KeptRoots, KeptUndo};
pub use lane::Execution;
pub use ledger::{Flow, Ledger};
pub use outcome::{Counts, Detail, ExecutedBlock, Failure, Outcome, Skip, Standing};
pub use schedule::{Executor, Options, Scheduler};
pub use state::{ExecutionState, GenesisError, HeldCells, RestoreError};
pub use undo::{RollbackError, UNDO_HEIGHTS};
pub use work::{Done, Work};

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(any(test, feature = "testing"))]
pub mod model;
#[cfg(test)]
mod tests;
