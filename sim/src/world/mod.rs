//! The world a cluster lives in: network, disks, clocks, processes, faults and clients.

pub mod clock;
pub mod delay;
pub mod disk;
pub mod keyed;
pub mod log;
pub mod network;
