//! Real values, encoded: where fuzzing starts from, and what `docs/wire.md` shows.

use std::sync::Arc;

use crate::{
    codec::{self, Bounded},
    compact::{CompactBlock, sealed_id},
    evidence::Evidence,
    execution::{ExecutionState, Failure, Outcome, ReceiptProof, cell::CellPath},
    frame::{self, Class},
    merkle,
    message::{
        BlockRequest, BlockResponse, BlockWant, Body, CertificateRequest, Justify, Message,
        Proposal, Status, TransactionsRequest, TransactionsResponse,
    },
    random::Seed,
    replica::Replica,
    signer::{Pledge, SafetyState, SignState},
    store::{Record, Recovered, SignerRecord, Stored},
    testing::cast::{Cast, Link, account_key, checkpoint, finalize, notarize, nullify},
    transaction::{Address, Output, Transaction, TransactionBody, TransactionKind},
    tree::{Change, MultiProof, Tree},
    types::{ChainId, Digest, Epoch, Height, View},
    vote::Kind,
};

/// One encoded value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The [`super::fuzz::Target`] it belongs to.
    pub target: &'static str,
    /// What it is.
    pub name: &'static str,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// One of each kind of message, with its name.
#[must_use]
pub fn messages() -> Vec<(&'static str, Message)> {
    let cast = Cast::equal(4);
    let chain = cast.chain(3);
    let skip = cast.certificate(nullify(4), [0, 1, 3]);
    let parent = Some(&chain[1]);
    let last = &chain[2];
    let signed = cast.vote(2, checkpoint(8, 1));
    let certified = cast.certificate(checkpoint(8, 1), [0, 1, 3]);
    vec![
        ("proposal", Message::Proposal(Arc::new(last.proposal(parent)))),
        ("notarize", Message::Vote(cast.vote(1, notarize(5, 1)))),
        ("nullify", Message::Vote(cast.vote(2, nullify(5)))),
        ("finalize", Message::Vote(cast.vote(3, finalize(5, 1)))),
        ("votes", Message::Votes(Bounded::new(vec![cast.vote(2, nullify(5))]))),
        ("certificates", Message::Certificates(Bounded::new(vec![skip]))),
        ("status", Message::Status(status(last))),
        ("certificate-request", Message::CertificateRequest(certificate_request())),
        ("block-request", Message::BlockRequest(block_request())),
        ("block-response", Message::BlockResponse(block_response(last))),
        ("transactions", Message::Transactions(Bounded::new(vec![transfer(0)]))),
        ("evidence", Message::Evidence(Box::new(evidence(&cast)))),
        ("checkpoint-votes", Message::CheckpointVotes(Bounded::new(vec![signed]))),
        ("checkpoint-certificate", Message::CheckpointCertificate(Box::new(certified))),
        ("announcement", Message::Proposal(Arc::new(announcement(&cast)))),
        ("transactions-request", Message::TransactionsRequest(transactions_request())),
        ("transactions-response", Message::TransactionsResponse(transactions_response())),
    ]
}

/// A proposal whose block is announced: two transactions by short ids and one whole.
fn announcement(cast: &Cast) -> Proposal {
    let transactions = vec![transfer(0), transfer(1), transfer(2)];
    let seal = |one: &Transaction| sealed_id(&one.id(), &one.signatures);
    let sealed: Vec<Digest> = transactions.iter().map(seal).collect();
    let block = cast.block(1, Digest::ZERO, transactions);
    let compact = CompactBlock::of(&block, &sealed, &[1]).expect("different short ids");
    Proposal {
        notarize: cast.vote(0, notarize(1, 1)),
        body: Body::Compact(Arc::new(compact)),
        justify: Justify::default(),
    }
}

fn transactions_request() -> TransactionsRequest {
    let places = Bounded::new(vec![3, 5]);
    TransactionsRequest { view: View::new(5), block: Digest::new([2; 32]), places }
}

fn transactions_response() -> TransactionsResponse {
    let transactions = Bounded::new(vec![transfer(0)]);
    TransactionsResponse { view: View::new(5), block: Digest::new([2; 32]), transactions }
}

