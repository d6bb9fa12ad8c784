//! A light client believes what a quorum signed and what is proven under it, and of everything else it
//! says what is wrong.

use std::sync::Arc;

use super::*;
use crate::{
    block::Block,
    codec,
    config::{Genesis, GenesisAccount},
    crypto::{Ed25519, Signature},
    execution::{
        ExecutionState,
        cell::{Account, SystemKey},
        fixtures::{address, block, genesis, transfer},
    },
    testing::cast::Cast,
    tree::{Step, Terminal},
    types::{ChainId, Epoch},
};

/// A committee whose keys we hold, and a chain up to its first checkpoint.
struct Chain {
    cast: Cast,
    state: ExecutionState,
    receipts: Vec<Vec<Digest>>,
    blocks: Vec<Arc<Block>>,
    certificate: Certificate<Checkpoint>,
}

impl Chain {
    /// Eight blocks: the third has three transactions, the fifth one.
    fn new() -> Self {
        let cast = Cast::new(&[1, 1, 1, 1]);
        let accounts = (0..40).map(|n| GenesisAccount { address: address(n), balance: 100 });
        let genesis = Genesis {
            validators: cast.genesis().validators.clone(),
            accounts: accounts.collect(),
            ..genesis(&[], &[])
        };
        let mut state = ExecutionState::new(&genesis);
        let blocks = (1..=8).map(|height| {
            let content = match height {
                3 => vec![
                    transfer(0, 0, 1, &[(1, 10)]),
                    transfer(2, 5, 1, &[(1, 10)]),
                    transfer(3, 0, 1, &[(1, 1_000)]),
                ],
                5 => vec![transfer(0, 1, 1, &[(50, 7)])],
                _ => vec![],
            };
            block(height, content, vec![])
        });
        let blocks: Vec<_> = blocks.collect();
        let done: Vec<_> = blocks.iter().map(|block| state.execute(block)).collect();
        let receipts = done.iter().map(|done| done.receipts()).collect();
        let checkpoint = done[7].checkpoint.expect("one every eight heights");
        let certificate = cast.certificate(checkpoint, [0, 1, 3]);
        Self { cast, state, receipts, blocks, certificate }
    }

    fn verify(&self, certificate: &Certificate<Checkpoint>) -> Result<Anchor, AnchorError> {
        let (context, committee) = (self.cast.context(), self.cast.committee());
        Anchor::verify(certificate, context, committee, &mut Ed25519)
    }

    fn anchor(&self) -> Anchor {
        self.verify(&self.certificate).expect("three of four signed it")
    }

    fn receipt(&self, height: u64, index: u64) -> (Digest, ReceiptProof) {
        let place = |number: u64| usize::try_from(number).expect("few");
        let block = &self.blocks[place(height - 1)];
        let transaction = block.payload().transactions[place(index)].id();
        let outcomes = [
            Outcome::Applied,
            Outcome::Skipped(crate::execution::Skip::NonceGap),
            Outcome::Failed(crate::execution::Failure::InsufficientBalance),
        ];
        let receipts = &self.receipts[place(height - 1)];
        let (checkpoint, in_checkpoint) =
            self.state.prove_receipts(Height::new(height)).expect("of late");
        assert_eq!(checkpoint, self.certificate.statement);
        let in_block = merkle::prove(receipts, index).expect("a transaction");
        let outcome = outcomes[place(index)];
        (transaction, ReceiptProof { transaction, outcome, in_block, in_checkpoint })
    }
}

fn account(number: u8) -> CellPath {
    CellPath::account(&address(number))
}

#[test]
fn cells_and_absences_are_believed() {
    let chain = Chain::new();
    let anchor = chain.anchor();
    assert_eq!(*anchor.checkpoint(), chain.certificate.statement);
    for (number, balance) in [(0, Some(81)), (1, Some(110)), (50, Some(7)), (77, None)] {
        let proof = chain.state.prove_cell(&account(number));
        let cell = anchor.cell(&account(number), &proof).expect("an honest proof");
        let found = cell.and_then(Cell::holding).map(|held| held.amount);
        assert_eq!(found, balance, "account {number}");
    }
    let fees = CellPath::system(&SystemKey::Fees);
    let asked = [account(50), account(77), fees, account(0), account(77)];
    let proof = chain.state.prove_cells(&asked);
    let cells = anchor.cells(&asked, &proof).expect("an honest proof");
    assert_eq!(cells.len(), 4, "each path once");
    for path in asked {
        assert_eq!(cells[&path], chain.state.cell(&path));
    }
    assert_eq!(anchor.cells(&[], &chain.state.prove_cells(&[])), Ok(BTreeMap::new()));
}

