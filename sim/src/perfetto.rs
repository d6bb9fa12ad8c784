//! A run in Chrome's trace event format, which Perfetto opens however large it is.
//!
//! A process per node with tracks for its views, its phases within a view, what it sends and what it
//! receives; an arrow per message from the one to the other; the cluster's faults and final blocks as
//! a process of their own. Times are microseconds, as the format has it.

use std::io::{Result as IoResult, Write};

use serde_json::{Value, json};

use crate::{
    explain::fault_words,
    history::{Fate, History, Lane, NoteSort, State, ViewStory},
};

const VIEWS: u32 = 1;
const PHASES: u32 = 2;
const SENT: u32 = 3;
const RECEIVED: u32 = 4;
const PROCESS: u32 = 5;
const FINAL: u32 = 6;

/// The process of what concerns the whole cluster.
const CLUSTER: u32 = 1;

/// Writes the run.
///
/// # Errors
/// If the sink fails.
pub fn write(sink: &mut dyn Write, history: &History) -> IoResult<()> {
    let mut out = Events { sink, first: true };
    out.sink.write_all(b"{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n")?;
    names(&mut out, history)?;
    cluster(&mut out, history)?;
    for lane in (0u16..).take(history.head.nodes.len()) {
        views(&mut out, history, lane)?;
        process(&mut out, history, lane)?;
    }
    messages(&mut out, history)?;
    let tail = history.tail.as_ref();
    let other = json!({
        "scenario": history.head.scenario,
        "seed": history.head.seed,
        "replay": history.head.replay,
        "verdict": tail.map(|tail| tail.word.as_str()),
        "detail": tail.map(|tail| tail.detail.as_str()),
    });
    writeln!(out.sink, "\n],\"otherData\":{other}}}")?;
    out.sink.flush()
}

struct Events<'a> {
    sink: &'a mut dyn Write,
    first: bool,
}

impl Events<'_> {
    fn put(&mut self, event: &Value) -> IoResult<()> {
        if !self.first {
            self.sink.write_all(b",\n")?;
        }
        self.first = false;
        serde_json::to_writer(&mut *self.sink, event)?;
        Ok(())
    }

    /// A stretch on a track.
    fn slice(
        &mut self,
        (pid, tid): (u32, u32),
        name: &str,
        (from, to): (u64, u64),
        args: &Value,
    ) -> IoResult<()> {
        self.put(&json!({
            "ph": "X", "pid": pid, "tid": tid, "name": name,
            "ts": micros(from), "dur": micros(to.saturating_sub(from)), "args": args,
        }))
    }

    /// A moment on a track.
    fn moment(&mut self, (pid, tid): (u32, u32), name: &str, at: u64) -> IoResult<()> {
        self.put(
            &json!({ "ph": "i", "s": "t", "pid": pid, "tid": tid, "name": name, "ts": micros(at) }),
        )
    }

    fn name(&mut self, kind: &str, (pid, tid): (u32, u32), name: &str, order: u32) -> IoResult<()> {
        let (named, sorted) = (format!("{kind}_name"), format!("{kind}_sort_index"));
        self.put(
            &json!({ "ph": "M", "pid": pid, "tid": tid, "name": named, "args": { "name": name } }),
        )?;
        self.put(&json!({ "ph": "M", "pid": pid, "tid": tid, "name": sorted, "args": { "sort_index": order } }))
    }
}

/// The process of a node.
fn pid(lane: Lane) -> u32 {
    u32::from(lane) + 10
}

fn names(out: &mut Events<'_>, history: &History) -> IoResult<()> {
    out.name("process", (CLUSTER, 0), "cluster", 0)?;
    out.name("thread", (CLUSTER, FINAL), "final blocks", 0)?;
    for (fault, head) in (0u32..).zip(&history.head.faults) {
        let name = format!("fault {fault}: {} {}", head.verb, head.particulars);
        out.name("thread", (CLUSTER, 100 + fault), name.trim_end(), fault + 1)?;
    }
    for (lane, name) in (0u16..).zip(&history.head.nodes) {
        let number = history.number(lane);
        let liar = history.head.byzantine.iter().find(|liar| liar.number == number);
        let lies = liar.map_or_else(String::new, |liar| format!(", lies: {}", liar.behaviour));
        out.name("process", (pid(lane), 0), &format!("{name}{lies}"), u32::from(lane) + 1)?;
        let tracks = [
            (VIEWS, "views"),
            (PHASES, "phases"),
            (SENT, "sent"),
            (RECEIVED, "received"),
            (PROCESS, "process"),
            (FINAL, "final blocks"),
        ];
        for (order, (track, name)) in (0u32..).zip(tracks) {
            out.name("thread", (pid(lane), track), name, order)?;
        }
    }
    Ok(())
}

fn cluster(out: &mut Events<'_>, history: &History) -> IoResult<()> {
    for band in &history.faults {
        let track = (CLUSTER, 100 + band.fault);
        out.slice(track, &fault_words(history, band), (band.from, band.to), &json!({}))?;
    }
    for (height, story) in &history.heights {
        let Some(at) = history.first_final(story) else { continue };
        out.moment((CLUSTER, FINAL), &format!("height {height}, view {}", story.view), at)?;
        out.put(&json!({
            "ph": "C", "pid": CLUSTER, "tid": 0, "name": "final height",
            "ts": micros(at), "args": { "height": height },
        }))?;
    }
    Ok(())
}

