//! Execution once more, as plainly as can be, and workloads to try both on.
//!
//! [`Plain`] knows the rules and nothing of how they are carried out: maps of plain values, wide
//! numbers, every condition asked before anything is changed. [`Workload`] makes transactions that
//! mostly go through, of every kind, by looking at it. Behind the feature `testing`.

mod plain;
mod workload;

pub use self::{
    plain::{Plain, PlainAsset, PlainCoin, PlainEnergy, PlainObject},
    workload::{Draft, Mix, Workload},
};

#[cfg(test)]
mod tests;
