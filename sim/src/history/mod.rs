//! A run as a story: lanes, messages that cross between them, views, heights, faults.
//!
//! Pictures and explanations are made from a [`History`] and from nothing else. It is put together from
//! observations while a run is made, or from a trace file afterwards; both give the same. It judges
//! nothing, and nothing in the simulator depends on it.

mod build;
mod head;
mod line;
mod record;
mod scribe;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;

pub use self::{
    build::Builder,
    head::{FaultHead, Head, Liar, TRACE_FORMAT, Tail},
    line::{TraceError, read_trace},
    record::{Fact, Record, Saying},
    scribe::Scribe,
};

/// A node's place in the picture: first the validators by number, then twins.
pub type Lane = u16;

/// A run as a story.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// What was run.
    pub head: Head,
    /// What it came to; `None` if the trace breaks off.
    pub tail: Option<Tail>,
    /// Time of the last thing that happened, in nanoseconds since the run began.
    pub end: u64,
    /// What each node did, lane by lane.
    pub lanes: Vec<LaneStory>,
    /// Faults as they acted, by begin.
    pub faults: Vec<Band>,
    /// Views that anybody was in.
    pub views: BTreeMap<u64, ViewStory>,
    /// Heights that anybody finalized.
    pub heights: BTreeMap<u64, HeightStory>,
    /// Names of kinds of messages; [`Letter::kind`] is a place in it.
    pub kinds: Vec<String>,
    /// Messages handed to the network, by time.
    pub letters: Vec<Letter>,
    /// Their way to each receiver, by time of departure.
    pub crossings: Vec<Crossing>,
    /// Rare things at single nodes, by time.
    pub notes: Vec<Note>,
    /// The last observations in words, without the routine ones.
    pub last: Vec<LastWords>,
    /// Transactions that clients learned to be final.
    pub transactions_seen: u64,
}

/// What a node was, over time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaneStory {
    /// Stretches in which it was in one state, by time, without gaps once it has started.
    pub states: Vec<Stretch>,
    /// When it entered which view, by time.
    pub stays: Vec<(u64, u64)>,
}

/// A stretch of time in one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Its beginning.
    pub from: u64,
    /// Its end.
    pub to: u64,
    /// The state.
    pub state: State,
}

/// Whether a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It runs.
    Up,
    /// There is none.
    Down,
    /// It stands still.
    Paused,
}

/// A fault while it acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Band {
    /// Its place in the scenario.
    pub fault: u32,
    /// When it began.
    pub from: u64,
    /// When it ended, or the run did.
    pub to: u64,
    /// The nodes it hit; empty for a fault of links between all.
    pub lanes: Vec<Lane>,
}

/// What became of one view, as everybody saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ViewStory {
    /// The validator whose turn it was.
    pub leader: Option<u32>,
    /// Who entered it, when, and how long each would wait for a proposal.
    pub entered: Vec<(Lane, u64, u64)>,
    /// The leader's proposals: by whom, when, of which height, with how many transactions.
    pub proposed: Vec<(Lane, u64, u64, u32)>,
    /// Who accepted a proposal, and when.
    pub accepted: Vec<(Lane, u64)>,
    /// Who gave up, when and why.
    pub given_up: Vec<(Lane, u64, String)>,
    /// Who held its notarization, and when.
    pub notarized: Vec<(Lane, u64)>,
    /// Who held its nullification, and when.
    pub nullified: Vec<(Lane, u64)>,
    /// Who held its finalization, and when.
    pub finalized: Vec<(Lane, u64)>,
}

/// Who finalized a height.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeightStory {
    /// The view of the block that was finalized first.
    pub view: u64,
    /// Blocks finalized at this height, in order of appearance: one, or safety is broken.
    pub blocks: Vec<String>,
    /// Who, and when, in order of time.
    pub by: Vec<(Lane, u64)>,
}

/// A message handed to the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// By whom.
    pub from: Lane,
    /// When.
    pub at: u64,
    /// The kind, as a place in [`History::kinds`].
    pub kind: u8,
    /// The view it is about; zero if about none.
    pub view: u64,
    /// What it says.
    pub words: String,
    /// Why it was sent, as far as can be told; may be empty.
    pub why: String,
    /// The crossing whose arrival made its sender send it.
    pub cause: Option<u32>,
}

