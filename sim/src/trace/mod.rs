//! What happened in a run: one list of observations, in the order of world time.
//!
//! The world makes observations; everything that judges, counts, prints or compares a run reads them
//! and nothing else. Nothing here decides whether what happened was right: see [`crate::check`].

pub mod observation;

pub use observation::{
    CrashPoint, DownReason, DropReason, Fingerprint, NodeIndex, Observation, Parcel, What,
};
