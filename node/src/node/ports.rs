//! The store, the signer and the network, as the driver wants them.

use quorate_core::{
    block::Block,
    effect::PeerFault,
    execution::{Done, ExecutionState},
    message::Message,
    signer::Pledge,
    store::Batch,
    types::{Height, PeerId},
    vote::{Promise, Vote},
};

use crate::{
    driver::{Commits, Inlet, Log, Outlet, Reads, Received, Signs},
    exit::Failure,
    network::{Arrival, InboundReceiver, Network},
    signer::Signer,
    store::Store,
};

impl Log for Store {
    fn append(&mut self, batches: &[Batch]) -> Result<(), Failure> {
        Ok(Store::append(self, batches)?)
    }

    fn sync(&mut self) -> Result<(), Failure> {
        Ok(Store::sync(self)?)
    }
}

impl Commits for Store {
    fn commit(
        &mut self,
        block: &Block,
        done: &Done,
        execution: &ExecutionState,
    ) -> Result<(), Failure> {
        Ok(Store::commit(self, block, done, execution)?)
    }
}

impl Reads for Store {
    fn failure(&self) -> Option<Failure> {
        Store::failure(self).map(Failure::from)
    }
}

impl Signs for Signer {
    fn sign(&mut self, pledges: &[Pledge]) -> Result<Vec<Vote<Promise>>, Failure> {
        Ok(Signer::sign(self, pledges)?)
    }
}

fn received(arrival: Arrival) -> Received {
    match arrival {
        Arrival::Peer(event) => Received::Peer(event),
        Arrival::Received { from, message } => Received::Message { from, message },
    }
}

impl Inlet for InboundReceiver {
    fn try_next(&mut self, bulk: bool) -> Option<Received> {
        InboundReceiver::try_next(self, bulk).map(received)
    }

    async fn next(&mut self, bulk: bool) -> Option<Received> {
        InboundReceiver::next(self, bulk).await.map(received)
    }
}

impl Outlet for Network {
    fn send(&self, to: &[PeerId], message: &Message) {
        Network::send(self, to, message);
    }

    fn penalize(&self, peer: PeerId, fault: PeerFault) {
        Network::penalize(self, peer, fault);
    }

    fn reached(&self, height: Height) {
        self.set_height(height);
    }
}
