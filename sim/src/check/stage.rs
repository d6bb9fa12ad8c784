//! A stage for the checkers' tests: a small committee, and observations made by hand.

use std::{collections::BTreeMap, fmt::Debug, sync::Arc};

use quorate_core::{
    block::{Block, Candidate, Header, Payload, root_id},
    certificate::Certificate,
    checkpoint::Checkpoint,
    codec::Bounded,
    committee::Member,
    config::{Genesis, GenesisAccount, Parameters},
    crypto::SecretKey,
    execution::{Commitment, ExecutedBlock, Outcome, Supply},
    message::Message,
    proof::CommitProof,
    signer::{Pledge, SafetyState},
    store::{Finalized, Record},
    time::UnixMillis,
    transaction::{Address, Transaction, TransactionBody, TransactionKind},
    types::{
        ChainId, Digest, Epoch, Height, PeerId, Seq, Stake, ValidatorId, ValidatorIndex, View,
    },
    vote::{Promise, Signable, Statement, Vote},
};

use super::{Checker, Checks, Lapse, Scene, Violation};
use crate::{
    scenario::Invariant,
    trace::{NodeIndex, Observation, Parcel, What},
};

/// What an observation came to.
pub(super) type Seen = Result<(), Violation>;

/// A committee of equals, and a checker that watches it.
pub(super) struct Stage {
    pub(super) checks: Checks,
    keys: Vec<SecretKey>,
    pub(super) now: u64,
    seqs: BTreeMap<NodeIndex, u64>,
}

impl Stage {
    /// `n0` to `n{size - 1}`, each of weight 1, watched by one checker.
    pub(super) fn new(size: u32, checker: impl Checker + 'static) -> Self {
        let mut stage = Self::unwatched(size);
        stage.checks.push(Box::new(checker));
        stage
    }

    /// The same without a checker.
    pub(super) fn unwatched(size: u32) -> Self {
        let keys: Vec<SecretKey> = (0..size)
            .map(|number| SecretKey::from_seed([u8::try_from(number).expect("a few") + 1; 32]))
            .collect();
        let member = |(number, key): (u32, &SecretKey)| {
            let mut peer = [0; 32];
            peer[..4].copy_from_slice(&number.to_le_bytes());
            Member {
                validator: ValidatorId::new(number),
                key: key.public(),
                peer: PeerId::new(peer),
                weight: Stake::new(1),
            }
        };
        let genesis = Genesis {
            chain_id: ChainId::new(1),
            timestamp: UnixMillis::new(0),
            validators: (0..size).zip(&keys).map(member).collect(),
            accounts: vec![GenesisAccount { address: payer(), balance: 1_000 }],
            parameters: Parameters::default(),
        };
        let checks = Checks::new(Scene::new(genesis));
        Self { checks, keys, now: 0, seqs: BTreeMap::new() }
    }

    /// These stop being honest.
    pub(super) fn corrupt(mut self, numbers: &[u32]) -> Self {
        for number in numbers {
            self.checks.honesty_mut().enter(*number, Lapse::Byzantine);
        }
        self
    }

    pub(super) fn scene(&self) -> &Scene {
        self.checks.scene()
    }

    /// Something happens at a node, a microsecond later.
    pub(super) fn see(&mut self, number: u32, what: What) -> Seen {
        self.now += 1_000;
        let node = NodeIndex::new(number);
        let seq = self.seqs.entry(node).or_default();
        *seq += 1;
        self.checks.observe(&Observation { at: self.now, node, seq: *seq, what })
    }

    /// The same, for what no checker may mind.
    pub(super) fn fine(&mut self, number: u32, what: What) {
        let seen = self.see(number, what);
        assert_eq!(seen, Ok(()), "this was meant to pass");
    }

    pub(super) fn index(&self, number: u32) -> ValidatorIndex {
        self.scene().actor(number).expect("a member").index
    }

    /// A vote, signed for real.
    pub(super) fn vote<S: Signable>(&self, number: u32, statement: S) -> Vote<S> {
        let key = &self.keys[usize::try_from(number).expect("a few")];
        let signature = key.sign(&self.scene().context.message(&statement));
        Vote { statement, signer: self.index(number), signature }
    }

