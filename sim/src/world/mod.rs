//! The world a cluster lives in: network, disks, clocks, processes, faults and clients.

use std::sync::{Mutex, MutexGuard, PoisonError};

pub mod account;
pub mod clock;
pub mod cluster;
pub mod common;
pub mod delay;
pub mod disk;
pub mod fabric;
pub mod faults;
pub mod host;
pub mod keyed;
pub mod keys;
pub mod log;
pub mod network;
pub mod node;
pub mod panics;
#[cfg(feature = "planted-unordered-map")]
pub mod planted;
pub mod platter;
pub mod play;
pub mod records;
pub mod select;
pub mod verifier;
pub mod wallets;
pub mod workload;

/// A run is one thread, so a lock is never contended; a panic elsewhere ends the run anyway.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
