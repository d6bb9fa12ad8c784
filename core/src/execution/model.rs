//! Execution against a deliberately plain interpreter: whatever happens to blocks of random
//! transactions and evidence, both agree on every outcome, balance, nonce and stake, no token
//! appears or vanishes, and the digest kept up to date equals the one worked out from scratch.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::{
    codec,
    config::Genesis,
    evidence::{Evidence, Offence},
    execution::{
        ExecutedBlock, ExecutionState, Failure, Outcome, Skip, Standing,
        cell::CellPath,
        fixtures::{address, block, evidence, genesis, signed, transfer},
    },
    transaction::{Address, Transaction, TransactionKind},
    types::{ChainId, Height, ValidatorId},
};

const ACCOUNTS: u8 = 5;
const VALIDATORS: u8 = 4;

/// Two maps and some sums. Balances may be negative on the way, numbers are wide, nothing is hashed.
#[derive(Clone)]
struct Plain {
    height: u64,
    balances: BTreeMap<Address, i128>,
    nonces: BTreeMap<Address, u64>,
    stakes: BTreeMap<ValidatorId, i128>,
    fees: i128,
    burned: i128,
    punished: BTreeSet<(u16, u64, Offence)>,
}

impl Plain {
    fn new(genesis: &Genesis) -> Self {
        let balance = |one: &crate::config::GenesisAccount| (one.address, i128::from(one.balance));
        let stake = |one: &crate::committee::Member| (one.validator, i128::from(one.weight.get()));
        Self {
            height: 0,
            balances: genesis.accounts.iter().map(balance).collect(),
            nonces: BTreeMap::new(),
            stakes: genesis.validators.iter().map(stake).collect(),
            fees: 0,
            burned: 0,
            punished: BTreeSet::new(),
        }
    }

    fn balance(&self, of: &Address) -> i128 {
        self.balances.get(of).copied().unwrap_or(0)
    }

    fn nonce(&self, of: &Address) -> u64 {
        self.nonces.get(of).copied().unwrap_or(0)
    }

    fn transact(&mut self, transaction: &Transaction) -> Outcome {
        let body = &transaction.body;
        let (payer, fee) = (body.payer, i128::from(body.fee));
        let keys: Vec<Address> =
            transaction.signatures.iter().map(|one| Address::of_key(&one.key)).collect();
        let reasons = [
            (body.version != 1, Skip::UnknownVersion),
            (body.chain_id != ChainId::new(7), Skip::WrongChain),
            (body.valid_until.get() < self.height, Skip::Expired),
            (keys != [payer], Skip::WrongKeys),
            (body.nonce < self.nonce(&payer), Skip::NonceUsed),
            (body.nonce > self.nonce(&payer), Skip::NonceGap),
            (self.balance(&payer) < fee, Skip::CannotPay),
        ];
        if let Some((_, reason)) = reasons.into_iter().find(|(applies, _)| *applies) {
            return Outcome::Skipped(reason);
        }
        self.nonces.insert(payer, self.nonce(&payer) + 1);
        *self.balances.entry(payer).or_default() -= fee;
        self.fees += fee;
        let TransactionKind::Transfer { outputs } = &body.kind;
        let amount: i128 = outputs.iter().map(|output| i128::from(output.amount)).sum();
        let reasons = [
            (outputs.is_empty(), Failure::NoOutputs),
            (outputs.iter().any(|output| output.amount == 0), Failure::ZeroAmount),
            (amount + fee > i128::from(u64::MAX), Failure::AmountOverflow),
            (amount > self.balance(&payer), Failure::InsufficientBalance),
        ];
        if let Some((_, reason)) = reasons.into_iter().find(|(applies, _)| *applies) {
            return Outcome::Failed(reason);
        }
        for output in outputs {
            *self.balances.entry(payer).or_default() -= i128::from(output.amount);
            *self.balances.entry(output.to).or_default() += i128::from(output.amount);
        }
        Outcome::Applied
    }

    fn punish(&mut self, evidence: &Evidence) {
        let signer = evidence.signer().get();
        let offence = evidence.offence().expect("the strategy makes real evidence");
        if signer >= u16::from(VALIDATORS)
            || !self.punished.insert((signer, evidence.epoch().get(), offence))
        {
            return;
        }
        let stake = self.stakes.get_mut(&ValidatorId::new(100 + u32::from(signer)));
        self.burned += std::mem::take(stake.expect("a member of the genesis committee"));
    }
}

