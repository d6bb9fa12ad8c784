//! The seeded world in which Quorate's protocol is tried.
#[cfg(not(madsim))]
compile_error!(
    "quorate-sim needs `--cfg madsim`, which .cargo/config.toml sets. RUSTFLAGS in the environment \
     replaces it: unset RUSTFLAGS, or add `--cfg madsim` to it."
);

pub mod byzantine;
pub mod check;
pub mod cli;
pub mod coverage;
pub mod explain;
pub mod history;
pub mod junit;
pub mod lab;
pub mod perfetto;
pub mod report;
pub mod report_html;
pub mod run;
pub mod scenario;
pub mod trace;
pub mod world;
