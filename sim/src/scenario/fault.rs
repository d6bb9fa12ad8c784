//! Faults of the surroundings: network, process, clock and disk. One meaning for each verb.

use quorate_core::time::Span;

use super::{
    condition::{End, NodeName, Selector, Trigger},
    quantity::{Distribution, Ppm, SignedSpan},
};

/// One `[[fault]]` of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is done.
    pub verb: Verb,
    /// When it begins.
    pub start: Trigger,
    /// When it ends.
    pub end: End,
    /// How often it happens: after ending, a logical trigger is armed again until it has.
    pub repeat: u32,
    /// Whether the run fails (exit 25) if it never began or found nobody to hit.
    pub must_fire: bool,
    /// The number that what is drawn for it is keyed by; its place among the faults if absent. With it
    /// a fault keeps its draws when others before it are taken out.
    pub draw: Option<u32>,
    /// The line of the file it begins on; 0 when it did not come from a file.
    pub line: u32,
}

impl Fault {
    /// The largest number that draws can be keyed by.
    pub const DRAW_MAX: u32 = 9_999;

    /// What its draws are keyed by, at this place among the faults.
    #[must_use]
    pub const fn draw_at(&self, place: u32) -> u32 {
        match self.draw {
            Some(draw) => draw,
            None => place,
        }
    }
}

/// Whom a fault of one node's own machinery hits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Targets {
    /// Whom.
    pub nodes: Selector,
    /// Only among these; what is drawn is drawn from them.
    pub from: Option<Selector>,
}

/// Which directed links a network fault is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Links {
    /// Every one.
    All,
    /// Every link from or to these.
    Touching(Targets),
    /// Links from the first to the second.
    Directed {
        /// Senders.
        from: Selector,
        /// Receivers.
        to: Selector,
    },
}

/// What becomes of messages already on their way when a partition begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InFlight {
    /// They arrive.
    Keep,
    /// They are lost.
    Drop,
}

/// Who cannot hear whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Partition {
    /// No message passes between two groups. Replicas in no group make one more group.
    Groups(Vec<Vec<NodeName>>),
    /// No message passes between these and the rest.
    Split(Targets),
    /// Nothing from the first reaches the second; the way back is open.
    OneWay {
        /// Senders who are not heard.
        from: Selector,
        /// Receivers who do not hear them.
        to: Selector,
    },
    /// Two halves (of the names in ascending order) that hear each other only through these.
    Bridge(Targets),
    /// In a ring by name, each hears only so many neighbours on either side.
    Ring {
        /// How many on either side; never zero.
        reach: u32,
    },
}

/// Which of the two clock readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockReading {
    /// What timers are measured on. It never goes back.
    Monotonic,
    /// What timestamps are judged by.
    Wall,
    /// Both.
    Both,
}

/// An operation on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DiskOp {
    /// An append.
    Write,
    /// An fsync.
    Sync,
    /// A read at recovery.
    Read,
}