/// The views a node was in, and how far it came in each.
fn views(out: &mut Events<'_>, history: &History, lane: Lane) -> IoResult<()> {
    let story = &history.lanes[usize::from(lane)];
    for (place, (from, view)) in story.stays.iter().enumerate() {
        let next = story.stays.get(place + 1).map_or(history.end, |(at, _)| *at);
        let ended =
            story.states.iter().find(|stretch| stretch.from > *from && stretch.state != State::Up);
        let to = ended.map_or(next, |stretch| next.min(stretch.from));
        let known = history.views.get(view);
        let leader = known.and_then(|known| known.leader);
        let leader = leader.map_or_else(|| "?".to_owned(), |leader| format!("n{leader}"));
        let args = json!({ "view": view, "leader": leader });
        out.slice(
            (pid(lane), VIEWS),
            &format!("view {view}, leader {leader}"),
            (*from, to),
            &args,
        )?;
        if let Some(known) = known {
            phases(out, known, lane, (*from, to))?;
        }
    }
    Ok(())
}

fn phases(
    out: &mut Events<'_>,
    view: &ViewStory,
    lane: Lane,
    (from, to): (u64, u64),
) -> IoResult<()> {
    let mine =
        |list: &[(Lane, u64)]| list.iter().find(|(other, _)| *other == lane).map(|(_, at)| *at);
    let given_up = view.given_up.iter().find(|(other, ..)| *other == lane);
    let mut steps = vec![("waits for a proposal", from)];
    steps.extend(mine(&view.accepted).map(|at| ("waits for votes", at)));
    steps.extend(given_up.map(|(_, at, _)| ("has given up", *at)));
    steps.sort_by_key(|(_, at)| *at);
    for (place, (name, at)) in steps.iter().enumerate() {
        let next = steps.get(place + 1).map_or(to, |(_, next)| *next).min(to);
        if *at < next {
            out.slice((pid(lane), PHASES), name, (*at, next), &json!({}))?;
        }
    }
    for (name, at) in [
        ("notarization", mine(&view.notarized)),
        ("nullification", mine(&view.nullified)),
        ("finalization", mine(&view.finalized)),
    ] {
        if let Some(at) = at {
            out.moment((pid(lane), PHASES), name, at)?;
        }
    }
    Ok(())
}

/// When the process ran, what happened to it, and what became final at it.
fn process(out: &mut Events<'_>, history: &History, lane: Lane) -> IoResult<()> {
    for stretch in &history.lanes[usize::from(lane)].states {
        let name = match stretch.state {
            State::Up => "runs",
            State::Down => "down",
            State::Paused => "paused",
        };
        out.slice((pid(lane), PROCESS), name, (stretch.from, stretch.to), &json!({}))?;
    }
    for note in history.notes.iter().filter(|note| note.lane == lane) {
        if note.sort != NoteSort::Fetch {
            out.moment((pid(lane), PROCESS), &note.words, note.at)?;
        }
    }
    for (height, story) in &history.heights {
        if let Some((_, at)) = story.by.iter().find(|(other, _)| *other == lane) {
            out.moment((pid(lane), FINAL), &format!("height {height}"), *at)?;
        }
    }
    Ok(())
}

/// Every message as a slice at its sender and one at each receiver, joined by an arrow.
fn messages(out: &mut Events<'_>, history: &History) -> IoResult<()> {
    // An arrow is bound to the slice around it, so a moment must last: this many nanoseconds.
    const INSTANT: u64 = 1_000;
    for letter in &history.letters {
        let args = json!({ "says": letter.words, "because": letter.why });
        let stretch = (letter.at, letter.at + INSTANT);
        out.slice((pid(letter.from), SENT), history.kind(letter), stretch, &args)?;
    }
    for (id, crossing) in history.crossings.iter().enumerate() {
        let letter = usize::try_from(crossing.letter).ok().and_then(|at| history.letters.get(at));
        let Some(letter) = letter else { continue };
        let kind = history.kind(letter);
        match crossing.fate {
            Fate::Flying => continue,
            Fate::Lost(_) => {
                let name = format!(
                    "{kind} to {} lost: {}",
                    history.name(crossing.to),
                    crossing.fate.loss()
                );
                out.moment((pid(letter.from), SENT), &name, crossing.ended)?;
                continue;
            }
            Fate::Arrived => {}
        }
        let args = json!({ "says": letter.words, "from": history.name(letter.from) });
        let stretch = (crossing.ended, crossing.ended + INSTANT);
        out.slice((pid(crossing.to), RECEIVED), kind, stretch, &args)?;
        for (phase, lane, track, at) in
            [("s", letter.from, SENT, letter.at), ("f", crossing.to, RECEIVED, crossing.ended)]
        {
            let mut event = json!({
                "ph": phase, "cat": "message", "name": kind, "id": id,
                "pid": pid(lane), "tid": track, "ts": micros(at),
            });
            if phase == "f" {
                event["bp"] = "e".into();
            }
            out.put(&event)?;
        }
    }
    Ok(())
}

/// Microseconds with a fraction: the format's unit.
fn micros(nanos: u64) -> Value {
    let text = format!("{}.{:03}", nanos / 1_000, nanos % 1_000);
    serde_json::from_str(&text).expect("it is a number")
}

#[cfg(test)]
mod tests;
