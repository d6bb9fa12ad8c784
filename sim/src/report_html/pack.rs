//! What a page draws, packed: small enough for a file that people pass around.
//!
//! A JSON text with everything that is rare, then columns of variable-length integers for messages,
//! which are many; all of it deflated and in base64. `assets/data.js` is the reader. If there are more
//! messages than a page should hold, those of the most telling stretches are kept and the rest is
//! counted in bins, so the picture has no hole, only less detail.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    explain::{Trouble, clock, fault_words, troubles},
    history::{Crossing, Fate, History, State, ViewStory},
};

/// Messages whose way is kept one by one, unless asked otherwise.
pub const CROSSINGS_MAX: usize = 300_000;

/// Stretches the run is cut into when not all of it can be kept.
const SLICES: u64 = 1024;

/// Bins per lane and group when messages are only counted.
const BINS: u64 = 1500;

/// Groups of messages that are drawn alike; the last one goes round whatever happens.
pub const GROUPS: [&str; 9] = [
    "proposal",
    "notarize",
    "finalize",
    "nullify",
    "certificates",
    "votes sent again",
    "block fetching",
    "evidence",
    "gossip",
];

/// The place of gossip among the groups.
const GOSSIP: usize = 8;

/// What to keep of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackOptions {
    /// Messages whose way is kept one by one.
    pub crossings_max: usize,
    /// A stretch, in nanoseconds, whose messages are kept before all others.
    pub between: Option<(u64, u64)>,
}

impl Default for PackOptions {
    fn default() -> Self {
        Self { crossings_max: CROSSINGS_MAX, between: None }
    }
}

/// A packed run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// What the page's script reads.
    pub base64: String,
    /// Messages on their way to one receiver, in the run.
    pub crossings: usize,
    /// How many of them are kept one by one.
    pub kept: usize,
}

/// Packs a run.
#[must_use]
pub fn pack(history: &History, options: &PackOptions) -> Packed {
    let troubles = troubles(history);
    let groups: Vec<usize> = history.kinds.iter().map(|kind| group_of(kind)).collect();
    let choice = Choice::new(history, options, &groups, &troubles);
    let columns = Columns::of(history, &choice.kept, &groups);
    let bins = if choice.complete.is_none() { Vec::new() } else { bins(history, &groups) };
    let meta = json!({
        "format": 1,
        "end": micros(history.end),
        "crossings": choice.kept.len(),
        "letters": columns.letters,
        "total": history.crossings.len(),
        "sent": history.letters.len(),
        "complete": choice.complete,
        "bins": if bins.is_empty() { 0 } else { BINS },
        "bin_nanos": history.end / BINS + 1,
        "groups": GROUPS,
        "kinds": history.kinds,
        "group_of": groups,
        "head": head(history),
        "lanes": lanes(history),
        "views": views(history),
        "heights": heights(history),
        "faults": faults(history),
        "notes": notes(history),
        "troubles": troubles.iter().map(|trouble| trouble_json(history, trouble)).collect::<Vec<_>>(),
    });
    let meta = serde_json::to_vec(&meta).expect("it has only text and numbers");
    let mut bytes = u32::try_from(meta.len()).expect("a page's text fits").to_le_bytes().to_vec();
    bytes.extend(&meta);
    bytes.extend(columns.bytes);
    bytes.extend(bins);
    let deflated = miniz_oxide::deflate::compress_to_vec(&bytes, 8);
    Packed {
        base64: STANDARD.encode(deflated),
        crossings: history.crossings.len(),
        kept: choice.kept.len(),
    }
}

/// The group a kind of message is drawn with.
fn group_of(kind: &str) -> usize {
    match kind {
        "proposal" => 0,
        "notarize" => 1,
        "finalize" => 2,
        "nullify" => 3,
        "certificates" | "certificate-request" => 4,
        "votes" => 5,
        "evidence" => 7,
        "status" | "transactions" => GOSSIP,
        // Whatever else there is or will be carries blocks or asks for them.
        _ => 6,
    }
}

/// Which messages are kept one by one.
struct Choice {
    kept: Vec<usize>,
    /// Stretches of which everything but gossip is kept, in microseconds; `None` if that is all.
    complete: Option<Vec<(u64, u64)>>,
}

