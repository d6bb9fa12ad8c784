//! One thing that happened at one node at one time.
//!
//! Observations are made on every message, so they are cheap: shared pointers and small numbers, no
//! strings. They say what happened, never what it means.

use std::{collections::BTreeMap, fmt, sync::Arc};

use borsh::BorshSerialize;
use quorate_core::{
    block::Block,
    digest::{Domain, digest_of},
    effect::{PeerFault, Timer},
    event::Event,
    execution::{AssetSupply, ExecutedBlock},
    message::Message,
    replica::Footprint,
    signer::Pledge,
    store::Batch,
    transaction::AssetId,
    types::{Digest, Height, PeerId, Seq, ValidatorId},
    vote::{Promise, Vote},
};

use crate::scenario::{CrashPoint, NodeName};

/// A simulated node: `nN` runs validator N; its twin, `nN'`, is a second replica on the same key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize)]
pub struct NodeIndex {
    number: u32,
    twin: bool,
}

impl NodeIndex {
    /// The node that runs validator `number`.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self { number, twin: false }
    }

    /// The second replica on this node's key.
    #[must_use]
    pub const fn twin(self) -> Self {
        Self { number: self.number, twin: true }
    }

    /// The node with this name in a scenario.
    #[must_use]
    pub const fn of(name: NodeName) -> Self {
        Self { number: name.validator.get(), twin: name.twin }
    }

    /// Its name in a scenario.
    #[must_use]
    pub const fn name(self) -> NodeName {
        NodeName { validator: ValidatorId::new(self.number), twin: self.twin }
    }

    /// The validator's number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.number
    }

    /// Whether it is the second replica on its key.
    #[must_use]
    pub const fn is_twin(self) -> bool {
        self.twin
    }
}

impl fmt::Display for NodeIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}{}", self.number, if self.twin { "'" } else { "" })
    }
}

impl fmt::Debug for NodeIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Eight bytes of a message's digest: enough to tell messages of one run apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// The fingerprint of a message's encoding.
    #[must_use]
    pub fn of(message: &Message) -> Self {
        let digest = digest_of(Domain::Trace, message);
        let (head, _) = digest.get().split_at(8);
        Self(u64::from_le_bytes(head.try_into().expect("eight bytes were split off")))
    }

    /// The raw number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A message on its way, encoded and fingerprinted once however many receive it.
#[derive(Clone, Debug)]
pub struct Parcel {
    message: Arc<Message>,
    fingerprint: Fingerprint,
}

