//! The chain's values as JSON.
//!
//! Digests, keys, addresses and signatures are lower-case hexadecimal. Amounts, nonces and whatever else in
//! a transaction may be any 64-bit number are strings of decimal digits; heights, views, epochs and
//! milliseconds are JSON numbers, which count up from zero and never come near 2^53. What is read has exactly
//! the fields that are written: an unknown one is refused.

mod account;
mod asset;
mod block;
mod consensus;
mod kind;
mod node;
mod refusal;
mod tags;
mod text;
mod transaction;

pub use self::{
    account::*, asset::*, block::*, consensus::*, kind::*, node::*, refusal::*, tags::*, text::*,
    transaction::*,
};

#[cfg(test)]
mod tests;
