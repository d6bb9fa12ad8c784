//! The two sides of the core's one door: what goes in and what comes out.
//!
//! Both are plain data, which is what makes transcripts, recording, replay and Byzantine editing
//! possible without a hook in the protocol.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    event::Event,
    job::{Job, JobResult},
    message::Message,
    signer::Pledge,
    store::Batch,
    transaction::Transaction,
    types::{PeerId, Seq},
    vote::{Promise, Vote},
};

/// What happens to a replica.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Input {
    /// A deadline may have passed.
    Tick,
    /// A peer's message, decoded and within limits, not verified.
    Received {
        /// Who sent it: proven by the transport.
        from: PeerId,
        /// What it says.
        message: Message,
    },
    /// A client of this node hands in a transaction.
    Submitted(Transaction),
    /// Every write up to this one is durable.
    Written {
        /// The last of them.
        upto: Seq,
    },
    /// A pledge is durable and signed. Answers come in the order of the log.
    Pledged(Vote<Promise>),
    /// A job is done.
    Finished(JobResult),
    /// A connection came or went.
    Peer(PeerEvent),
}

/// A change of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum PeerEvent {
    /// The peer can be reached.
    Connected(PeerId),
    /// It cannot any more.
    Lost(PeerId),
}

/// Who a message is for.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Recipients {
    /// Every other member of the committee.
    Committee,
    /// One node.
    One(PeerId),
    /// Several nodes, ascending.
    Some(Vec<PeerId>),
}

/// What should happen next, in order.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Effect {
    /// Send a message. It may be lost, late or reordered.
    Send {
        /// To whom.
        to: Recipients,
        /// What.
        message: Message,
    },
    /// Append to the store, answered by [`Input::Written`].
    Write {
        /// Its place in the log.
        seq: Seq,
        /// The records, to be made durable together.
        batch: Batch,
    },
    /// Make durable with everything before it, then sign; answered by [`Input::Pledged`].
    Pledge {
        /// Its place in the log.
        seq: Seq,
        /// The promise.
        pledge: Pledge,
    },
    /// Compute elsewhere, answered by [`Input::Finished`].
    Run(Job),
    /// Do something about a connection.
    Peer(PeerCommand),
    /// For people and subscribers only: nothing may depend on it.
    Report(Event),
}

/// What to do about a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum PeerCommand {
    /// It did something only a faulty node does: lower its score.
    Penalize(PeerId, PeerFault),
}

/// What a peer did wrong. One variant per offence, no strings.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub enum PeerFault {
    /// A vote whose signer is not its sender.
    NotItsVote,
    /// A signer outside the committee.
    UnknownSigner,
    /// A vote whose signature does not hold.
    BadVoteSignature,
    /// A certificate of the wrong shape, without a quorum, or with a bad signature.
    BadCertificate,
    /// A proposal by someone whose turn it is not.
    NotTheLeader,
    /// A proposal that contradicts itself: header, candidate, sizes or ancestry.
    MalformedProposal,
    /// A block that no validator may accept.
    InvalidBlock,
    /// Evidence that proves nothing.
    BadEvidence,
    /// A transaction that no honest node passes on: malformed, of another chain, or with a signature
    /// that does not hold.
    BadTransaction,
    /// An answer to nothing that was asked, or not what was asked for.
    BadResponse,
}

/// Why a replica wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// It has just been made or restored, and has things to say.
    Start,
    /// No acceptable proposal came in time.
    Leader,
    /// No certificate came in time.
    Advance,
    /// The leader has waited long enough for transactions.
    Propose,
    /// A block's timestamp is no longer ahead of the clock.
    Timestamp,
    /// Still in the same view: say everything again.
    Retry,
    /// Pass a certificate on to those still behind.
    Relay,
    /// Heartbeat.
    Status,
    /// Ask another peer for missing blocks or certificates.
    Fetch,
    /// Pass transactions on.
    Gossip,
    /// Own checkpoints lack a certificate: say them again.
    Checkpoint,
}

/// Collects effects in the order they are emitted.
#[derive(Default)]
pub struct Effects(Vec<Effect>);

impl Effects {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends one.
    pub fn push(&mut self, effect: Effect) {
        self.0.push(effect);
    }

    /// Appends a message to send.
    pub fn send(&mut self, to: Recipients, message: Message) {
        self.push(Effect::Send { to, message });
    }

    /// Appends a report.
    pub fn report(&mut self, event: Event) {
        self.push(Effect::Report(event));
    }

    /// Appends a complaint about a peer.
    pub fn penalize(&mut self, peer: PeerId, fault: PeerFault) {
        self.push(Effect::Peer(PeerCommand::Penalize(peer, fault)));
    }

    /// Takes all of them out, in order, keeping the allocation.
    pub fn drain(&mut self) -> std::vec::Drain<'_, Effect> {
        self.0.drain(..)
    }

    /// Looks at them.
    #[must_use]
    pub fn as_slice(&self) -> &[Effect] {
        &self.0
    }
}

impl fmt::Debug for Effects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