/// A number relative to something only known when its turn comes.
#[derive(Clone, Copy, Debug)]
enum Size {
    Exactly(u64),
    AllOf,
    OneTooMany,
}

#[derive(Clone, Debug)]
struct Step {
    payer: u8,
    signers: Vec<u8>,
    nonce: i8,
    fee: Size,
    outputs: Vec<(u8, Size)>,
    lifetime: i8,
    chain: u32,
    version: u8,
}

impl Step {
    fn transaction(&self, plain: &Plain) -> Transaction {
        let who = address(self.payer);
        let mut left = u64::try_from(plain.balance(&who)).expect("never negative between steps");
        let mut size = |size: Size| {
            let amount = match size {
                Size::Exactly(amount) => amount,
                Size::AllOf => left,
                Size::OneTooMany => left.saturating_add(1),
            };
            left = left.saturating_sub(amount);
            amount
        };
        let fee = size(self.fee);
        let outputs: Vec<(u8, u64)> =
            self.outputs.iter().map(|(to, amount)| (*to, size(*amount))).collect();
        let nonce = plain.nonce(&who).saturating_add_signed(self.nonce.into());
        let mut transaction = transfer(self.payer, nonce, fee, &outputs);
        let valid_until = plain.height.saturating_add_signed(self.lifetime.into());
        transaction.body.valid_until = Height::new(valid_until);
        transaction.body.chain_id = ChainId::new(self.chain);
        transaction.body.version = self.version;
        let mut signatures = Vec::new();
        for signer in &self.signers {
            let one = signed(transaction.body.clone(), self.payer.wrapping_add(*signer));
            signatures.extend(one.signatures.into_inner());
        }
        transaction.signatures = crate::codec::Bounded::new(signatures);
        transaction
    }
}

