//! The production node: one replica of the Quorate protocol on Tokio, TLS and RocksDB.
//!
//! The protocol is `quorate_core`; this package owns everything around it that touches the world: clocks,
//! threads, disks, sockets, keys, people. See `ARCHITECTURE.md`.

pub mod api;
pub mod capture;
pub mod cli;
pub mod config;
pub mod driver;
mod durable;
pub mod exit;
mod genesis;
mod home;
mod keys;
pub mod metrics;
pub mod network;
pub mod node;
mod page;
pub mod published;
pub mod signer;
pub mod store;