/// What a fault does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Loses messages.
    Drop {
        /// Which links.
        links: Links,
        /// How likely, each.
        p: Ppm,
    },
    /// Delivers messages twice, the copy with a delay of its own.
    Duplicate {
        /// Which links.
        links: Links,
        /// How likely, each.
        p: Ppm,
    },
    /// Replaces the links' delay.
    Delay {
        /// Which links.
        links: Links,
        /// The delay.
        delay: Distribution,
    },
    /// Holds some messages back, so that later ones overtake them.
    Reorder {
        /// Which links.
        links: Links,
        /// How likely, each.
        p: Ppm,
        /// How long they are held back.
        by: Distribution,
    },
    /// Breaks the frame before authentication: the message is lost and the connection reset.
    Corrupt {
        /// Which links.
        links: Links,
        /// How likely, each.
        p: Ppm,
    },
    /// Limits how much passes.
    Bandwidth {
        /// Which links.
        links: Links,
        /// Bytes per second, per link; never zero.
        bytes_per_second: u64,
    },
    /// Drops everything between groups.
    Partition {
        /// Who cannot hear whom.
        shape: Partition,
        /// What becomes of messages on their way.
        in_flight: InFlight,
    },
    /// Holds messages, and lets them go in order when it ends.
    Clog {
        /// Which links.
        links: Links,
    },
    /// Clogs the links of one target after the other, then releases them in another order, evenly
    /// over the fault's duration.
    SwizzleClog {
        /// Whose links.
        targets: Targets,
    },
    /// Drops everything from and to the targets. Two targets cannot hear each other either.
    Isolate {
        /// Whom.
        targets: Targets,
        /// What becomes of messages on their way.
        in_flight: InFlight,
    },
    /// Ends every network fault that is under way.
    Heal,

    /// Stops the process at once: memory and what the disk had not synced are lost.
    Kill {
        /// Whom.
        targets: Targets,
        /// Started again after this; otherwise when the fault ends.
        restart_after: Option<Span>,
    },
    /// Stops it in an orderly way: everything written is synced first.
    Stop {
        /// Whom.
        targets: Targets,
        /// Started again after this; otherwise when the fault ends.
        restart_after: Option<Span>,
    },
    /// Starts those that are down; stops and starts those that are up.
    Restart {
        /// Whom.
        targets: Targets,
    },
    /// Halts the process, its memory intact, until the fault ends. Messages queue up.
    Pause {
        /// Whom.
        targets: Targets,
    },
    /// Continues those that are paused.
    Resume {
        /// Whom.
        targets: Targets,
    },
    /// Kills and restarts again and again until the fault ends.
    CrashLoop {
        /// Whom.
        targets: Targets,
        /// How long it stays up.
        up: Distribution,
        /// How long it stays down.
        down: Distribution,
    },
    /// Kills it and empties its disk.
    Reformat {
        /// Whom.
        targets: Targets,
        /// Started again after this; otherwise when the fault ends.
        restart_after: Option<Span>,
    },
    /// Makes jobs and disk operations take longer.
    Slow {
        /// Whom.
        targets: Targets,
        /// How many thousandths of the normal time: 3000 is three times as slow.
        factor_milli: u32,
    },
    /// Leaves the last transaction out of the next block it executes that has any, as a broken machine
    /// might: from there on its state is another one, until a restart.
    Diverge {
        /// Whom.
        targets: Targets,
    },
    /// Restarts it with another version of the core.
    Upgrade {
        /// Whom.
        targets: Targets,
        /// The version's name.
        version: String,
    },

    /// Sets the wall clock off by a fixed amount while it lasts.
    Skew {
        /// Whom.
        targets: Targets,
        /// How far.
        by: SignedSpan,
    },
    /// Makes both readings run fast or slow while it lasts.
    Drift {
        /// Whom.
        targets: Targets,
        /// Parts per million, positive is fast; above -1,000,000.
        ppm: i32,
    },
    /// Sets a reading forward (or the wall clock back), once and for good.
    Jump {
        /// Whom.
        targets: Targets,
        /// How far; only forward for the monotonic reading.
        by: SignedSpan,
        /// Which reading.
        clock: ClockReading,
    },
    /// Lets the wall clock jump to and fro while it lasts.
    Strobe {
        /// Whom.
        targets: Targets,
        /// How far to either side.
        amplitude: Span,
        /// How long it stays on one side; never zero.
        period: Span,
    },
    /// Stops both readings: one nanosecond per step, wake-ups held until it ends.
    Freeze {
        /// Whom.
        targets: Targets,
    },

    /// How likely a crash loses each write that was not synced.
    LostUnsynced {
        /// Whom.
        targets: Targets,
        /// How likely.
        p: Ppm,
    },
    /// How likely a crash tears the last write at a sector boundary.
    TornWrite {
        /// Whom.
        targets: Targets,
        /// How likely.
        p: Ppm,
        /// Bytes per sector; never zero.
        sector: u32,
    },
    /// Flips one bit of a write that was made durable.
    Bitrot {
        /// Whom.
        targets: Targets,
        /// How likely, each write.
        p: Ppm,
    },
    /// Puts a write where another one is.
    MisdirectedWrite {
        /// Whom.
        targets: Targets,
        /// How likely, each write.
        p: Ppm,
    },
    /// Lets operations fail.
    IoError {
        /// Whom.
        targets: Targets,
        /// How likely, each operation.
        p: Ppm,
        /// Which operations, ascending.
        ops: Vec<DiskOp>,
    },
    /// Replaces the disk's latency.
    Latency {
        /// Whom.
        targets: Targets,
        /// How long an fsync takes.
        fsync: Distribution,
    },
    /// Lets every write fail for lack of space.
    Full {
        /// Whom.
        targets: Targets,
    },
    /// An fsync answers without having made anything durable. The node counts as Byzantine from
    /// its first crash on.
    FsyncLie {
        /// Whom.
        targets: Targets,
        /// How likely, each fsync.
        p: Ppm,
    },
}

/// The targets of a verb that is about somebody's own machinery, borrowed as the verb is.
macro_rules! targets_of {
    ($verb:expr) => {
        match $verb {
            Verb::Partition {
                shape: Partition::Split(targets) | Partition::Bridge(targets),
                ..
            }
            | Verb::SwizzleClog { targets }
            | Verb::Isolate { targets, .. }
            | Verb::Kill { targets, .. }
            | Verb::Stop { targets, .. }
            | Verb::Restart { targets }
            | Verb::Pause { targets }
            | Verb::Resume { targets }
            | Verb::CrashLoop { targets, .. }
            | Verb::Reformat { targets, .. }
            | Verb::Slow { targets, .. }
            | Verb::Diverge { targets }
            | Verb::Upgrade { targets, .. }
            | Verb::Skew { targets, .. }
            | Verb::Drift { targets, .. }
            | Verb::Jump { targets, .. }
            | Verb::Strobe { targets, .. }
            | Verb::Freeze { targets }
            | Verb::LostUnsynced { targets, .. }
            | Verb::TornWrite { targets, .. }
            | Verb::Bitrot { targets, .. }
            | Verb::MisdirectedWrite { targets, .. }
            | Verb::IoError { targets, .. }
            | Verb::Latency { targets, .. }
            | Verb::Full { targets }
            | Verb::FsyncLie { targets, .. } => Some(targets),
            Verb::Drop { .. }
            | Verb::Duplicate { .. }
            | Verb::Delay { .. }
            | Verb::Reorder { .. }
            | Verb::Corrupt { .. }
            | Verb::Bandwidth { .. }
            | Verb::Partition { .. }
            | Verb::Clog { .. }
            | Verb::Heal => None,
        }
    };
}