fn sizes() -> impl Strategy<Value = Size> {
    prop_oneof![
        6 => (0u64..40).prop_map(Size::Exactly),
        2 => Just(Size::AllOf),
        1 => Just(Size::OneTooMany),
        1 => (u64::MAX - 2..=u64::MAX).prop_map(Size::Exactly),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    let signers = prop_oneof![
        20 => Just(vec![0]),
        1 => Just(vec![1]),
        1 => Just(vec![0, 1]),
        1 => Just(vec![]),
    ];
    (
        0..ACCOUNTS,
        signers,
        prop_oneof![12 => Just(0i8), 1 => Just(-1), 1 => Just(1)],
        sizes(),
        proptest::collection::vec((0..ACCOUNTS + 2, sizes()), 0..4),
        prop_oneof![4 => Just(0i8), 4 => 0i8..5, 1 => Just(-1)],
        prop_oneof![20 => Just(7u32), 1 => Just(8)],
        prop_oneof![20 => Just(1u8), 1 => Just(0), 1 => Just(2)],
    )
        .prop_map(|(payer, signers, nonce, fee, outputs, lifetime, chain, version)| Step {
            payer,
            signers,
            nonce,
            fee,
            outputs,
            lifetime,
            chain,
            version,
        })
}

fn offences() -> impl Strategy<Value = Evidence> {
    let offence = prop_oneof![
        Just(Offence::ConflictingNotarize),
        Just(Offence::ConflictingFinalize),
        Just(Offence::NullifyFinalize),
        Just(Offence::ConflictingCheckpoint),
    ];
    (0..u16::from(VALIDATORS) + 1, 0..2u64, offence)
        .prop_map(|(signer, epoch, offence)| evidence(signer, epoch, offence))
}

type Blocks = Vec<(Vec<Step>, Vec<Evidence>)>;

fn blocks() -> impl Strategy<Value = Blocks> {
    let one = (
        proptest::collection::vec(steps(), 0..12),
        prop_oneof![3 => Just(vec![]), 1 => proptest::collection::vec(offences(), 1..4)],
    );
    proptest::collection::vec(one, 1..6)
}

proptest! {
    #[test]
    fn agrees_with_the_plain_interpreter(
        balances in proptest::collection::vec(prop_oneof![Just(0u64), 1..100u64, Just(u64::MAX / 16)], 5),
        blocks in blocks(),
    ) {
        let genesis = genesis(&balances, &[1, 2, 3, 4]);
        let mut state = ExecutionState::new(&genesis);
        let mut plain = Plain::new(&genesis);
        for (steps, evidence) in blocks {
            let before = plain.clone();
            plain.height += 1;
            let mut transactions = Vec::new();
            let mut outcomes = Vec::new();
            for step in &steps {
                let transaction = step.transaction(&plain);
                outcomes.push((transaction.id(), plain.transact(&transaction)));
                transactions.push(transaction);
            }
            evidence.iter().for_each(|one| plain.punish(one));
            let payers: BTreeSet<Address> =
                transactions.iter().map(|transaction| transaction.body.payer).collect();
            let done = state.execute(&block(plain.height, transactions, evidence));

            prop_assert_eq!(&done.outcomes, &outcomes);
            let standing = |address: Address| Standing {
                address,
                nonce: plain.nonce(&address),
                balance: u64::try_from(plain.balance(&address)).unwrap(),
            };
            let payers: Vec<Standing> = payers.into_iter().map(standing).collect();
            prop_assert_eq!(&done.payers, &payers);
            check_balances(&done, &before, &plain)?;
            check_equal(&state, &plain)?;
            prop_assert_eq!(done.state, state.digest());
            let copy: ExecutionState = codec::decode(&codec::encode(&state), usize::MAX).unwrap();
            prop_assert_eq!(&copy, &state);
        }
    }

    /// How transactions are divided into blocks changes no cell, so it changes no digest.
    #[test]
    fn block_boundaries_do_not_matter(
        steps in proptest::collection::vec(steps(), 1..20),
        cut in 0usize..20,
    ) {
        let genesis = genesis(&[50; 5], &[1]);
        let mut plain = Plain::new(&genesis);
        let mut transactions = Vec::new();
        for step in &steps {
            let mut transaction = step.transaction(&plain);
            transaction.body.valid_until = Height::new(100);
            plain.transact(&transaction);
            transactions.push(transaction);
        }
        let (first, second) = transactions.split_at(cut.min(transactions.len()));
        let mut apart = ExecutionState::new(&genesis);
        apart.execute(&block(1, first.to_vec(), vec![]));
        apart.execute(&block(2, second.to_vec(), vec![]));
        let mut together = ExecutionState::new(&genesis);
        together.execute(&block(1, transactions, vec![]));
        prop_assert_eq!(apart.digest(), together.digest());
        prop_assert_eq!(apart.supply(), together.supply());
    }
}

/// Every balance that changed is told, and none is told wrongly.
fn check_balances(done: &ExecutedBlock, before: &Plain, now: &Plain) -> Result<(), TestCaseError> {
    for account in 0..ACCOUNTS + 2 {
        let who = address(account);
        let path = CellPath::account(&who);
        let told = done.balances.iter().find(|(told, _)| *told == path);
        let balance = now.balance(&who);
        match told {
            Some((_, told)) => prop_assert_eq!(i128::from(*told), balance),
            None => prop_assert_eq!(before.balance(&who), balance),
        }
    }
    prop_assert!(done.balances.is_sorted_by(|one, next| one.0 < next.0));
    Ok(())
}

fn check_equal(state: &ExecutionState, plain: &Plain) -> Result<(), TestCaseError> {
    for account in 0..ACCOUNTS + 2 {
        let who = address(account);
        prop_assert_eq!(i128::from(state.balance(&who)), plain.balance(&who));
        prop_assert_eq!(state.nonce(&who), plain.nonce(&who));
    }
    for (validator, stake) in &plain.stakes {
        prop_assert_eq!(state.stake(*validator).map(i128::from), Some(*stake));
    }
    prop_assert_eq!(state.offences().len(), plain.punished.len());
    let supply = state.supply();
    prop_assert_eq!(i128::try_from(supply.fees).unwrap(), plain.fees);
    prop_assert_eq!(i128::try_from(supply.burned).unwrap(), plain.burned);
    prop_assert_eq!(supply.total(), state.issued());
    prop_assert_eq!(state.commitment(), &state.recomputed());
    Ok(())
}
