//! The command `quorate`: what people type, what they read, and the exit code.
//!
//! Commands put values together and print results; what they do is done by the modules beside this one.
//! No command reads a secret from the command line or the environment, or prints one.

mod arguments;
mod capture;
mod client;
mod completions;
mod config;
mod console;
mod db;
mod dev;
mod doctor;
mod genesis;
mod init;
mod key;
mod light;
mod load;
mod metrics;
mod node_home;
mod probe;
mod recover;
mod start;
mod status;
mod testnet;
mod tx;
mod version;

#[cfg(test)]
mod tests;

use std::ffi::OsString;

use clap::Parser as _;

use self::arguments::{Arguments, Command, PeersCommand};
pub use self::console::Console;
use crate::{
    config::Overrides,
    exit::{Exit, Failure},
};

/// Runs one command and says what the process ends with.
///
/// `arguments` begins with the program's name; `variables` is the environment.
pub fn main(
    arguments: impl IntoIterator<Item = OsString>,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    console: &mut Console<'_>,
) -> Exit {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return explain_usage(&error, console),
    };
    let result = Overrides::from_environment(variables)
        .and_then(|environment| run(arguments.command, environment, console));
    match result {
        Ok(()) => Exit::Clean,
        Err(Failure { exit: Exit::Clean, .. }) => Exit::Clean,
        Err(failure) => {
            console.note(format_args!("error: {failure}"));
            failure.exit
        }
    }
}

fn run(command: Command, environment: Overrides, console: &mut Console<'_>) -> Result<(), Failure> {
    match command {
        Command::Dev(options) => dev::dev(&options, console),
        Command::Start(options) => start::start(&options, environment, console),
        Command::Status(options) => status::status(&options, console),
        Command::Doctor(options) => doctor::doctor(&options, environment, console),
        Command::Peers(PeersCommand::List(options)) => status::list(&options, console),
        Command::Peers(PeersCommand::Probe(options)) => {
            probe::probe(&options, environment, console)
        }
        Command::Tx(command) => tx::tx(&command, console),
        Command::Load(options) => load::load(&options, console),
        Command::Db(command) => db::db(&command, environment, console),
        Command::Capture(command) => capture::capture(&command, console),
        Command::Recover(options) => recover::recover(&options, environment, console),
        Command::Init(options) => init::init(&options, console),
        Command::Testnet(command) => testnet::testnet(&command, console),
        Command::Config(command) => config::config(&command, environment, console),
        Command::Key(command) => key::key(&command, console),
        Command::Genesis(command) => genesis::genesis(&command, console),
        Command::Metrics(command) => metrics::metrics(&command, console),
        Command::Light(command) => light::light(&command, console),
        Command::Completions(options) => completions::completions(&options, console),
        Command::Version(options) => version::version(&options, console),
    }
}

/// Help and version are what was asked for; everything else is a mistake.
fn explain_usage(error: &clap::Error, console: &mut Console<'_>) -> Exit {
    let rendered = error.render();
    let text = if console.paint { rendered.ansi().to_string() } else { rendered.to_string() };
    if error.use_stderr() {
        let _ = console.err.write_all(text.as_bytes());
        return Exit::Usage;
    }
    // A reader that has gone away needs no help.
    let _ = console.out.write_all(text.as_bytes());
    Exit::Clean
}
