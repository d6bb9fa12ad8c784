//! The program `quorate`. See `docs/configuration.md`, or `quorate --help`.

use std::{
    env,
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};

use quorate_node::cli::{self, Console};

/// A node allocates for every message, from many threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let plain = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || env::var_os("TERM").is_some_and(|value| value == "dumb");
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let (paint, live) = (!plain && out.is_terminal(), err.is_terminal());
    let mut console = Console { out: &mut out, err: &mut err, paint, live };
    let exit = cli::main(env::args_os(), env::vars_os(), &mut console);
    // Whoever reads may have gone away; the exit code still tells.
    let _ = out.flush();
    ExitCode::from(exit)
}