fn status(last: &Link) -> Status {
    Status {
        epoch: Epoch::ZERO,
        view: View::new(5),
        finalized_view: last.candidate.view,
        finalized_height: last.height(),
        finalized_id: last.candidate.id(),
        checkpoint: Height::ZERO,
    }
}

fn certificate_request() -> CertificateRequest {
    CertificateRequest { epoch: Epoch::ZERO, view: View::new(4), kind: Some(Kind::Nullify) }
}

fn block_request() -> BlockRequest {
    BlockRequest { id: 9, want: BlockWant::From(Height::new(3)) }
}

fn block_response(last: &Link) -> BlockResponse {
    BlockResponse {
        id: 9,
        blocks: Bounded::new(vec![Arc::clone(&last.block)]),
        links: Bounded::default(),
        finalization: Some(last.finalization.clone()),
        proofs: Bounded::new(vec![last.proof()]),
    }
}

fn evidence(cast: &Cast) -> Evidence {
    let (first, second) = (cast.vote(2, notarize(5, 1)), cast.vote(2, notarize(5, 2)));
    Evidence::of(&first, &second).expect("two Notarizes of one view")
}

fn checkpoint_evidence(cast: &Cast) -> Evidence {
    let (first, second) = (cast.vote(2, checkpoint(8, 1)), cast.vote(2, checkpoint(8, 2)));
    Evidence::of(&first, &second).expect("two checkpoints of one height")
}

/// A signed transfer from account `payer` to the next.
#[must_use]
pub fn transfer(payer: u64) -> Transaction {
    let key = account_key(payer);
    let to = Address::of_key(&account_key(payer + 1).public());
    let body = TransactionBody::new(
        ChainId::new(7),
        Address::of_key(&key.public()),
        0,
        10,
        Height::new(1_000),
        TransactionKind::transfer(vec![Output::native(to, 25)]),
    );
    Transaction::signed(body, &key)
}

/// One of each kind of record, with its name, in an order a log may have.
#[must_use]
pub fn records() -> Vec<(&'static str, Record)> {
    let cast = Cast::equal(4);
    let link = cast.chain(1).remove(0);
    vec![
        ("block", Record::Block(Arc::clone(&link.block))),
        ("certificate", Record::Certificate(link.notarization.clone())),
        ("finalized", link.finalized()),
        ("proof", Record::Proof(link.proof())),
        ("evidence", Record::Evidence(evidence(&cast))),
        ("checkpoint", Record::Checkpoint(cast.certificate(checkpoint(8, 1), [0, 1, 3]))),
    ]
}

/// A sign-state after a few promises.
///
/// # Panics
/// Never: the promises do not contradict each other.
#[must_use]
pub fn sign_state() -> SignState {
    let mut state = SignState::default();
    for statement in [notarize(5, 1), finalize(5, 1), notarize(6, 2), nullify(6)] {
        let safety = SafetyState { epoch: Epoch::ZERO, floor: View::new(3) };
        state.record(&Pledge::View { safety, statement }).expect("no contradiction");
    }
    let pledge = Pledge::Checkpoint { certified: Height::new(8), checkpoint: checkpoint(16, 1) };
    state.record(&pledge).expect("no contradiction");
    state
}