impl Verb {
    /// Every verb, in the order of the documentation.
    pub const NAMES: [&'static str; 34] = [
        "drop",
        "duplicate",
        "delay",
        "reorder",
        "corrupt",
        "bandwidth",
        "partition",
        "clog",
        "swizzle_clog",
        "isolate",
        "heal",
        "kill",
        "stop",
        "restart",
        "pause",
        "resume",
        "crash_loop",
        "reformat",
        "slow",
        "diverge",
        "upgrade",
        "skew",
        "drift",
        "jump",
        "strobe",
        "freeze",
        "lost_unsynced",
        "torn_write",
        "bitrot",
        "misdirected_write",
        "io_error",
        "latency",
        "full",
        "fsync_lie",
    ];

    /// Whose own machinery it is about; `None` if it is about links.
    #[must_use]
    pub fn targets(&self) -> Option<&Targets> {
        targets_of!(self)
    }

    /// The same, to change.
    pub fn targets_mut(&mut self) -> Option<&mut Targets> {
        targets_of!(self)
    }

    /// How likely it is each time, to change; `None` if it is certain.
    pub fn likelihood_mut(&mut self) -> Option<&mut Ppm> {
        match self {
            Self::Drop { p, .. }
            | Self::Duplicate { p, .. }
            | Self::Reorder { p, .. }
            | Self::Corrupt { p, .. }
            | Self::LostUnsynced { p, .. }
            | Self::TornWrite { p, .. }
            | Self::Bitrot { p, .. }
            | Self::MisdirectedWrite { p, .. }
            | Self::IoError { p, .. }
            | Self::FsyncLie { p, .. } => Some(p),
            _ => None,
        }
    }

    /// Its name in a scenario file.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Drop { .. } => "drop",
            Self::Duplicate { .. } => "duplicate",
            Self::Delay { .. } => "delay",
            Self::Reorder { .. } => "reorder",
            Self::Corrupt { .. } => "corrupt",
            Self::Bandwidth { .. } => "bandwidth",
            Self::Partition { .. } => "partition",
            Self::Clog { .. } => "clog",
            Self::SwizzleClog { .. } => "swizzle_clog",
            Self::Isolate { .. } => "isolate",
            Self::Heal => "heal",
            Self::Kill { .. } => "kill",
            Self::Stop { .. } => "stop",
            Self::Restart { .. } => "restart",
            Self::Pause { .. } => "pause",
            Self::Resume { .. } => "resume",
            Self::CrashLoop { .. } => "crash_loop",
            Self::Reformat { .. } => "reformat",
            Self::Slow { .. } => "slow",
            Self::Diverge { .. } => "diverge",
            Self::Upgrade { .. } => "upgrade",
            Self::Skew { .. } => "skew",
            Self::Drift { .. } => "drift",
            Self::Jump { .. } => "jump",
            Self::Strobe { .. } => "strobe",
            Self::Freeze { .. } => "freeze",
            Self::LostUnsynced { .. } => "lost_unsynced",
            Self::TornWrite { .. } => "torn_write",
            Self::Bitrot { .. } => "bitrot",
            Self::MisdirectedWrite { .. } => "misdirected_write",
            Self::IoError { .. } => "io_error",
            Self::Latency { .. } => "latency",
            Self::Full { .. } => "full",
            Self::FsyncLie { .. } => "fsync_lie",
        }
    }

    /// Whether this build knows how to do it. A scenario that asks for another is refused.
    #[must_use]
    pub fn is_available(&self) -> bool {
        Self::is_name_available(self.name())
    }

    /// The same for a verb by name.
    #[must_use]
    pub fn is_name_available(name: &str) -> bool {
        name != "upgrade" && Self::NAMES.contains(&name)
    }

    /// Whose disk it damages beyond losing what was not synced; `disk.atlas` keeps a quorum spared.
    #[must_use]
    pub const fn damaged(&self) -> Option<&Targets> {
        match self {
            Self::Bitrot { targets, .. } | Self::MisdirectedWrite { targets, .. } => Some(targets),
            _ => None,
        }
    }
}
