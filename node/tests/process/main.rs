//! The program as it is shipped, many of it at a time, killed in every way.
//!
//! Real processes on the loopback interface, with ports that nobody else has. Nothing here depends on how
//! long something takes, except that it comes to an end, and that a view change takes seconds; other
//! durations are printed, not judged. The processes
//! end with the test however it ends, because each watches a pipe from it.

#![expect(clippy::print_stdout, reason = "what was measured is told, not judged")]

mod captures;
mod cluster;
mod crashes;
mod damage;
mod disk;
mod hostile;
mod namespaces;
mod partition;
mod refusals;
mod running;
mod steady;
mod versions;
mod wallet;
