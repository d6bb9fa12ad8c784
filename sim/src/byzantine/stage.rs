//! A stage for the behaviours' tests: `n1` of four, with its key.

use std::sync::Arc;

use quorate_core::{
    block::{Block, Candidate, Header, Payload},
    certificate::Certificate,
    committee::{Committee, Member},
    crypto::{Ed25519, SecretKey, Verifier},
    digest::{Domain, Hasher},
    message::{Body, Justify, Message, Proposal, Status},
    random::{Rng, Seed},
    time::UnixMillis,
    types::{ChainId, Digest, Epoch, Height, PeerId, Stake, ValidatorId, ValidatorIndex, View},
    vote::{Signable, SigningContext, Statement, Vote},
};

use super::{Behaviour, Behaviours, Context, Outgoing};

/// Everybody else.
pub(super) const PEERS: [u32; 3] = [0, 2, 3];

/// One misbehaving node.
pub(super) struct Stage {
    behaviours: Behaviours,
    keys: Vec<SecretKey>,
    committee: Committee,
    signing: SigningContext,
    rng: Rng,
    pub(super) now: u64,
    pub(super) view: u64,
    pub(super) height: u64,
}

impl Stage {
    pub(super) fn new(behaviour: impl Behaviour + 'static) -> Self {
        let mut behaviours = Behaviours::new();
        behaviours.push(Box::new(behaviour));
        Self::with(behaviours)
    }

    pub(super) fn with(behaviours: Behaviours) -> Self {
        let keys: Vec<SecretKey> =
            (1..=4).map(|number| SecretKey::from_seed([number; 32])).collect();
        let member = |(number, key): (u32, &SecretKey)| Member {
            validator: ValidatorId::new(number),
            key: key.public(),
            peer: PeerId::new([u8::try_from(number).expect("below 4"); 32]),
            weight: Stake::new(1),
        };
        let committee =
            Committee::new((0..).zip(&keys).map(member).collect()).expect("four members");
        let signing = SigningContext {
            chain_id: ChainId::new(1),
            genesis: Hasher::new(Domain::Genesis).finish(),
            committee: committee.digest(),
        };
        let rng = Seed::from_number(7).rng();
        Self { behaviours, keys, committee, signing, rng, now: 0, view: 5, height: 2 }
    }

    fn act<T>(&mut self, act: impl FnOnce(&mut Behaviours, &mut Context<'_>) -> T) -> T {
        let key = &self.keys[1];
        let index = self.committee.index_of_key(&key.public()).expect("a member");
        let mut context = Context {
            now: self.now,
            view: View::new(self.view),
            height: Height::new(self.height),
            epoch: Epoch::ZERO,
            own: 1,
            index,
            committee: &self.committee,
            signing: &self.signing,
            key: &|digest| key.sign(digest),
            peers: &PEERS,
            rng: &mut self.rng,
        };
        act(&mut self.behaviours, &mut context)
    }

    /// What leaves when the replica sends a message to everybody.
    pub(super) fn send(&mut self, message: Message) -> Vec<Outgoing> {
        self.act(|behaviours, context| {
            behaviours.edit(context, Outgoing::new(PEERS.to_vec(), message))
        })
    }

    pub(super) fn hear(&mut self, message: Message) {
        self.act(|behaviours, context| behaviours.overhear(context, 0, &Arc::new(message)));
    }

    /// Whether a restart would begin without what was promised.
    pub(super) fn forgets(&mut self) -> bool {
        self.act(|behaviours, context| behaviours.forget(context))
    }

    pub(super) fn vote<S: Signable>(&self, number: usize, statement: S) -> Vote<S> {
        let key = &self.keys[number];
        let signer = self.committee.index_of_key(&key.public()).expect("a member");
        let signature = key.sign(&self.signing.message(&statement));
        Vote { statement, signer, signature }
    }

    /// A vote by the misbehaving node.
    pub(super) fn own(&self, statement: Statement) -> Message {
        Message::Vote(self.vote(1, statement))
    }

    /// Its proposal in the current view.
    pub(super) fn proposal(&self) -> Proposal {
        let block = block();
        let notarize = self.vote(1, Statement::Notarize(self.candidate(&block)));
        Proposal { notarize, body: Body::Full(block), justify: Justify::default() }
    }

    pub(super) fn candidate(&self, block: &Block) -> Candidate {
        Candidate {
            epoch: Epoch::ZERO,
            view: View::new(self.view),
            parent_view: View::ZERO,
            parent_id: Digest::ZERO,
            block: block.digest(),
        }
    }

    pub(super) fn certificate(&self, statement: Statement) -> Certificate {
        let votes = (0..3).map(|number| self.vote(number, statement)).collect();
        Certificate::from_votes(statement, votes)
    }

    /// Whether a vote's signature holds.
    pub(super) fn holds<S: Signable>(&self, vote: &Vote<S>) -> bool {
        let check = self.signing.check(&self.committee, vote).expect("a member signs");
        Ed25519.verify(&[check]) == [true]
    }
}

pub(super) fn nullify(view: u64) -> Statement {
    Statement::Nullify { epoch: Epoch::ZERO, view: View::new(view) }
}

pub(super) fn block() -> Arc<Block> {
    let payload = Payload::default();
    let header = Header {
        chain_id: ChainId::new(1),
        epoch: Epoch::ZERO,
        height: Height::new(3),
        parent: Digest::new([3; 32]),
        origin_view: View::new(5),
        proposer: ValidatorIndex::new(1),
        payload_root: payload.root(),
        payload_len: payload.encoded_len(),
        timestamp: UnixMillis::new(1_000),
        evidence_root: payload.evidence_root(),
        next_committee: None,
    };
    Arc::new(Block::new(header, payload))
}

pub(super) fn status() -> Message {
    Message::Status(Status {
        epoch: Epoch::ZERO,
        view: View::new(5),
        finalized_view: View::new(4),
        finalized_height: Height::new(2),
        finalized_id: Digest::ZERO,
        checkpoint: Height::ZERO,
    })
}