impl Choice {
    fn new(
        history: &History,
        options: &PackOptions,
        groups: &[usize],
        troubles: &[Trouble],
    ) -> Self {
        let all = history.crossings.len();
        if all <= options.crossings_max {
            return Self { kept: (0..all).collect(), complete: None };
        }
        let is_gossip = |crossing: &Crossing| {
            groups[usize::from(history.letters[place(crossing.letter)].kind)] == GOSSIP
        };
        let width = history.end / SLICES + 1;
        let slice_of = |at: u64| place32(at / width);
        let mut counts = vec![0_usize; place32(SLICES) + 1];
        for crossing in history.crossings.iter().filter(|crossing| !is_gossip(crossing)) {
            counts[slice_of(crossing.sent)] += 1;
        }
        let mut chosen = vec![false; counts.len()];
        let mut left = options.crossings_max;
        for slice in wanted(history, options, troubles, &slice_of, counts.len()) {
            if !chosen[slice] && counts[slice] <= left {
                left -= counts[slice];
                chosen[slice] = true;
            }
        }
        let kept = (0..all).filter(|at| {
            let crossing = &history.crossings[*at];
            chosen[slice_of(crossing.sent)] && !is_gossip(crossing)
        });
        let mut complete: Vec<(u64, u64)> = Vec::new();
        for (slice, _) in (0u64..).zip(&chosen).filter(|(_, chosen)| **chosen) {
            let (from, to) = (slice * width, (slice + 1) * width);
            match complete.last_mut() {
                Some(last) if last.1 == from => last.1 = to,
                _ => complete.push((from, to)),
            }
        }
        let complete = complete.iter().map(|(from, to)| (micros(*from), micros(*to))).collect();
        Self { kept: kept.collect(), complete: Some(complete) }
    }
}

/// Slices in the order in which they are worth keeping: what was asked for, the end if it is bad, where
/// the chain stood still, where faults begin and end, the beginning, and then everything.
fn wanted(
    history: &History,
    options: &PackOptions,
    troubles: &[Trouble],
    slice_of: &impl Fn(u64) -> usize,
    slices: usize,
) -> Vec<usize> {
    const AROUND: u64 = 500_000_000;
    let mut stretches: Vec<(u64, u64)> = options.between.into_iter().collect();
    let broken = history.tail.as_ref().and_then(|tail| tail.broken_at);
    stretches.extend(broken.map(|at| (at.saturating_sub(4 * AROUND), at)));
    // The beginning and the end of a long standstill tell more than its middle.
    for trouble in troubles {
        let to = trouble.to.unwrap_or(history.end);
        stretches.push((
            trouble.from.saturating_sub(AROUND),
            trouble.from.saturating_add(4 * AROUND).min(to),
        ));
        stretches.push((to.saturating_sub(2 * AROUND), to.saturating_add(AROUND)));
    }
    for band in &history.faults {
        stretches.push((band.from.saturating_sub(AROUND), band.from.saturating_add(AROUND)));
        stretches.push((band.to.saturating_sub(AROUND), band.to.saturating_add(AROUND)));
    }
    stretches.push((0, history.end));
    stretches
        .into_iter()
        .flat_map(|(from, to)| slice_of(from.min(history.end))..=slice_of(to.min(history.end)))
        .filter(|slice| *slice < slices)
        .collect()
}

/// Messages as columns.
struct Columns {
    letters: usize,
    bytes: Vec<u8>,
}

