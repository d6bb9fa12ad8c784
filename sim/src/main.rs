//! The command `quorate-sim`.

use std::{
    env,
    io::{self, IsTerminal as _},
    process::ExitCode,
};

use quorate_sim::{
    cli::{self, Console},
    run::run,
};

fn main() -> ExitCode {
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let (paint, live) = (out.is_terminal(), err.is_terminal());
    let mut console = Console { out: &mut out, err: &mut err, paint, live };
    ExitCode::from(cli::main(env::args_os(), run, &mut console))
}
