//! What happened in a run: one list of observations, in the order of world time.
//!
//! The world makes observations; everything that judges, counts, prints or compares a run reads them
//! and nothing else. Nothing here decides whether what happened was right: see [`crate::check`].

pub mod describe;
pub mod encode;
pub mod hash;
pub mod jsonl;
pub mod observation;
pub mod recorder;

pub use hash::{CHECKPOINT_EVERY, TraceHash, first_difference};
pub use observation::{DownReason, DropReason, Fingerprint, NodeIndex, Observation, Parcel, What};
pub use recorder::{Keep, Recorder};

#[cfg(test)]
mod tests;