impl Parcel {
    /// Wraps a message. Call it once per message sent, not once per receiver.
    #[must_use]
    pub fn new(message: Arc<Message>) -> Self {
        let fingerprint = Fingerprint::of(&message);
        Self { message, fingerprint }
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> &Arc<Message> {
        &self.message
    }

    /// Its fingerprint.
    #[must_use]
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}

/// Why a message did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize)]
pub enum DropReason {
    /// The link lost it by chance.
    Loss,
    /// Sender and receiver were in different partitions.
    Partition,
    /// The receiver was not running.
    Down,
    /// The frame was damaged before authentication.
    Corrupted,
    /// It did not survive the codec.
    Undecodable,
    /// A fault threw away what was in flight.
    Cut,
    /// A queue on its way was full.
    Overflow,
}

/// Why a node ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize)]
pub enum DownReason {
    /// A write or a flush failed; nothing is ever retried (exit code 16).
    WriteFailed,
    /// The data log was damaged before its end (exit code 12).
    CorruptLog,
    /// The signer refused a statement (exit code 13).
    SignerRefused,
    /// The core panicked.
    Panicked,
}

/// One thing that happened at one node.
#[derive(Clone, Debug)]
pub struct Observation {
    /// World time in nanoseconds since the run began.
    pub at: u64,
    /// The node it happened at; for the world's own doings, node 0.
    pub node: NodeIndex,
    /// The place among this node's observations, counted from 0 over the whole run.
    pub seq: u64,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum What {
    /// The node runs, after its disk was read.
    Started {
        /// Which of its lives this is, from 0.
        life: u32,
        /// The finalized height on its disk.
        height: Height,
        /// The last log entry of its previous life that is on its disk: durable ones are, later ones
        /// may be. Zero in the first life.
        survived: Seq,
        /// Bytes of a torn tail that were cut off its log.
        torn_bytes: u64,
        /// Whether its sign-state was lost or found damaged: it never votes again.
        amnesiac: bool,
    },
    /// The node was killed: its memory is gone.
    Killed,
    /// The node was shut down in good order.
    Stopped,
    /// The node does nothing until resumed.
    Paused,
    /// The node goes on.
    Resumed,
    /// The node ended by itself.
    WentDown(DownReason),
    /// The node hands a message to the network, once per message.
    Sent {
        /// The validators it is addressed to, ascending. Twins share an address.
        to: Arc<[u32]>,
        /// The message.
        parcel: Parcel,
    },
    /// A message reaches this node's replica.
    Delivered {
        /// The node that really sent it.
        from: NodeIndex,
        /// The message.
        parcel: Parcel,
    },
    /// A message this node sent will not arrive.
    Dropped {
        /// Where it would have arrived.
        to: NodeIndex,
        /// Why not.
        why: DropReason,
        /// The message.
        parcel: Parcel,
    },
    /// The network made a second copy of a message this node sent.
    Duplicated {
        /// Where it goes.
        to: NodeIndex,
        /// The message.
        parcel: Parcel,
    },
    /// The replica complains about a peer.
    Penalized {
        /// About whom.
        peer: PeerId,
        /// What it did.
        fault: PeerFault,
    },
    /// The replica was woken because it had asked to be.
    Woke(Timer),
    /// Records were appended to the node's log; not durable yet.
    Wrote {
        /// Their place in the log.
        seq: Seq,
        /// The records.
        records: Arc<Batch>,
    },
    /// A pledge was appended to the node's log; not durable yet.
    PledgeAppended {
        /// Its place in the log.
        seq: Seq,
        /// The pledge.
        pledge: Box<Pledge>,
    },
    /// The log is durable up to this place.
    Durable {
        /// The last durable entry.
        upto: Seq,
    },
    /// A write or a flush failed.
    WriteFailed,
    /// The sign-state that holds this promise is durable.
    SignStateDurable(Box<Promise>),
    /// The key signed a promise.
    Signed(Box<Vote<Promise>>),
    /// The replica reported something.
    Reported(Arc<Event>),
    /// A finalized block was executed.
    Executed {
        /// The block.
        block: Arc<Block>,
        /// What came of it.
        result: Arc<ExecutedBlock>,
        /// Whether it was executed again after a restart.
        replayed: bool,
    },
    /// The machine got the execution of this height wrong.
    Diverged(Height),
    /// Everything this node's state holds of the native asset, wherever it is.
    Supply {
        /// The state's height.
        height: Height,
        /// The total, in the smallest unit.
        total: u128,
    },
    /// Where the tokens of issued assets are by this node's state, looked at when it starts.
    Assets {
        /// The state's height.
        height: Height,
        /// As it is kept, block by block.
        kept: Arc<BTreeMap<AssetId, AssetSupply>>,
        /// As it is counted in the cells.
        counted: Arc<BTreeMap<AssetId, AssetSupply>>,
    },
    /// A client handed a transaction to this node.
    Submitted {
        /// Its id.
        transaction: Digest,
        /// What it pays.
        fee: u64,
    },
    /// A client learned from this node that its transaction is in the block at this height.
    ClientSaw {
        /// The transaction's id.
        transaction: Digest,
        /// The height.
        height: Height,
    },
    /// A fault begins to act here. Indices follow the scenario's order.
    FaultOn {
        /// Which.
        index: u32,
    },
    /// A fault has ended here.
    FaultOff {
        /// Which.
        index: u32,
    },
    /// The node passed a crash point.
    PassedPoint {
        /// Which.
        point: CrashPoint,
        /// How often this node has passed it, from 1.
        nth: u32,
        /// Whether the vote is the Notarize of the node's own proposal.
        proposal: bool,
    },
    /// How much the replica holds.
    Holds(Footprint),
}