impl Columns {
    fn of(history: &History, kept: &[usize], groups: &[usize]) -> Self {
        let mut letters: Vec<u32> = kept.iter().map(|at| history.crossings[*at].letter).collect();
        letters.sort_unstable();
        letters.dedup();
        let new_letter: BTreeMap<u32, i64> = letters.iter().copied().zip(0i64..).collect();
        let new_crossing = |old: u32| kept.binary_search(&place(old)).ok();
        let mut columns: [Vec<u8>; 9] = Default::default();
        let [froms, kinds, abouts, causes, refs, tos, sents, tooks, fates] = &mut columns;
        let (mut view, mut cause) = (0, 0);
        let (mut words, mut whys) = (String::new(), String::new());
        for letter in letters.iter().map(|letter| &history.letters[place(*letter)]) {
            varint(froms, u64::from(letter.from));
            kinds.push(letter.kind);
            zigzag(abouts, signed(letter.view) - view);
            view = signed(letter.view);
            match letter.cause.and_then(new_crossing) {
                Some(at) => {
                    let at = i64::try_from(at).unwrap_or(0);
                    varint(causes, folded(at - cause) + 1);
                    cause = at;
                }
                None => varint(causes, 0),
            }
            // What gossip says is not worth its place in the file.
            let is_gossip = groups[usize::from(letter.kind)] == GOSSIP;
            words.push_str(if is_gossip { history.kind(letter) } else { &letter.words });
            words.push('\n');
            whys.push_str(&letter.why);
            whys.push('\n');
        }
        let (mut letter, mut sent) = (0, 0);
        for crossing in kept.iter().map(|at| &history.crossings[*at]) {
            let new = new_letter.get(&crossing.letter).copied().unwrap_or(0);
            zigzag(refs, new - letter);
            letter = new;
            varint(tos, u64::from(crossing.to));
            let at = micros(crossing.sent);
            varint(sents, at.saturating_sub(sent));
            sent = at;
            varint(tooks, micros(crossing.ended).saturating_sub(at));
            fates.push(crossing.fate.code());
        }
        let mut bytes = Vec::new();
        for column in columns.iter().map(Vec::as_slice).chain([words.as_bytes(), whys.as_bytes()]) {
            varint(&mut bytes, u64::try_from(column.len()).unwrap_or(0));
            bytes.extend(column);
        }
        Self { letters: letters.len(), bytes }
    }
}

/// Departures per lane, group and bin, then losses per lane and bin.
fn bins(history: &History, groups: &[usize]) -> Vec<u8> {
    let lanes = history.head.nodes.len();
    let (rows, width) = (GROUPS.len() + 1, history.end / BINS + 1);
    let mut counts = vec![0_u64; lanes * rows * place32(BINS)];
    for crossing in &history.crossings {
        let letter = &history.letters[place(crossing.letter)];
        let bin = place32(crossing.sent / width);
        let mut count = |row: usize| {
            counts[(usize::from(letter.from) * rows + row) * place32(BINS) + bin] += 1;
        };
        count(groups[usize::from(letter.kind)]);
        if matches!(crossing.fate, Fate::Lost(_)) {
            count(GROUPS.len());
        }
    }
    let mut bytes = Vec::new();
    for count in counts {
        varint(&mut bytes, count);
    }
    bytes
}

fn head(history: &History) -> Value {
    let lies = |number: u32| {
        let liars = history.head.byzantine.iter().filter(|liar| liar.number == number);
        liars.map(|liar| liar.behaviour.as_str()).collect::<Vec<_>>().join(", ")
    };
    let nodes: Vec<Value> = (0u16..)
        .zip(&history.head.nodes)
        .map(|(lane, name)| {
            let number = history.number(lane);
            let weight = if history.head.is_weighted() { history.weight(number) } else { 0 };
            json!({ "name": name, "number": number, "lies": lies(number), "weight": weight })
        })
        .collect();
    json!({
        "scenario": history.head.scenario,
        "seed": history.head.seed,
        "nodes": nodes,
        "gst": history.head.gst.filter(|gst| *gst < history.end).map(micros),
        "invariants": history.head.invariants,
        "losses": crate::history::LOSSES,
        "verdict": history.tail.as_ref().map(|tail| json!({
            "code": tail.code,
            "word": tail.word,
            "detail": tail.detail,
            "invariant": tail.invariant,
            "at": tail.broken_at.map(micros),
            "nodes": tail.nodes,
        })),
    })
}

fn lanes(history: &History) -> Vec<Value> {
    let finals = finals_by_lane(history);
    let state = |state: State| match state {
        State::Up => 0,
        State::Down => 1,
        State::Paused => 2,
    };
    history
        .lanes
        .iter()
        .zip(finals)
        .map(|(story, finals)| {
            let states: Vec<(u64, u64, u8)> = story
                .states
                .iter()
                .map(|stretch| (micros(stretch.from), micros(stretch.to), state(stretch.state)))
                .collect();
            // As differences: small numbers deflate well.
            let (mut time, mut about) = (0, 0);
            let stays: Vec<i64> = story
                .stays
                .iter()
                .flat_map(|(at, view)| {
                    let (at, view) = (signed(micros(*at)), signed(*view));
                    let step = [at - time, view - about];
                    (time, about) = (at, view);
                    step
                })
                .collect();
            json!({ "states": states, "stays": stays, "finals": finals })
        })
        .collect()
}

