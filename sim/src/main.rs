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