    /// Everybody named signs.
    pub(super) fn sign<S>(&mut self, numbers: &[u32], statement: S) -> Seen
    where
        S: Copy + Signable + Into<Promise>,
    {
        numbers.iter().try_for_each(|number| {
            let vote = self.vote(*number, statement);
            self.see(*number, What::Signed(Box::new(vote.widened())))
        })
    }

    pub(super) fn send(&mut self, number: u32, message: Message) -> Seen {
        self.see(number, sent(message))
    }

    /// A certificate of these signers' votes, signed for real but not observed.
    pub(super) fn certificate<S>(&self, statement: S, numbers: &[u32]) -> Certificate<S>
    where
        S: Copy + Eq + Debug + Signable,
    {
        let votes = numbers.iter().map(|number| self.vote(*number, statement)).collect();
        Certificate::from_votes(statement, votes)
    }

    /// A candidate at `view` on the root.
    pub(super) fn on_root(&self, view: u64, block: &Block) -> Candidate {
        let context = &self.scene().context;
        Candidate {
            epoch: Epoch::ZERO,
            view: View::new(view),
            parent_view: View::ZERO,
            parent_id: root_id(Epoch::ZERO, context.genesis, context.committee),
            block: block.digest(),
        }
    }

    /// The first block, told apart by `salt`.
    pub(super) fn first_block(&self, salt: u64) -> Arc<Block> {
        block(1, self.scene().context.genesis, salt, Payload::default())
    }

    /// A child, told apart by `salt`.
    pub(super) fn child(&self, parent: &Block, salt: u64) -> Arc<Block> {
        block(parent.header().height.get() + 1, parent.digest(), salt, Payload::default())
    }

    /// The Finalized record of a candidate whose ancestry from the last final block is `blocks`.
    pub(super) fn advance(
        &self,
        tip: Candidate,
        signers: &[u32],
        blocks: &[&Arc<Block>],
    ) -> Record {
        let certificate = self.certificate(Statement::Finalize(tip), signers);
        let blocks = blocks.iter().map(|one| (one.header().height, one.digest())).collect();
        Record::Finalized(Finalized { tip, certificate, blocks })
    }

    /// A complete proof of a directly finalized candidate.
    pub(super) fn proof(
        &self,
        height: u64,
        candidate: Candidate,
        signers: &[u32],
        skips: Vec<Certificate>,
    ) -> Record {
        Record::Proof(CommitProof {
            height: Height::new(height),
            candidate,
            notarization: Some(self.certificate(Statement::Notarize(candidate), signers)),
            finalization: Some(self.certificate(Statement::Finalize(candidate), signers)),
            nullifications: Bounded::new(skips),
        })
    }
}

/// A candidate at `view` on another.
pub(super) fn on(parent: &Candidate, view: u64, block: &Block) -> Candidate {
    Candidate {
        epoch: Epoch::ZERO,
        view: View::new(view),
        parent_view: parent.view,
        parent_id: parent.id(),
        block: block.digest(),
    }
}

/// A block, told apart by `salt`, of the first of the committee.
pub(super) fn block(height: u64, parent: Digest, salt: u64, payload: Payload) -> Arc<Block> {
    let header = Header {
        chain_id: ChainId::new(1),
        epoch: Epoch::ZERO,
        height: Height::new(height),
        parent,
        origin_view: View::new(height),
        proposer: ValidatorIndex::new(0),
        payload_root: payload.root(),
        payload_len: payload.encoded_len(),
        timestamp: UnixMillis::new(height * 1_000 + salt),
        evidence_root: payload.evidence_root(),
        next_committee: None,
    };
    Arc::new(Block::new(header, payload))
}

pub(super) fn nullify(view: u64) -> Statement {
    Statement::Nullify { epoch: Epoch::ZERO, view: View::new(view) }
}

