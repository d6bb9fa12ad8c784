//! Execution of finalized blocks: what transactions do to accounts, and evidence to stakes.
//!
//! The state is typed cells under hashed paths ([`cell`]). One pure function executes a transaction
//! ([`transition`]) and touches only what its bytes declare ([`access`]); a block's effects are folded in order by one thread ([`state`]). The driver owns
//! the [`ExecutionState`] and runs `Job::Execute` on it; the replica holds only what was asked and
//! answered ([`lane`]). Nothing here checks signatures: a block with a bad one is never voted for.

pub mod access;
pub mod cell;
mod cells;
pub mod lane;
pub mod lthash;
mod outcome;
mod overlay;
mod state;
pub mod transition;

pub use cell::Account;
pub use cells::Supply;
pub use lane::Execution;
pub use outcome::{Counts, ExecutedBlock, Failure, Outcome, Skip, Standing};
pub use state::{ExecutionState, GenesisError};

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
