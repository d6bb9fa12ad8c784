//! Scenario files: what a run consists of, as plain typed data.
//!
//! A [`Scenario`] and a seed decide a run completely. Everything in it is integers: durations in
//! nanoseconds, probabilities in parts per million. Nothing here runs anything; the world reads the
//! data, and `docs/scenarios.md` is the reference of the file format for people.

mod byzantine;
mod condition;
mod fault;
mod model;
mod parse;
mod print;
mod problem;
mod quantity;
mod reader;
mod scalar;
mod tree;
mod words;

pub use self::{
    byzantine::{Behaviour, ByzantineSpec, MessageKind, Mutation, Split, When},
    condition::{CrashPoint, End, NodeName, Selector, Trigger, Until},
    fault::{ClockReading, DiskOp, Fault, InFlight, Links, Partition, Targets, Verb},
    model::{
        Check, Clock, Cluster, Codec, Crypto, Disk, Execution, Expect, Invariant, IoErrors, Jobs,
        LinkModel, LinkOverride, Liveness, Mark, MemoryLimits, Mix, Network, Order, Outcome,
        Pattern, Run, SEED_END, Scenario, SeedRange, StakePlan, Torn, Workload,
    },
    parse::{exercise, is_name, load, parse},
    problem::{Problem, Problems},
    quantity::{Distribution, Ppm, SignedSpan},
    scalar::{span as parse_span, span_text},
};
