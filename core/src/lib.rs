//! The Quorate protocol: a BFT replicated ledger as a pure state machine.
//!
//! One validator is one [`replica::Replica`]: a value that takes inputs and appends effects. It has
//! no IO, no clock, no threads and no ambient randomness, so equal inputs give equal effects
//! wherever it runs. See `ARCHITECTURE.md` for the house and `docs/protocol.md` for the rules.

pub mod block;
pub mod capture;
pub mod certificate;
pub mod checkpoint;
pub mod codec;
pub mod committee;
pub mod compact;
pub mod config;
mod consensus;
pub mod crypto;
pub mod digest;
pub mod effect;
pub mod event;
pub mod evidence;
pub mod execution;
pub mod frame;
pub mod job;
pub mod leader;
pub mod mempool;
pub mod merkle;
pub mod message;
mod notice;
#[cfg(feature = "planted-bugs")]
pub mod planted;
#[cfg(not(feature = "planted-bugs"))]
mod planted;
pub mod proof;
pub mod random;
pub mod replica;
pub mod signer;
pub mod store;
mod sync;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod time;
pub mod transaction;
pub mod tree;
pub mod types;
pub mod vote;
mod vote_set;
