//! `list`, `new` and `check`: scenario files as files.

use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write},
};

use super::{
    account::counted,
    arguments::{ListOptions, NewOptions, PathOptions},
    console::{Console, Paint, Stop},
    corpus,
};
use crate::scenario::{self, Behaviour, Verb};

const TEMPLATE: &str = include_str!("template.toml");

/// Where the template has the name.
const TEMPLATE_NAME: &str = "NAME";

pub(super) fn list(options: &ListOptions, console: &mut Console<'_>) -> Result<u8, Stop> {
    if options.behaviours {
        return list_behaviours(console);
    }
    let entries = corpus::load(&options.path)?;
    let width = entries.iter().map(|entry| entry.scenario.name.len()).max().unwrap_or(0);
    let paint = Paint(console.paint);
    for entry in &entries {
        let scenario = &entry.scenario;
        writeln!(
            console.out,
            "{}  {}, {}{}  {}",
            paint.strong(format_args!("{:width$}", scenario.name)),
            counted(u64::from(scenario.cluster.validators), "validator", "validators"),
            counted(long(scenario.faults.len()), "fault", "faults"),
            match long(scenario.byzantine.len()) {
                0 => String::new(),
                count =>
                    format!(", {}", counted(count, "Byzantine behaviour", "Byzantine behaviours")),
            },
            paint.faint(entry.path.display()),
        )?;
        if !scenario.about.is_empty() {
            writeln!(console.out, "    {}", scenario.about)?;
        }
    }
    Ok(0)
}

fn long(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn list_behaviours(console: &mut Console<'_>) -> Result<u8, Stop> {
    writeln!(console.out, "[[fault]] kind:")?;
    for name in Verb::NAMES {
        let missing = if Verb::is_name_available(name) { "" } else { "   (not in this build)" };
        writeln!(console.out, "  {name}{missing}")?;
    }
    writeln!(console.out, "[[byzantine]] kind:")?;
    for name in Behaviour::NAMES {
        let missing =
            if Behaviour::is_name_available(name) { "" } else { "   (not in this build)" };
        writeln!(console.out, "  {name}{missing}")?;
    }
    Ok(0)
}

pub(super) fn new(options: &NewOptions, console: &mut Console<'_>) -> Result<u8, Stop> {
    if !scenario::is_name(&options.name) {
        return Err(Stop::Usage(format!(
            "{:?} cannot be a scenario's name: use 1 to 64 lower-case letters, digits and hyphens, \
             and begin with a letter",
            options.name
        )));
    }
    let path = options.directory.join(format!("{}.toml", options.name));
    let mut file =
        OpenOptions::new().write(true).create_new(true).open(&path).map_err(|error| match error
            .kind()
        {
            ErrorKind::AlreadyExists => Stop::Usage(format!("{} is there already", path.display())),
            _ => Stop::file(format_args!("cannot write {}", path.display()), &error),
        })?;
    file.write_all(TEMPLATE.replace(TEMPLATE_NAME, &options.name).as_bytes())
        .map_err(|error| Stop::file(format_args!("cannot write {}", path.display()), &error))?;
    let path = corpus::quote(&path.display().to_string());
    writeln!(console.out, "wrote {path}\nnext: cargo sim run {path} --seed 1")?;
    Ok(0)
}

pub(super) fn check(options: &PathOptions, console: &mut Console<'_>) -> Result<u8, Stop> {
    let entries = corpus::load(&options.path)?;
    let paint = Paint(console.paint);
    for entry in &entries {
        writeln!(
            console.out,
            "{}  {}  {}",
            paint.good("sound"),
            entry.scenario.name,
            paint.faint(entry.path.display())
        )?;
    }
    Ok(0)
}