#[test]
fn receipts_are_believed_at_their_height() {
    let chain = Chain::new();
    let anchor = chain.anchor();
    for (height, index, fate) in [
        (3, 0, "applied"),
        (3, 1, "skipped: nonce-gap"),
        (3, 2, "failed: insufficient-balance"),
        (5, 0, "applied"),
    ] {
        let (transaction, proof) = chain.receipt(height, index);
        let proven = anchor.receipt(&transaction, &proof).expect("an honest proof");
        assert_eq!((proven.height, proven.index), (Height::new(height), index));
        assert_eq!(proven.outcome.to_string(), fate);
    }
    assert_eq!(chain.state.prove_receipts(Height::new(9)), None, "no checkpoint is above it");
    assert_eq!(chain.state.prove_receipts(Height::ZERO), None, "no block is there");
}

/// Whatever part of a certificate is changed, it vouches for nothing.
#[test]
fn changed_certificates_are_refused() {
    let chain = Chain::new();
    type Change = fn(&mut Checkpoint);
    let changes: [Change; 7] = [
        |one| one.epoch = Epoch::new(1),
        |one| one.height = one.height.next(),
        |one| one.block = Digest::ZERO,
        |one| one.state_root = Digest::ZERO,
        |one| one.receipts_root = Digest::ZERO,
        |one| one.outbox_root = Digest::ZERO,
        |one| one.next_committee = Some(Digest::ZERO),
    ];
    let first = ValidatorIndex::new(0);
    for (number, change) in changes.into_iter().enumerate() {
        let mut certificate = chain.certificate.clone();
        change(&mut certificate.statement);
        let refused = chain.verify(&certificate);
        assert_eq!(refused, Err(AnchorError::Signature(first)), "field {number}");
    }
    let mut other = chain.certificate.clone();
    other.statement.committee = Digest::ZERO;
    let trusted = chain.cast.committee().digest();
    let refused = AnchorError::Committee { found: Digest::ZERO, trusted };
    assert_eq!(chain.verify(&other), Err(refused));

    let checkpoint = chain.certificate.statement;
    let few = chain.cast.certificate(checkpoint, [0, 2]);
    let refused = chain.verify(&few).expect_err("two of four");
    assert!(matches!(refused, AnchorError::Certificate(CertificateError::NoQuorum(_))));

    let mut signatures = chain.certificate.signatures.to_vec();
    signatures[1] = Signature::new([7; 64]);
    let forged = Certificate { signatures: Bounded::new(signatures), ..chain.certificate.clone() };
    assert_eq!(chain.verify(&forged), Err(AnchorError::Signature(ValidatorIndex::new(1))));

    let mut signatures = chain.certificate.signatures.to_vec();
    signatures.truncate(2);
    let short = Certificate { signatures: Bounded::new(signatures), ..chain.certificate.clone() };
    let refused = AnchorError::Certificate(CertificateError::Shape);
    assert_eq!(chain.verify(&short), Err(refused));
}

/// A quorum's signatures are of one chain, one genesis and one committee.
#[test]
fn what_another_chain_signed_is_refused() {
    let chain = Chain::new();
    let own = chain.cast.context();
    let others = [
        SigningContext { chain_id: ChainId::new(1_000), ..own.clone() },
        SigningContext { genesis: Digest::ZERO, ..own.clone() },
        SigningContext { committee: Digest::ZERO, ..own.clone() },
    ];
    for other in others {
        let committee = chain.cast.committee();
        let refused = Anchor::verify(&chain.certificate, &other, committee, &mut Ed25519);
        assert_eq!(refused, Err(AnchorError::Signature(ValidatorIndex::new(0))));
    }
    let stranger = Cast::new(&[1, 1, 1, 2]);
    let (context, committee) = (chain.cast.context(), stranger.committee());
    let refused = Anchor::verify(&chain.certificate, context, committee, &mut Ed25519);
    assert!(matches!(refused, Err(AnchorError::Committee { .. })));
}