/// The checkpoint of a height, told apart from others by `name`.
pub(super) fn checkpoint(height: u64, name: u8) -> Checkpoint {
    Checkpoint {
        epoch: Epoch::ZERO,
        height: Height::new(height),
        block: Digest::ZERO,
        state_root: Digest::new([name; 32]),
        receipts_root: Digest::ZERO,
        outbox_root: Digest::ZERO,
        committee: Digest::ZERO,
        next_committee: None,
    }
}

pub(super) fn sent(message: Message) -> What {
    What::Sent { to: Arc::from([0]), parcel: Parcel::new(Arc::new(message)) }
}

pub(super) fn delivered(from: u32, message: Message) -> What {
    What::Delivered { from: NodeIndex::new(from), parcel: Parcel::new(Arc::new(message)) }
}

pub(super) fn wrote(seq: u64, records: Vec<Record>) -> What {
    What::Wrote { seq: Seq::new(seq), records: Arc::new(records) }
}

pub(super) fn pledged_checkpoint(seq: u64, checkpoint: Checkpoint) -> What {
    let pledge = Box::new(Pledge::Checkpoint { certified: Height::ZERO, checkpoint });
    What::PledgeAppended { seq: Seq::new(seq), pledge }
}

pub(super) fn pledged(seq: u64, statement: Statement) -> What {
    let safety = SafetyState { epoch: Epoch::ZERO, floor: View::ZERO };
    let pledge = Box::new(Pledge::View { safety, statement });
    What::PledgeAppended { seq: Seq::new(seq), pledge }
}

pub(super) fn durable(upto: u64) -> What {
    What::Durable { upto: Seq::new(upto) }
}

pub(super) fn started(life: u32, height: u64, survived: u64) -> What {
    let (height, survived) = (Height::new(height), Seq::new(survived));
    What::Started { life, height, survived, torn_bytes: 0, amnesiac: false }
}

pub(super) fn executed(block: &Arc<Block>, state: u8, outcome: Outcome) -> What {
    let ids = block.payload().transactions.iter().map(|one| (one.id(), outcome)).collect();
    let state = Digest::new([state; 32]);
    let commitment = Commitment { root: state, lanes: state, supply: Supply::default() };
    let height = block.header().height;
    let result = ExecutedBlock::new(height, &commitment, ids, vec![], vec![]);
    What::Executed { block: Arc::clone(block), result: Arc::new(result), replayed: false }
}

pub(super) fn submitted(transaction: &Transaction) -> What {
    What::Submitted { transaction: transaction.id(), fee: transaction.body.fee }
}

fn payer() -> Address {
    Address::of_key(&SecretKey::from_seed([99; 32]).public())
}

/// A transaction, told apart by its nonce.
pub(super) fn transaction(nonce: u64) -> Transaction {
    paying(nonce, 1)
}

/// The same with another fee.
pub(super) fn paying(nonce: u64, fee: u64) -> Transaction {
    Transaction::signed(transfer(nonce, fee), &SecretKey::from_seed([99; 32]))
}

/// What it says, signed by another key than its payer's.
pub(super) fn stolen(nonce: u64) -> Transaction {
    Transaction::signed(transfer(nonce, 1), &SecretKey::from_seed([98; 32]))
}

fn transfer(nonce: u64, fee: u64) -> TransactionBody {
    TransactionBody::new(
        ChainId::new(1),
        payer(),
        nonce,
        fee,
        Height::new(1_000),
        TransactionKind::transfer(Vec::new()),
    )
}

/// A payload of transactions.
pub(super) fn payload(transactions: Vec<Transaction>) -> Payload {
    Payload { transactions: Bounded::new(transactions), evidence: Bounded::default() }
}

/// Asserts that this invariant was found broken, for a reason that contains `words`.
pub(super) fn assert_broken(seen: Seen, invariant: Invariant, words: &str) {
    match seen {
        Ok(()) => panic!("`{}` was meant to be found broken: {words}", invariant.name()),
        Err(violation) => {
            assert_eq!(violation.invariant, invariant, "{}", violation.detail);
            let detail = &violation.detail;
            assert!(detail.contains(words), "the reason was `{detail}`, not `{words}`");
        }
    }
}
