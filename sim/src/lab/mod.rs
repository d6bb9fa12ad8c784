//! The fault laboratory: failures kept, made at random, made small, and enumerated.
//!
//! Nothing here prints, and nothing here decides how a run goes: this is what the commands `replay`,
//! `swarm`, `shrink` and `twins` are made of. `docs/laboratory.md` is the reference for people.

pub mod bundle;
#[cfg(feature = "planted-bugs")]
pub mod grade;
pub mod shrink;
pub mod signature;
pub mod swarm;
pub mod twins;

pub use self::{
    bundle::{Build, Bundle, BundleError},
    signature::signature,
};
