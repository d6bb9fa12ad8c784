//! The command `quorate-sim`. See `docs/scenarios.md`, or `quorate-sim --help`.

use std::{
    env,
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use quorate_sim::{
    cli::{self, Console},
    run,
};

/// A run allocates for every message. Of what the allocator asks the system, the world intercepts only
/// the clock, by which it decides when to give memory back and nothing else.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let plain = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || env::var_os("TERM").is_some_and(|value| value == "dumb");
    let (mut out, mut err) = (io::stdout().lock(), io::stderr());
    let (paint, live) = (!plain && out.is_terminal(), err.is_terminal());
    let mut console = Console { out: &mut out, err: &mut err, paint, live };
    let code = cli::main(env::args_os(), run::run, &mut console);
    // Whoever reads may have gone away; the exit code still tells.
    let _ = out.flush();
    ExitCode::from(code)
}
