//! The command `quorate-sim`: what people type, what they read, and the exit code.
//!
//! Nothing here decides how a run goes: a [`Runner`] makes a run out of a scenario and a seed, and
//! everything else is finding files, spreading seeds, comparing and printing. Accounts and results go
//! to standard output, complaints and progress to standard error.

mod account;
mod arguments;
mod arguments_lab;
mod campaign;
mod capture;
mod console;
mod corpus;
mod crew;
mod diff;
mod difference;
mod exec;
mod files;
#[cfg_attr(not(feature = "planted-bugs"), path = "ungraded.rs")]
mod grade;
mod histories;
mod keep;
mod merge;
mod points;
mod progress;
mod prove;
mod replay;
mod report;
mod results;
mod run;
mod shrink;
mod swarm;
mod sweep;
#[cfg(test)]
mod tests;
mod twins;

use std::{ffi::OsString, io::Write};

use clap::Parser as _;

use self::arguments::{Arguments, Command};
pub use self::console::Console;
use crate::{
    report::{RunOptions, RunReport},
    scenario::Scenario,
};

/// Makes one run. Must not panic, and must not depend on anything but its arguments.
pub type Runner = fn(&Scenario, u64, &RunOptions) -> RunReport;

/// Runs one command and gives the exit code of the process.
///
/// `arguments` begins with the program's name, as from the operating system.
pub fn main(
    arguments: impl IntoIterator<Item = OsString>,
    runner: Runner,
    console: &mut Console<'_>,
) -> u8 {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are what was asked for, not mistakes.
            let text = if console.paint {
                error.render().ansi().to_string()
            } else {
                error.render().to_string()
            };
            let (sink, code): (&mut dyn Write, u8) =
                if error.use_stderr() { (console.err, 2) } else { (console.out, 0) };
            // A reader that has gone away needs no help.
            let _ = sink.write_all(text.as_bytes());
            return code;
        }
    };
    let result = match arguments.command {
        Command::List(options) => files::list(&options, console),
        Command::New(options) => files::new(&options, console),
        Command::Check(options) => files::check(&options, console),
        Command::Run(options) => run::run(&options, runner, console),
        Command::Sweep(options) => sweep::sweep(&options, runner, console),
        Command::Merge(options) => merge::merge(&options, console),
        Command::Report(options) => report::report(&options, runner, console),
        Command::Explain(options) => report::explain(&options, runner, console),
        Command::Prove(options) => prove::prove(&options, console),
        Command::Replay(options) if capture::is_capture(&options.bundle) => {
            capture::replay(&options, console)
        }
        Command::Replay(options) => replay::replay(&options, runner, console),
        Command::Diff(options) => diff::diff(&options, runner, console),
        Command::Swarm(options) => swarm::swarm(&options, runner, console),
        Command::Twins(options) => twins::twins(&options, runner, console),
        Command::Shrink(options) => shrink::shrink(&options, runner, console),
        Command::Grade(options) => grade::grade(&options, runner, console),
        Command::Exec(command) => exec::exec(&command, console),
    };
    match result {
        Ok(code) => code,
        Err(stop) => stop.explain(console),
    }
}

/// How grave an exit code is. Of several runs the gravest decides.
const fn gravity(code: u8) -> u8 {
    match code {
        0 => 0,
        24 => 1,
        25 => 2,
        30 => 3,
        21 => 4,
        22 => 5,
        23 => 6,
        20 => 7,
        _ => 8,
    }
}

/// The graver of two exit codes.
const fn graver(one: u8, other: u8) -> u8 {
    if gravity(one) >= gravity(other) { one } else { other }
}
