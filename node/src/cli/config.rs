//! `quorate config`: what counts, where it comes from, what is wrong.

use super::{
    Console,
    arguments::{ConfigCommand, HomeOptions, ShowOptions},
};
use crate::{
    config::{self, Loaded, Overrides, SECTIONS},
    exit::Failure,
    home::Home,
};

pub(super) fn config(
    command: &ConfigCommand,
    environment: Overrides,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    match command {
        ConfigCommand::Check(options) => check(options, environment, console),
        ConfigCommand::Show(options) => show(options, environment, console),
        ConfigCommand::Schema => {
            let text = serde_json::to_string_pretty(&config::schema());
            console.line(text.expect("plain data becomes JSON"))
        }
        ConfigCommand::Docs => console.text(format_args!("{}", config::reference())),
    }
}

/// The configuration of a home with everything that is laid over it.
pub(super) fn load(options: &HomeOptions, mut overrides: Overrides) -> Result<Loaded, Failure> {
    overrides.set.extend(options.set.iter().cloned());
    config::load(&Home::at(&options.home).config_file(), &overrides)
}

fn check(
    options: &HomeOptions,
    environment: Overrides,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let loaded = load(options, environment)?;
    let home = Home::at(&options.home);
    home.check(&loaded.config)?;
    let genesis = &loaded.config.genesis;
    let genesis = crate::genesis::load(&home.resolve(&genesis.file), genesis.hash.0)?;
    console.line(format_args!("{} is good", home.config_file().display()))?;
    console.line(format_args!("genesis {}", genesis.digest()))
}

fn show(
    options: &ShowOptions,
    environment: Overrides,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let loaded = load(&options.home, environment)?;
    for (position, section) in SECTIONS.iter().enumerate() {
        if position > 0 {
            console.line("")?;
        }
        console.line(format_args!("[{}]", section.name))?;
        for key in section.keys {
            let value = loaded.config.print(section.name, key.name);
            let entry = format!("{} = {value}", key.name);
            if options.origin {
                let origin = loaded.origin(section.name, key.name);
                // After a list over several lines the comment follows its end.
                let width = 44_usize.saturating_sub(entry.lines().last().unwrap_or("").len());
                let note = console.faint(format_args!("# {origin}"));
                console.line(format_args!("{entry}{}{note}", " ".repeat(width.max(1))))?;
            } else {
                console.line(entry)?;
            }
        }
    }
    Ok(())
}
