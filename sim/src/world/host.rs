//! What a machine is when nothing runs on it: its disk, its clocks, and what the world keeps about it.
//!
//! A host survives every crash of the process on it. [`super::node`] is the process.

use quorate_core::{
    replica::Footprint,
    types::{Height, View},
};

use super::{
    clock::Clock,
    disk::{Disk, File},
    log::encode_slot,
    network::Machine,
};
use crate::{
    byzantine::Behaviours,
    check::Lapse,
    report::{BreakAt, Portrait},
    scenario::CrashPoint,
    trace::{DownReason, NodeIndex},
};

/// A crash that waits for its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trap {
    /// The fault it belongs to; `None` for the crash that [`crate::report::RunOptions`] asks for.
    pub fault: Option<u32>,
    /// Where it strikes.
    pub point: CrashPoint,
    /// Whether only pledges of an own proposal count.
    pub proposal_only: bool,
    /// The how many-th passage it strikes at, counted from 1 over the machine's whole life.
    pub nth: u32,
    /// What it does on the spot.
    pub snaps: Snap,
    /// Whose turn it has to be.
    pub role: Role,
}

/// What a trap does on the spot. Everything else the world does at the window's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Snap {
    /// Ends the process: memory is gone, and the disk decides about unsynced writes.
    Kill,
    /// Ends the process in good order.
    Stop,
    /// Lets the process finish its step and do no more.
    Hold,
}

/// Whose turn it has to be for a trap to strike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Anybody's. The trap strikes at exactly its passage.
    #[default]
    Any,
    /// The machine's own, in the view it is in. The trap strikes then, at its passage or later.
    Leader,
    /// The machine's own, in the view after the one it is in.
    NextLeader,
}

/// Why a process has come to a halt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// A trap struck.
    Trapped(Trap),
    /// It ended by itself.
    Down(DownReason),
    /// The core panicked, or the signer refused: the run is over.
    Broken(String),
}

/// How often each crash point was passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passages {
    votes: [u32; 6],
    proposals: [u32; 6],
}

impl Passages {
    /// Counts one; the new counts of all votes and of own proposals alone.
    pub fn count(&mut self, point: CrashPoint, proposal: bool) -> (u32, u32) {
        let place = CrashPoint::ALL.iter().position(|one| *one == point).expect("all are listed");
        self.votes[place] += 1;
        self.proposals[place] += u32::from(proposal);
        (self.votes[place], self.proposals[place])
    }

    /// How often a point was passed, by all votes or by own proposals alone.
    #[must_use]
    pub fn at(&self, point: CrashPoint, proposal_only: bool) -> u32 {
        let place = CrashPoint::ALL.iter().position(|one| *one == point).expect("all are listed");
        if proposal_only { self.proposals[place] } else { self.votes[place] }
    }

    /// How often each point was passed, in order.
    pub fn iter(&self) -> impl Iterator<Item = (CrashPoint, u32)> + '_ {
        CrashPoint::ALL.into_iter().zip(self.votes)
    }
}

/// Where a replica stands, as far as it said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The view it is in.
    pub view: View,
    /// Its finalized height.
    pub height: Height,
    /// How much it holds.
    pub footprint: Footprint,
    /// The lowest and highest final block on its disk.
    pub archive: Option<(Height, Height)>,
}

/// One machine.
pub struct Host {
    /// Its place among all machines.
    pub machine: Machine,
    /// Its name.
    pub node: NodeIndex,
    /// Its disk.
    pub disk: Disk,
    /// Its clocks.
    pub clock: Clock,
    /// What it does besides the protocol.
    pub behaviours: Behaviours,
    /// How many times a process was started on it.
    pub lives: u32,
    /// When the current process was started.
    pub boot_at: u64,
    /// The number of the first log entry of the current life.
    pub life_begins: u64,
    /// The sign-state version that the signer last relied on.
    pub slot_version: u64,
    /// Crash points passed.
    pub passages: Passages,
    /// Crashes that wait.
    pub traps: Vec<Trap>,
    /// Traps that have struck, and when, since last asked.
    pub struck: Vec<(Trap, u64)>,
    /// Why and when the process has come to a halt, until the world has seen to it.
    pub halt: Option<(u64, Halt)>,
    /// The process does nothing more until the world has seen to it.
    pub holding: bool,
    /// Why the validator no longer counts as honest, until the world has seen to it.
    pub lapse: Option<Lapse>,
    /// How far the replica has to come for its portrait to be drawn.
    pub watch: Option<BreakAt>,
    /// The replica as it was when it had come that far.
    pub portrait: Option<Box<Portrait>>,
    /// How many thousandths of the normal time jobs take.
    pub slow_milli: u32,
    /// The next block with transactions is executed without its last one.
    pub diverges: bool,
    /// Where the replica stands.
    pub standing: Standing,
    /// Steps of all replicas that ever ran on it.
    pub steps: u64,
    /// Jobs of all replicas that ever ran on it.
    pub jobs: u64,
}

impl Host {
    /// A machine that was just set up: an empty log, and a sign-state that has promised nothing.
    #[must_use]
    pub fn new(machine: Machine, node: NodeIndex, mut disk: Disk, clock: Clock) -> Self {
        let promised_nothing = quorate_core::signer::SignState::default();
        disk.swap(File::SlotA, &encode_slot(Vec::new(), 0, &promised_nothing));
        Self {
            machine,
            node,
            disk,
            clock,
            behaviours: Behaviours::new(),
            lives: 0,
            boot_at: 0,
            life_begins: 0,
            slot_version: 0,
            passages: Passages::default(),
            traps: Vec::new(),
            struck: Vec::new(),
            halt: None,
            holding: false,
            lapse: None,
            watch: None,
            portrait: None,
            slow_milli: 1_000,
            diverges: false,
            standing: Standing::default(),
            steps: 0,
            jobs: 0,
        }
    }
}
