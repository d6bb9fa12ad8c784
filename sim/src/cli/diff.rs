//! `diff`: the first thing two runs do differently, from traces or from bundles.

use std::{
    fs::File,
    io::{BufRead, Read},
    path::Path,
};

use super::{
    Runner,
    arguments_lab::DiffOptions,
    console::{Console, Paint, Stop},
    difference::Difference,
    keep,
    replay::{self, Traced},
};

/// One side: a trace file, or the run of a bundle.
enum Side {
    File(std::io::BufReader<File>),
    Run(Traced),
}

impl Side {
    fn open(path: &Path, force: bool, runner: Runner) -> Result<Self, Stop> {
        if !is_bundle(path)? {
            return Ok(Self::File(replay::open(path)?));
        }
        let (bundle, scenario) = keep::read(path)?;
        replay::check_build(&bundle, force)?;
        let entry = replay::entry(path, scenario);
        Ok(Self::Run(Traced::of(&entry, &bundle, runner)?))
    }

    fn reader(&mut self) -> &mut dyn BufRead {
        match self {
            Self::File(reader) => reader,
            Self::Run(traced) => &mut traced.reader,
        }
    }
}

pub(super) fn diff(
    options: &DiffOptions,
    runner: Runner,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let mut one = Side::open(&options.one, options.force, runner)?;
    let mut other = Side::open(&options.other, options.force, runner)?;
    let found = Difference::between(one.reader(), other.reader())
        .map_err(|error| Stop::file("cannot read a trace", &error))?;
    let paint = Paint(console.paint);
    match found {
        Ok(count) => {
            let count = super::account::counted(count, "observation", "observations");
            writeln!(console.out, "{}: {count}", paint.good("equal"))?;
            Ok(0)
        }
        Err(difference) => {
            difference.show(["A", "B"], console.out, paint)?;
            Ok(22)
        }
    }
}

/// A trace has an observation on every line; a bundle is one object over many lines.
fn is_bundle(path: &Path) -> Result<bool, Stop> {
    let file = File::open(path)
        .map_err(|error| Stop::Usage(format!("cannot read {}: {error}", path.display())))?;
    let mut head = Vec::new();
    file.take(4_096)
        .read_to_end(&mut head)
        .map_err(|error| Stop::file(format_args!("cannot read {}", path.display()), &error))?;
    let first = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(first.trim_ascii() == b"{" || first.starts_with(b"{\"bundle\""))
}