/// A message on its way to one receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// Which message.
    pub letter: u32,
    /// To whom.
    pub to: Lane,
    /// When it left.
    pub sent: u64,
    /// When it arrived or was lost; the end of the run if neither.
    pub ended: u64,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It was still on its way in the end.
    Flying,
    /// It arrived.
    Arrived,
    /// It was lost; the number is the reason's place in [`LOSSES`].
    Lost(u8),
}

/// Reasons why messages are lost, in words.
pub const LOSSES: [&str; 8] = [
    "loss",
    "partition",
    "receiver down",
    "corrupted frame",
    "undecodable",
    "cut in flight",
    "queue full",
    "lost",
];

impl Fate {
    /// The number that stands for it in the page's data: 0 flying, 1 arrived, from 2 on lost.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Flying => 0,
            Self::Arrived => 1,
            Self::Lost(reason) => 2 + reason,
        }
    }

    /// Why it was lost; empty if it was not.
    #[must_use]
    pub fn loss(self) -> &'static str {
        match self {
            Self::Lost(reason) => LOSSES.get(usize::from(reason)).copied().unwrap_or("lost"),
            Self::Flying | Self::Arrived => "",
        }
    }
}

/// Something rare at one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// When.
    pub at: u64,
    /// Where.
    pub lane: Lane,
    /// What sort of thing.
    pub sort: NoteSort,
    /// In words.
    pub words: String,
}

/// Sorts of notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoteSort {
    /// The process ended.
    Down,
    /// It runs again.
    Up,
    /// It stands still, or goes on.
    Pause,
    /// It holds evidence of an offence.
    Evidence,
    /// It stopped for good because safety is broken.
    Halt,
    /// It asks others for blocks it lacks.
    Fetch,
}

impl NoteSort {
    /// Its name in the page's data.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Up => "up",
            Self::Pause => "pause",
            Self::Evidence => "evidence",
            Self::Halt => "halt",
            Self::Fetch => "fetch",
        }
    }
}

/// One of the last observations, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastWords {
    /// When.
    pub at: u64,
    /// Where.
    pub node: String,
    /// What.
    pub text: String,
}

impl History {
    /// The name of a lane.
    #[must_use]
    pub fn name(&self, lane: Lane) -> &str {
        self.head.nodes.get(usize::from(lane)).map_or("?", String::as_str)
    }

    /// The validator of a lane.
    #[must_use]
    pub fn number(&self, lane: Lane) -> u32 {
        head::number_of(self.name(lane)).unwrap_or(u32::MAX)
    }

    /// Whether a validator lies in this run.
    #[must_use]
    pub fn lies(&self, number: u32) -> bool {
        self.head.byzantine.iter().any(|liar| liar.number == number)
    }

    /// What a node was at a time: before its first start it is down.
    #[must_use]
    pub fn state(&self, lane: Lane, at: u64) -> State {
        let Some(story) = self.lanes.get(usize::from(lane)) else { return State::Down };
        let place = story.states.partition_point(|stretch| stretch.from <= at);
        place.checked_sub(1).map_or(State::Down, |place| story.states[place].state)
    }

    /// The weight of a validator.
    #[must_use]
    pub fn weight(&self, number: u32) -> u64 {
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        self.head.weights.get(place).copied().unwrap_or(0)
    }

    /// The least weight that is a quorum.
    #[must_use]
    pub fn quorum(&self) -> u64 {
        let total: u128 = self.head.weights.iter().map(|weight| u128::from(*weight)).sum();
        u64::try_from(total * 2 / 3 + 1).unwrap_or(u64::MAX)
    }

    /// When the first honest validator finalized a height.
    #[must_use]
    pub fn first_final(&self, height: &HeightStory) -> Option<u64> {
        let honest = height.by.iter().find(|(lane, _)| !self.lies(self.number(*lane)));
        honest.or(height.by.first()).map(|(_, at)| *at)
    }

    /// The lanes a validator has.
    pub fn lanes_of(&self, number: u32) -> impl Iterator<Item = Lane> + '_ {
        (0u16..)
            .zip(&self.head.nodes)
            .filter(move |(_, name)| head::number_of(name) == Some(number))
            .map(|(lane, _)| lane)
    }

    /// The kind of a letter.
    #[must_use]
    pub fn kind(&self, letter: &Letter) -> &str {
        self.kinds.get(usize::from(letter.kind)).map_or("?", String::as_str)
    }
}
