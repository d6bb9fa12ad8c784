//! Real sockets on the loopback: honest nodes, hostile ones, and what each costs.

mod honest;
mod hostile;
mod talk;
pub(super) mod world;
