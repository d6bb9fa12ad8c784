//! Pictures of runs and of sweeps: one HTML file each, which needs nothing beside itself.
//!
//! A page loads nothing and forbids itself to: its content security policy allows its own script and
//! style by their hashes and nothing else. What it says in words is in the HTML; what it draws is in
//! one packed block ([`pack`]) that the script unpacks. Nothing here decides anything about a run.

mod escape;
pub mod index;
pub mod pack;
mod page;
mod shell;
mod story;
#[cfg(test)]
mod tests;

pub use self::{
    index::{Cell, index_page},
    pack::{PackOptions, Packed},
    page::{compare_page, run_page},
};