#[test]
fn lies_about_cells_are_told_apart() {
    let chain = Chain::new();
    let (anchor, path) = (chain.anchor(), account(0));
    let honest = chain.state.prove_cell(&path);
    let lie = |change: &dyn Fn(&mut CellProof)| {
        let mut proof = honest.clone();
        change(&mut proof);
        anchor.cell(&path, &proof).expect_err("a lie")
    };
    let richer = Cell::Account(Account::with_balance(1_000_000));
    let wrong_root = |error| matches!(error, ProofError::StateRoot { .. });
    assert!(wrong_root(lie(&|proof| proof.cell = Some(richer.clone()))));
    assert_eq!(lie(&|proof| proof.cell = None), ProofError::Malformed);
    let fees = chain.state.cell(&CellPath::system(&SystemKey::Fees)).cloned();
    assert_eq!(lie(&|proof| proof.cell.clone_from(&fees)), ProofError::Kind(path));
    assert_eq!(lie(&|proof| proof.way.terminal = Terminal::Empty), ProofError::Malformed);
    let siblings = honest.way.siblings.to_vec();
    for at in 0..siblings.len() {
        let with = |sibling| {
            let mut siblings = siblings.clone();
            siblings[at] = sibling;
            Bounded::new(siblings)
        };
        let one = Some(Digest::new([1; 32]));
        assert!(wrong_root(lie(&|proof| proof.way.siblings = with(one))), "sibling {at}");
        let zero = Some(Digest::ZERO);
        assert_eq!(lie(&|proof| proof.way.siblings = with(zero)), ProofError::Malformed);
    }
    let short = Bounded::new(siblings[1..].to_vec());
    assert!(wrong_root(lie(&|proof| proof.way.siblings = short.clone())));
    // Another cell's proof, and a cell of yesterday.
    let other = anchor.cell(&account(1), &honest).expect_err("of another path");
    assert!(wrong_root(other));
    let mut earlier = chain.state.clone();
    earlier.rollback(Height::new(4)).expect("remembered");
    assert!(wrong_root(anchor.cell(&path, &earlier.prove_cell(&path)).expect_err("of height 4")));
    let without_going_back =
        |height, max| chain.state.prove_cell_after(Height::new(height), &path, max);
    assert_eq!(without_going_back(4, 1_000), Some(earlier.prove_cell(&path)));
    assert_eq!(without_going_back(4, 0), None, "that is too much to look at");
    assert_eq!(without_going_back(99, 1_000), None, "nobody has been there");
}

#[test]
fn lies_about_absence_are_told_apart() {
    let chain = Chain::new();
    let anchor = chain.anchor();
    for number in 60..90 {
        let path = account(number);
        let honest = chain.state.prove_cell(&path);
        assert_eq!(anchor.cell(&path, &honest), Ok(None));
        let made_up = Some(Cell::Account(Account::with_balance(1)));
        let lie = CellProof { cell: made_up, ..honest.clone() };
        let refused = anchor.cell(&path, &lie);
        assert_eq!(refused, Err(ProofError::Malformed), "account {number}");
        if let Terminal::Other { path: other, .. } = honest.way.terminal {
            let value = Digest::new([5; 32]);
            let mut proof = honest.clone();
            proof.way.terminal = Terminal::Other { path: other, value };
            let refused = anchor.cell(&path, &proof).expect_err("another leaf");
            assert!(matches!(refused, ProofError::StateRoot { .. }));
        }
    }
    // That the account 1 exists cannot be hidden by a leaf beside it.
    let hidden = CellProof { cell: None, ..chain.state.prove_cell(&account(77)) };
    assert!(anchor.cell(&account(1), &hidden).is_err());
}

