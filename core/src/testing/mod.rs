//! What tests share: a committee whose keys we hold, strategies for every type that travels, and one
//! fuzz target per decoder.
//!
//! Behind the feature `testing`, so never in a shipped build. Nothing here is part of the protocol.

pub mod cast;
pub mod contract;
pub mod corpus;
pub mod fuzz;
pub mod strategies;
pub mod transcript;
pub mod workload;