/// A few values for every fuzz target.
#[must_use]
pub fn samples() -> Vec<Sample> {
    let cast = Cast::equal(4);
    let chain = cast.chain(3);
    let last = &chain[2];
    let full = cast.block(1, Digest::ZERO, vec![transfer(0), transfer(1)]);
    let recovered = recovered(&chain);
    let replica = Replica::new(cast.config(0), recovered.clone(), Seed::from_number(1));

    let mut samples: Vec<Sample> = Vec::new();
    let mut add = |target, name, bytes| samples.push(Sample { target, name, bytes });
    for (name, message) in messages() {
        add("message", name, message.encode());
    }
    for (name, record) in records() {
        add("record", name, codec::encode(&record));
    }
    add("certificate", "notarization", codec::encode(&last.notarization));
    add("certificate", "minority", codec::encode(&cast.certificate(nullify(4), [2])));
    add("checkpoint", "certificate", codec::encode(&cast.unanimous(checkpoint(8, 1))));
    add("block", "empty", codec::encode(&last.block));
    add("block", "full", codec::encode(&full));
    add("transaction", "transfer", codec::encode(&transfer(0)));
    add("evidence", "two-notarizes", codec::encode(&evidence(&cast)));
    add("evidence", "two-checkpoints", codec::encode(&checkpoint_evidence(&cast)));
    add("sign-state", "fresh", codec::encode(&SignState::default()));
    add("sign-state", "used", codec::encode(&sign_state()));
    add("recovered", "nothing", codec::encode(&Recovered::nothing()));
    add("recovered", "chain", codec::encode(&recovered));
    add("genesis", "four", codec::encode(cast.genesis()));
    add("commit-proof", "direct", codec::encode(&last.proof()));
    let leaves: Vec<Digest> = (1..=7).map(|byte| Digest::new([byte; 32])).collect();
    for (name, index) in [("first", 0), ("last", 6)] {
        let proof = merkle::prove(&leaves, index).expect("a place in the list");
        add("merkle-proof", name, codec::encode(&proof));
    }
    let state = ExecutionState::new(cast.genesis());
    let manifest = state.manifest();
    let chunk = state.chunk(&manifest.parts[0].prefix).expect("a part of this state");
    add("chunk", "genesis", chunk);
    add("manifest", "genesis", codec::encode(&manifest));
    for (name, account) in [("present", 0), ("absent", 99)] {
        let path = CellPath::account(&Address::of_key(&account_key(account).public()));
        add("path-proof", name, codec::encode(&state.prove(&path).1));
    }
    add("multi-proof", "three", codec::encode(&multi_proof()));
    let [known, unknown] =
        [0, 99].map(|account| CellPath::account(&Address::of_key(&account_key(account).public())));
    add("cell-proof", "present", codec::encode(&state.prove_cell(&known)));
    add("cell-proof", "absent", codec::encode(&state.prove_cell(&unknown)));
    add("cells-proof", "two", codec::encode(&state.prove_cells(&[known, unknown])));
    for (name, outcome) in outcomes() {
        add("receipt-proof", name, codec::encode(&receipt_proof(&leaves, outcome)));
    }
    add("replica", "restored", codec::encode(&replica));
    for (name, message) in messages() {
        if ["notarize", "announcement", "block-response"].contains(&name) {
            let body = message.encode();
            add("frames", name, frame::frames(Class::of(&message, body.len()), false, &body));
        }
    }
    let packed = frame::packed_body(300, &[7; 20]).expect("shorter than unpacked");
    add("frames", "packed", frame::frames(Class::Bulk, true, &packed));
    samples
}

fn outcomes() -> [(&'static str, Outcome); 2] {
    let failed = Outcome::Failed(Failure::InsufficientBalance);
    [("applied", Outcome::Applied), ("failed", failed)]
}

/// The third of these transactions, in the block before the last of a checkpoint.
fn receipt_proof(ids: &[Digest], outcome: Outcome) -> ReceiptProof {
    let transaction = ids[2];
    let in_block = merkle::prove(ids, 2).expect("a place in the list");
    let in_checkpoint = merkle::prove(ids, 5).expect("a place in the list");
    ReceiptProof { transaction, outcome, in_block, in_checkpoint }
}

/// A proof of a path that has a value, of one beside it that has none, and of one far from all.
fn multi_proof() -> MultiProof {
    let change = |first| Change { path: [first; 32], value: Some(Digest::new([first; 32])) };
    let mut tree = Tree::new();
    tree.update(&[1, 2, 7, 90, 91, 200].map(change));
    tree.prove_many(&[[2; 32], [3; 32], [240; 32]], |other| Digest::new(*other))
}

fn recovered(chain: &[Link]) -> Recovered {
    let mut stored = Stored::default();
    let (pending, finalized) = chain.split_last().expect("a chain");
    for link in finalized {
        link.recorded().iter().for_each(|record| stored.apply(record));
        stored.apply(&link.finalized());
        stored.apply(&Record::Proof(link.proof()));
    }
    pending.recorded().iter().for_each(|record| stored.apply(record));
    stored.apply(&Record::Checkpoint(Cast::equal(4).certificate(checkpoint(8, 1), [0, 1, 3])));
    stored.recover(SignerRecord::Intact(sign_state()), vec![checkpoint(16, 1)])
}
