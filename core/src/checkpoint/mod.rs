//! Checkpoints: what a quorum says the state is after a height.
//!
//! Voting for blocks never waits for execution, so nothing in a block says what came of the one
//! before. Every few heights validators sign what they computed instead, and a quorum of equal
//! signatures is what everybody else may rely on.

mod content;

pub use content::Checkpoint;
