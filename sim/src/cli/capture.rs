//! `replay` of a capture: the inputs of a real node once more, and whether the core does the same again.
//!
//! What a node writes is in `quorate_core::capture`. Nothing of the simulated world takes part: the replica
//! gets the captured inputs at the captured times, and every step's effects are compared. A difference is
//! non-determinism found in production (exit 22); an input that ended the node and ends this as well is
//! exit 23.

use std::{
    fs::File,
    io::Read,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use quorate_core::{
    capture::{CaptureError, Difference, Frame, MAGIC, Played, Player, Reader, build_id},
    effect::Input,
};

use super::{
    arguments_lab::ReplayOptions,
    console::{Console, Paint, Stop},
    replay::open,
};
use crate::world::panics;

/// Whether a file begins like a capture.
pub(super) fn is_capture(path: &Path) -> bool {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(8).read_to_end(&mut start));
    // The version may be another one: then the reader says so.
    read.is_ok() && start.starts_with(&MAGIC[..7])
}

/// How a replay ended.
enum End {
    Same,
    Different(Box<Difference>),
    /// An input ended the replica, with these words.
    Panicked(String),
}

pub(super) fn replay(options: &ReplayOptions, console: &mut Console<'_>) -> Result<u8, Stop> {
    let path = &options.bundle;
    if options.trace.is_some() || options.break_at.is_some() {
        let message = "a capture is replayed whole: --trace and --break-at are for bundles";
        return Err(Stop::Usage(message.to_owned()));
    }
    let mut player = Player::new();
    let end = play(path, options.force, &mut player)?;
    let paint = Paint(console.paint);
    let played = player.played();
    if !options.quiet {
        writeln!(console.out, "{}", account(&played))?;
    }
    match end {
        End::Same => {
            let same = paint.good("the same effects");
            writeln!(console.out, "{same}: {} inputs of {}", played.inputs, path.display())?;
            if let Some(input) = player.unfinished() {
                let input = describe(input);
                writeln!(
                    console.out,
                    "{}: the capture ends with an input whose effects were never recorded, and here it \
                     does no harm: {input}",
                    paint.warning("unfinished")
                )?;
            }
            Ok(0)
        }
        End::Different(difference) => {
            writeln!(console.out, "{}", paint.bad("other effects than in the capture"))?;
            show(&difference, options.quiet, console)?;
            Ok(22)
        }
        End::Panicked(words) => {
            let input = player.unfinished().map_or_else(String::new, describe);
            writeln!(
                console.out,
                "{}: {words}\n  at input {}: {input}",
                paint.bad("the replica came upon something that cannot be"),
                played.inputs
            )?;
            Ok(23)
        }
    }
}

fn play(path: &Path, force: bool, player: &mut Player) -> Result<End, Stop> {
    let unsound = |error: CaptureError| match error {
        CaptureError::Read(error) => Stop::file(path.display(), &error),
        other => Stop::Unsound(format!("{}: {other}", path.display())),
    };
    let mut reader = Reader::new(open(path)?).map_err(unsound)?;
    loop {
        let frame = match reader.next_frame() {
            Ok(Some(frame)) => frame,
            // The end of a capture whose node was cut off in the middle of a write.
            Ok(None) | Err(CaptureError::Torn(_)) => return Ok(End::Same),
            Err(error) => return Err(unsound(error)),
        };
        if let Frame::Head(head) = &frame
            && head.build != build_id()
            && !force
        {
            return Err(Stop::Usage(format!(
                "the capture was made by a core of sources {}, this is one of {}: check out what made \
                 it, or try anyway with --force",
                head.build,
                build_id()
            )));
        }
        let played = catch_unwind(AssertUnwindSafe(|| player.play(frame)));
        match played {
            Ok(Ok(None)) => {}
            Ok(Ok(Some(difference))) => return Ok(End::Different(Box::new(difference))),
            Ok(Err(error)) => return Err(unsound(error)),
            Err(panic) => return Ok(End::Panicked(panics::message(&*panic))),
        }
    }
}

fn account(played: &Played) -> String {
    let from = played.first.map_or(0, |height| height.get());
    format!(
        "{} segments, {} of them continue the one before; heights {from} to {}; {} inputs, {} effects",
        played.segments, played.joined, played.last, played.inputs, played.effects
    )
}

/// An input in a word or two.
fn describe(input: &Input) -> String {
    match input {
        Input::Tick => "a deadline".to_owned(),
        Input::Received { from, message } => format!("{} from {from:?}", message.name()),
        Input::Submitted(transaction) => format!("transaction {} submitted", transaction.id()),
        Input::Written { upto } => format!("writes up to {upto:?} are durable"),
        Input::Pledged(vote) => format!("signed {:?}", vote.statement),
        Input::Finished(_) => "a job is done".to_owned(),
        Input::Peer(event) => format!("{event:?}"),
    }
}

fn show(difference: &Difference, quiet: bool, console: &mut Console<'_>) -> Result<(), Stop> {
    match difference {
        Difference::Effects { number, now, input, recorded, effects } => {
            writeln!(
                console.out,
                "  input {number} at {:?}: {}\n  recorded {recorded}\n  now {} effects",
                now.mono,
                describe(input),
                effects.len()
            )?;
            if !quiet {
                for effect in effects {
                    writeln!(console.out, "    {effect:?}")?;
                }
            }
        }
        Difference::Height { number, recorded, replayed } => writeln!(
            console.out,
            "  after input {number} the final height was {recorded}, and now it is {replayed}"
        )?,
        Difference::Replica { inputs_before } => writeln!(
            console.out,
            "  after input {inputs_before} the replica is another, though all its effects were the same"
        )?,
    }
    Ok(())
}
