//! Which block is whose child: every header anybody ever showed.
//!
//! A block's digest is its header's, so whoever shows a header cannot lie about its parent.

use std::collections::BTreeMap;

use quorate_core::{
    block::Header,
    digest::{Domain, digest_of},
    message::Message,
    store::Record,
    types::{Digest, Height},
};

/// What a header says about a block's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its height.
    pub height: Height,
    /// Its parent's digest.
    pub parent: Digest,
}

/// Every block shown, by digest.
#[derive(Clone, Debug, Default)]
pub struct Lineage {
    places: BTreeMap<Digest, Place>,
}

impl Lineage {
    /// Takes in the blocks of a message.
    pub fn observe_message(&mut self, message: &Message) {
        match message {
            Message::Proposal(proposal) => {
                self.enter(proposal.body.digest(), proposal.body.header());
            }
            Message::BlockResponse(response) => {
                for block in &response.blocks {
                    self.enter(block.digest(), block.header());
                }
                for header in &response.links {
                    self.enter(digest_of(Domain::Header, header), header);
                }
            }
            Message::Vote(_)
            | Message::Votes(_)
            | Message::Certificates(_)
            | Message::Status(_)
            | Message::CertificateRequest(_)
            | Message::BlockRequest(_)
            | Message::Transactions(_)
            | Message::Evidence(_)
            | Message::TransactionsRequest(_)
            | Message::TransactionsResponse(_)
            | Message::CheckpointVotes(_)
            | Message::CheckpointCertificate(_) => {}
        }
    }

    /// Takes in the block of a record.
    pub fn observe_record(&mut self, record: &Record) {
        if let Record::Block(block) = record {
            self.enter(block.digest(), block.header());
        }
    }

    fn enter(&mut self, digest: Digest, header: &Header) {
        let place = Place { height: header.height, parent: header.parent };
        self.places.entry(digest).or_insert(place);
    }

    /// Where a block stands.
    #[must_use]
    pub fn place(&self, block: &Digest) -> Option<Place> {
        self.places.get(block).copied()
    }

    /// Whether `ancestor` is `block` or above it in the chain that ends in `block`.
    #[must_use]
    pub fn descends(&self, block: Digest, ancestor: Digest) -> bool {
        let Some(goal) = self.place(&ancestor) else { return false };
        let mut current = block;
        while current != ancestor {
            let Some(place) = self.place(&current) else { return false };
            if place.height <= goal.height {
                return false;
            }
            current = place.parent;
        }
        true
    }
}
