//! `exec`: tools around the execution of blocks.
//!
//! `replay` runs the block of an execution record again under every scheduler and compares with what
//! the record says. Equal schedulers that also agree with the record mean that this build is not the
//! one that made it, or that the machine was at fault.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use quorate_core::{
    execution::{
        Scheduler,
        schedule::{Inline, Mismatch, Run},
    },
    random::Seed,
};

use super::{
    arguments::{ExecCommand, RecordOptions},
    console::{Console, Paint, Stop},
};

/// Shuffled orders tried besides the one in the record.
const SHUFFLES: u64 = 16;

pub(super) fn exec(command: &ExecCommand, console: &mut Console<'_>) -> Result<u8, Stop> {
    match command {
        ExecCommand::Replay(options) => replay(options, console),
    }
}

fn replay(options: &RecordOptions, console: &mut Console<'_>) -> Result<u8, Stop> {
    let found = read(&options.file)?;
    let paint = Paint(console.paint);
    writeln!(
        console.out,
        "{}",
        paint.strong(format_args!(
            "height {}: {} transactions, {} cells",
            found.params.height,
            found.transactions.len(),
            found.cells.len()
        ))
    )?;
    let recorded = match found.sequential.difference(&found.other) {
        None => "equal".to_owned(),
        Some(difference) => difference.to_string(),
    };
    writeln!(console.out, "recorded: in order against {}: {recorded}", name(found.scheduler))?;
    let mut code = 0;
    for scheduler in schedulers(found.scheduler) {
        let again = catch_unwind(AssertUnwindSafe(|| found.run(scheduler, &Inline)));
        let (verdict, shown) = verdict(&found, again.as_ref().ok());
        let shown = paint.by_code(verdict, shown);
        writeln!(console.out, "now: {}: {shown}", name(scheduler))?;
        code = super::graver(code, verdict);
    }
    Ok(code)
}

fn read(path: &Path) -> Result<Mismatch, Stop> {
    let bytes = fs::read(path)
        .map_err(|error| Stop::Usage(format!("cannot read {}: {error}", path.display())))?;
    Mismatch::decode(&bytes).map_err(|error| Stop::Unsound(format!("{}: {error}", path.display())))
}

/// The recorded one, the plain ones, and some more orders.
fn schedulers(recorded: Scheduler) -> Vec<Scheduler> {
    let mut all = vec![Scheduler::Sequential, Scheduler::Waves];
    if !all.contains(&recorded) {
        all.push(recorded);
    }
    all.extend((0..SHUFFLES).map(|number| Scheduler::Shuffled(Seed::from_number(number))));
    all
}

/// What to say of a run, and the exit code it asks for. `None` is one that panicked.
fn verdict(found: &Mismatch, again: Option<&Run>) -> (u8, String) {
    let Some(again) = again else { return (23, "the program stops".to_owned()) };
    match found.sequential.difference(again) {
        None => (0, "equal to the result in order".to_owned()),
        Some(difference) if *again == found.other => {
            (22, format!("different, as recorded: {difference}"))
        }
        Some(difference) => (22, format!("different: {difference}")),
    }
}

fn name(scheduler: Scheduler) -> &'static str {
    match scheduler {
        Scheduler::Sequential => "in order",
        Scheduler::Waves => "in waves",
        Scheduler::Shuffled(_) => "shuffled",
    }
}
