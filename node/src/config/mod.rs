//! What an operator chooses: one TOML file, and what is laid over it.
//!
//! Every setting is declared once, in `settings.rs`; its type says what values it takes, and its
//! description is the reference page. An unknown key, a wrong type or an impossible value is an error
//! that shows the place and says how to mend it; nothing is ignored. Secrets are given as paths only.

mod docs;
mod load;
mod problem;
mod schema;
mod settings;
mod table;
mod value;

#[cfg(test)]
mod tests;

pub(crate) use self::{
    docs::{file, reference},
    load::{Loaded, Overrides, load, parse, read_file},
    problem::{Problem, Problems, Source, offset},
    schema::schema,
    settings::SECTIONS,
    value::{bytes, duration, duration_text, hex32, in_units, peer, resolve, with_unit},
};
pub use self::{
    settings::*,
    value::{Count, Kept, LogFilter, LogFormat, Mode, Peer, Pinned, Size, Time},
};