/// For every lane: time and height of each finalization, as differences.
fn finals_by_lane(history: &History) -> Vec<Vec<i64>> {
    let mut finals: Vec<Vec<(i64, i64)>> = vec![Vec::new(); history.lanes.len()];
    for (height, story) in &history.heights {
        for (lane, at) in &story.by {
            finals[usize::from(*lane)].push((signed(micros(*at)), signed(*height)));
        }
    }
    finals
        .into_iter()
        .map(|mut pairs| {
            pairs.sort_unstable();
            let (mut time, mut about) = (0, 0);
            let steps = pairs.into_iter().flat_map(|(at, height)| {
                let step = [at - time, height - about];
                (time, about) = (at, height);
                step
            });
            steps.collect()
        })
        .collect()
}

/// Each view: number, leader, first entered, fate, decided when, first proposed.
fn views(history: &History) -> Vec<Value> {
    history
        .views
        .iter()
        .filter_map(|(view, story)| {
            let entered = story.entered.iter().map(|(_, at, _)| *at).min()?;
            let (fate, at) = fate(story);
            let proposed = story.proposed.first().map(|(_, at, ..)| micros(*at));
            Some(json!([view, story.leader, micros(entered), fate, at.map(micros), proposed]))
        })
        .collect()
}

/// 0 open, 1 notarized, 2 final by itself, 3 nullified.
fn fate(story: &ViewStory) -> (u8, Option<u64>) {
    let first = |list: &[(u16, u64)]| list.iter().map(|(_, at)| *at).min();
    match (first(&story.finalized), first(&story.nullified), first(&story.notarized)) {
        (Some(at), ..) => (2, Some(at)),
        (_, Some(at), _) => (3, Some(at)),
        (.., Some(at)) => (1, Some(at)),
        _ => (0, None),
    }
}

/// Each height: number, view, first final when and where, by how many.
fn heights(history: &History) -> Vec<Value> {
    history
        .heights
        .iter()
        .filter_map(|(height, story)| {
            let at = history.first_final(story)?;
            let lane = story.by.iter().find(|(_, time)| *time == at).map(|(lane, _)| *lane);
            Some(json!([height, story.view, micros(at), lane, story.by.len(), story.blocks.len()]))
        })
        .collect()
}

fn faults(history: &History) -> Vec<Value> {
    history
        .faults
        .iter()
        .map(|band| {
            let head = history.head.faults.get(place(band.fault));
            json!({
                "fault": band.fault,
                "verb": head.map_or("", |head| &head.verb),
                "words": fault_words(history, band),
                "from": micros(band.from),
                "to": micros(band.to),
                "lanes": band.lanes,
            })
        })
        .collect()
}

fn notes(history: &History) -> Vec<Value> {
    history
        .notes
        .iter()
        .map(|note| json!([micros(note.at), note.lane, note.sort.name(), note.words]))
        .collect()
}

fn trouble_json(history: &History, trouble: &Trouble) -> Value {
    let failures: Vec<Value> = trouble
        .failures
        .iter()
        .map(|failure| {
            json!({
                "view": failure.view,
                "leader": failure.leader,
                "from": micros(failure.from),
                "to": micros(failure.to),
                "short": failure.short,
                "lines": failure.lines,
            })
        })
        .collect();
    json!({
        "from": micros(trouble.from),
        "to": trouble.to.map(micros),
        "end": micros(trouble.to.unwrap_or(history.end)),
        "height": trouble.height,
        "short": trouble.short,
        "cause": trouble.cause,
        "recovery": trouble.recovery(),
        "began": clock(trouble.from),
        "failures": failures,
    })
}

/// Whole microseconds: finer than any picture.
const fn micros(nanos: u64) -> u64 {
    nanos / 1_000
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn place(number: u32) -> usize {
    usize::try_from(number).expect("a place in memory")
}

fn place32(number: u64) -> usize {
    usize::try_from(number).expect("a place in memory")
}

/// Seven bits a byte, the lowest first; the eighth says that more follow.
fn varint(bytes: &mut Vec<u8>, mut number: u64) {
    loop {
        let low = u8::try_from(number & 0x7f).expect("seven bits");
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

fn zigzag(bytes: &mut Vec<u8>, number: i64) {
    varint(bytes, folded(number));
}

/// Small for small numbers of either sign.
fn folded(number: i64) -> u64 {
    let folded = number.wrapping_shl(1) ^ (number >> 63);
    u64::from_le_bytes(folded.to_le_bytes())
}
