//! What the driver asks of the rest of the node, as narrow as it can be.
//!
//! A store, a signer and a network are somebody else's. Here is what the driver calls of them, so that its
//! tests can hold a disk back or break it, and a single validator can run without a network.

use std::future::Future;

use quorate_core::{
    block::Block,
    effect::{PeerEvent, PeerFault},
    execution::{Done, ExecutionState},
    message::Message,
    signer::Pledge,
    store::{Archive, Batch},
    types::{Height, PeerId},
    vote::{Promise, Vote},
};

use crate::exit::Failure;

/// Where consensus records become durable.
pub(crate) trait Log: Send + 'static {
    /// Makes batches durable, in order, all of them or none.
    ///
    /// # Errors
    /// If that is not certain. Nothing may be promised on it any more.
    fn append(&mut self, batches: &[Batch]) -> Result<(), Failure>;

    /// Makes durable what was committed without being forced to the disk.
    ///
    /// # Errors
    /// If the disk fails.
    fn sync(&mut self) -> Result<(), Failure>;
}

/// Whoever holds the consensus key and remembers what it has promised.
pub(crate) trait Signs: Send + 'static {
    /// Makes promises durable, all of them at once, and then signs each. A promise made before gets the
    /// same signature.
    ///
    /// # Errors
    /// If one of them contradicts an earlier promise, or the record of promises is not certain.
    fn sign(&mut self, pledges: &[Pledge]) -> Result<Vec<Vote<Promise>>, Failure>;
}

impl Signs for Box<dyn Signs> {
    fn sign(&mut self, pledges: &[Pledge]) -> Result<Vec<Vote<Promise>>, Failure> {
        (**self).sign(pledges)
    }
}

/// Where executed blocks are kept.
pub(crate) trait Commits: Send + 'static {
    /// Keeps everything a block changed, all of it or nothing. Need not be durable yet: it is executed again
    /// after a restart.
    ///
    /// # Errors
    /// If it cannot be kept.
    fn commit(
        &mut self,
        block: &Block,
        done: &Done,
        execution: &ExecutionState,
    ) -> Result<(), Failure>;
}

/// Where blocks are read for peers.
pub(crate) trait Reads: Archive + Send + Sync + 'static {
    /// The first damage met by a read that could not say so: nothing more may be served from here.
    fn failure(&self) -> Option<Failure>;
}

/// Something from the network.
#[derive(Clone, Debug)]
pub(crate) enum Received {
    /// A connection came or went.
    Peer(PeerEvent),
    /// A message.
    Message {
        /// Whose.
        from: PeerId,
        /// What it says.
        message: Message,
    },
}

/// Where what peers say comes in: votes before proposals before the rest.
pub(crate) trait Inlet: Send + 'static {
    /// The next one that is here; of the bulk class only if `bulk`.
    fn try_next(&mut self, bulk: bool) -> Option<Received>;

    /// Waits for the next one. `None` when the network is gone. Dropped unfinished, it loses nothing.
    fn next(&mut self, bulk: bool) -> impl Future<Output = Option<Received>> + Send;
}

/// Where messages to peers leave. Never blocks: what a peer cannot take is dropped.
pub(crate) trait Outlet: Send + Sync + 'static {
    /// Sends one message to some peers.
    fn send(&self, to: &[PeerId], message: &Message);

    /// Holds something against a peer.
    fn penalize(&self, peer: PeerId, fault: PeerFault);

    /// Notes the height that others are told when they connect.
    fn reached(&self, height: Height);
}