#[test]
fn lies_about_many_cells_are_told_apart() {
    let chain = Chain::new();
    let anchor = chain.anchor();
    let asked = [account(0), account(1), account(77)];
    let honest = chain.state.prove_cells(&asked);
    assert_eq!(anchor.cells(&asked[..2], &honest), Err(ProofError::Paths), "of more is none");
    assert_eq!(anchor.cells(&[account(2)], &honest), Err(ProofError::Paths));
    let mut cells = honest.cells.to_vec();
    cells.swap(0, 1);
    let swapped = CellsProof { cells: Bounded::new(cells), ..honest.clone() };
    assert_eq!(anchor.cells(&asked, &swapped), Err(ProofError::Paths));
    for at in 0..honest.cells.len() {
        let mut cells = honest.cells.to_vec();
        cells[at].1 = Some(Cell::Account(Account::with_balance(4)));
        let proof = CellsProof { cells: Bounded::new(cells), ..honest.clone() };
        assert!(anchor.cells(&asked, &proof).is_err(), "cell {at}");
    }
    let mut steps = honest.way.steps.to_vec();
    steps.push(Step::Node);
    let long = CellsProof { way: MultiProof { steps: Bounded::new(steps) }, ..honest.clone() };
    assert_eq!(anchor.cells(&asked, &long), Err(ProofError::Malformed));
    let mut steps = honest.way.steps.to_vec();
    let aside = steps.iter().position(|step| matches!(step, Step::Aside(_))).expect("others");
    steps[aside] = Step::Aside(Digest::new([1; 32]));
    let other = CellsProof { way: MultiProof { steps: Bounded::new(steps) }, ..honest };
    let refused = anchor.cells(&asked, &other).expect_err("another subtree");
    assert!(matches!(refused, ProofError::StateRoot { .. }));
}

#[test]
fn lies_about_receipts_are_told_apart() {
    let chain = Chain::new();
    let anchor = chain.anchor();
    let (transaction, honest) = chain.receipt(3, 1);
    let lie = |change: &dyn Fn(&mut ReceiptProof)| {
        let mut proof = honest.clone();
        change(&mut proof);
        anchor.receipt(&transaction, &proof).expect_err("a lie")
    };
    let wrong_root = |error| matches!(error, ProofError::ReceiptsRoot { .. });
    assert!(wrong_root(lie(&|proof| proof.outcome = Outcome::Applied)));
    assert_eq!(lie(&|proof| proof.transaction = Digest::ZERO), ProofError::Malformed);
    assert!(wrong_root(lie(&|proof| proof.in_block.index = 0)));
    assert!(wrong_root(lie(&|proof| proof.in_block.count = 4)));
    assert_eq!(lie(&|proof| proof.in_block.index = 3), ProofError::Malformed);
    assert_eq!(lie(&|proof| proof.in_block.count = 0), ProofError::Malformed);
    assert!(wrong_root(lie(&|proof| proof.in_checkpoint.index = 3)), "another height");
    assert!(wrong_root(lie(&|proof| proof.in_checkpoint.count = 7)), "another height");
    assert_eq!(lie(&|proof| proof.in_checkpoint.index = 8), ProofError::Malformed);
    let (_, other) = chain.receipt(5, 0);
    assert!(wrong_root(lie(&|proof| proof.in_checkpoint = other.in_checkpoint.clone())));
    let absent = anchor.receipt(&Digest::new([9; 32]), &honest).expect_err("not this one");
    assert_eq!(absent, ProofError::Malformed);
}

/// Proofs travel as bytes: of no bit can the other value be believed.
#[test]
fn every_changed_bit_of_a_proof_is_noticed() {
    let chain = Chain::new();
    let anchor = chain.anchor();
    let asked = [account(0), account(77)];
    let (transaction, receipt) = chain.receipt(3, 2);
    let one = codec::encode(&chain.state.prove_cell(&asked[0]));
    let none = codec::encode(&chain.state.prove_cell(&asked[1]));
    let both = codec::encode(&chain.state.prove_cells(&asked));
    let receipt = codec::encode(&receipt);
    let cell = |path: &CellPath, bytes: &[u8]| {
        let proof = codec::decode::<CellProof>(bytes, 1 << 20);
        proof.is_ok_and(|proof| anchor.cell(path, &proof).is_ok())
    };
    let cells = |bytes: &[u8]| {
        let proof = codec::decode::<CellsProof>(bytes, 1 << 20);
        proof.is_ok_and(|proof| anchor.cells(&asked, &proof).is_ok())
    };
    let fate = |bytes: &[u8]| {
        let proof = codec::decode::<ReceiptProof>(bytes, 1 << 20);
        proof.is_ok_and(|proof| anchor.receipt(&transaction, &proof).is_ok())
    };
    no_other_bits(&one, |bytes| cell(&asked[0], bytes));
    no_other_bits(&none, |bytes| cell(&asked[1], bytes));
    no_other_bits(&both, cells);
    no_other_bits(&receipt, fate);
}

/// Asserts that these bytes are believed, and are not once any bit of them is changed.
fn no_other_bits(bytes: &[u8], believed: impl Fn(&[u8]) -> bool) {
    assert!(believed(bytes));
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(!believed(&changed), "bit {bit} of {}", bytes.len() * 8);
    }
}
