//! Genesis, transactions and blocks for the tests of execution and the mempool.

use std::sync::Arc;

use crate::{
    block::{Block, Candidate, Header, Payload},
    checkpoint::Checkpoint,
    codec::Bounded,
    committee::Member,
    config::{Genesis, GenesisAccount, Parameters},
    crypto::{PublicKey, Signature},
    evidence::{Evidence, Offence},
    time::UnixMillis,
    transaction::{
        Address, Output, Transaction, TransactionBody, TransactionKind, TransactionSignature,
    },
    types::{ChainId, Digest, Epoch, Height, PeerId, Stake, ValidatorId, ValidatorIndex, View},
    vote::{Promise, Statement, Vote},
};

pub(crate) const CHAIN: ChainId = ChainId::new(7);

/// The key of an account: no point on the curve, since nothing here checks signatures.
pub(crate) fn key(account: u8) -> PublicKey {
    PublicKey::new([account; 32])
}

pub(crate) fn address(account: u8) -> Address {
    Address::of_key(&key(account))
}

/// Accounts 0.. with these balances, and validators 0.. with these stakes, in committee order.
pub(crate) fn genesis(balances: &[u64], stakes: &[u64]) -> Genesis {
    let account = |(number, balance): (usize, &u64)| GenesisAccount {
        address: address(u8::try_from(number).expect("few accounts")),
        balance: *balance,
    };
    let member = |(number, stake): (usize, &u64)| {
        let number = u8::try_from(number).expect("few validators");
        Member {
            validator: ValidatorId::new(100 + u32::from(number)),
            key: PublicKey::new([number; 32]),
            peer: PeerId::new([number; 32]),
            weight: Stake::new(*stake),
        }
    };
    Genesis {
        chain_id: CHAIN,
        timestamp: UnixMillis::new(1),
        validators: stakes.iter().enumerate().map(member).collect(),
        accounts: balances.iter().enumerate().map(account).collect(),
        parameters: Parameters::default(),
    }
}

pub(crate) fn body(payer: u8, nonce: u64, fee: u64, outputs: &[(u8, u64)]) -> TransactionBody {
    let output = |(to, amount): &(u8, u64)| Output::native(address(*to), *amount);
    let kind = TransactionKind::transfer(outputs.iter().map(output).collect());
    TransactionBody::new(CHAIN, address(payer), nonce, fee, Height::new(1_000_000), kind)
}

/// A body with one signature by the given account's key, of bytes that nobody checks.
pub(crate) fn signed(body: TransactionBody, signer: u8) -> Transaction {
    let signature = Signature::new([signer; 64]);
    let signatures = Bounded::new(vec![TransactionSignature { key: key(signer), signature }]);
    Transaction { body, signatures }
}

pub(crate) fn transfer(payer: u8, nonce: u64, fee: u64, outputs: &[(u8, u64)]) -> Transaction {
    signed(body(payer, nonce, fee, outputs), payer)
}

pub(crate) fn evidence(signer: u16, epoch: u64, offence: Offence) -> Evidence {
    let (epoch, view) = (Epoch::new(epoch), View::new(5));
    let candidate = |number: u8| Candidate {
        epoch,
        view,
        parent_view: View::ZERO,
        parent_id: Digest::ZERO,
        block: Digest::new([number; 32]),
    };
    let checkpoint = |number: u8| Checkpoint {
        epoch,
        height: Height::new(8),
        block: Digest::ZERO,
        state_root: Digest::new([number; 32]),
        receipts_root: Digest::ZERO,
        outbox_root: Digest::ZERO,
        committee: Digest::ZERO,
        next_committee: None,
    };
    let vote = |statement: Promise| Vote {
        signer: ValidatorIndex::new(signer),
        statement,
        signature: Signature::new([0; 64]),
    };
    let (a, b): (Promise, Promise) = match offence {
        Offence::ConflictingNotarize => {
            (Statement::Notarize(candidate(1)).into(), Statement::Notarize(candidate(2)).into())
        }
        Offence::ConflictingFinalize => {
            (Statement::Finalize(candidate(1)).into(), Statement::Finalize(candidate(2)).into())
        }
        Offence::NullifyFinalize => {
            (Statement::Nullify { epoch, view }.into(), Statement::Finalize(candidate(1)).into())
        }
        Offence::ConflictingCheckpoint => (checkpoint(1).into(), checkpoint(2).into()),
    };
    Evidence::of(&vote(a), &vote(b)).expect("the votes conflict")
}

pub(crate) fn block(
    height: u64,
    transactions: Vec<Transaction>,
    evidence: Vec<Evidence>,
) -> Arc<Block> {
    let payload =
        Payload { transactions: Bounded::new(transactions), evidence: Bounded::new(evidence) };
    let header = Header {
        chain_id: CHAIN,
        epoch: Epoch::ZERO,
        height: Height::new(height),
        parent: Digest::ZERO,
        origin_view: View::new(height),
        proposer: ValidatorIndex::new(0),
        payload_root: payload.root(),
        payload_len: payload.encoded_len(),
        timestamp: UnixMillis::new(height + 1),
        evidence_root: payload.evidence_root(),
        next_committee: None,
    };
    Arc::new(Block::new(header, payload))
}
