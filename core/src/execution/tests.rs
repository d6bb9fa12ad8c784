//! Single facts about execution that the model test does not pin: the digest's bytes, the genesis's
//! errors, slashing once, and the assertions that stop a broken driver.

use expect_test::expect;
use proptest::prelude::*;

use crate::{
    codec,
    evidence::Offence,
    execution::{
        Account, ExecutionState, GenesisError, Outcome, Skip,
        access::{Prepared, Slots},
        cell::{Cell, CellKind, CellPath, System, SystemKey, element},
        fixtures::{CHAIN, address, block, evidence, genesis, transfer},
        lthash::LtHash,
        transition::{Params, exec_tx},
    },
    types::{Digest, Height, ValidatorId},
};

#[test]
fn state_digest_is_pinned() {
    let mut state = ExecutionState::new(&genesis(&[100, 50], &[10, 10, 10, 10]));
    let before = state.digest();
    state.execute(&block(1, vec![transfer(0, 0, 3, &[(1, 20), (2, 1)])], vec![]));
    let shown = format!("{before}\n{}\n", state.digest());
    expect![[r#"
        578af6c77317efedf7485dfdd722aea979ce2f3da6f2293224d7cdc7293399ca
        02fb45898072ef536d658b4f2cc2387a06580fbaf3099271d2c90526743e4fff
    "#]]
    .assert_eq(&shown);
}

#[test]
fn empty_block_changes_the_height_only() {
    let mut state = ExecutionState::new(&genesis(&[100], &[10]));
    let digest = state.digest();
    let done = state.execute(&block(1, vec![], vec![]));
    assert_eq!((done.state, done.height), (digest, Height::new(1)));
    assert_eq!((done.outcomes, done.payers, done.balances), (vec![], vec![], vec![]));
}

#[test]
fn paying_oneself_costs_the_fee_but_needs_the_amount() {
    let mut state = ExecutionState::new(&genesis(&[100], &[10]));
    let both = vec![transfer(0, 0, 10, &[(0, 90)]), transfer(0, 1, 10, &[(0, 90)])];
    let done = state.execute(&block(1, both, vec![]));
    let fates: Vec<String> = done.outcomes.iter().map(|(_, outcome)| outcome.to_string()).collect();
    assert_eq!(fates, ["applied", "failed: insufficient-balance"]);
    assert_eq!(state.account(&address(0)), Account { nonce: 2, ..Account::with_balance(80) });
}

#[test]
fn same_transaction_twice_in_a_block_runs_once() {
    let mut state = ExecutionState::new(&genesis(&[100], &[10]));
    let twice = vec![transfer(0, 0, 1, &[(1, 5)]), transfer(0, 0, 1, &[(1, 5)])];
    let done = state.execute(&block(1, twice, vec![]));
    assert_eq!(done.outcomes[1].1, Outcome::Skipped(Skip::NonceUsed));
    assert_eq!(state.balance(&address(1)), 5);
}

/// The numbers that clients and receipts keep.
#[test]
fn numbers_of_outcomes_are_pinned() {
    use crate::{execution::Failure, transaction::Fault};
    let mut shown = String::new();
    for first in 0..=2u8 {
        for second in 0..64u8 {
            for third in 0..64u8 {
                for bytes in [vec![first], vec![first, second], vec![first, second, third]] {
                    let Ok(outcome) = codec::decode::<Outcome>(&bytes, 8) else { continue };
                    let line = format!("{bytes:?} {outcome}\n");
                    if !shown.contains(&line) {
                        shown.push_str(&line);
                    }
                }
            }
        }
    }
    let nested = Outcome::Skipped(Skip::Uncharged(Failure::Malformed(Fault::NoOutputs)));
    assert_eq!(codec::encode(&nested), [2, 13, 1, 1]);
    expect![[r#"
        [0] applied
        [1, 1, 1] failed: no-outputs
        [1, 1, 2] failed: zero-amount
        [1, 1, 3] failed: amount-overflow
        [1, 1, 4] failed: not-ascending
        [1, 1, 5] failed: bad-threshold
        [1, 1, 6] failed: too-many-decimals
        [1, 1, 7] failed: above-cap
        [1, 1, 8] failed: no-such-input
        [1, 1, 9] failed: read-only-input
        [1, 2] failed: undeclared-access
        [1, 3] failed: insufficient-balance
        [1, 4] failed: unknown-asset
        [1, 5] failed: not-issuer
        [1, 6] failed: above-asset-cap
        [1, 7] failed: not-frozen
        [1, 8] failed: too-many-unfreezing
        [1, 9] failed: nothing-to-withdraw
        [1, 10] failed: no-signers
        [1, 11] failed: missing-coin
        [1, 12] failed: not-owner
        [1, 13] failed: unbalanced
        [1, 14] failed: missing-object
        [1, 15] failed: stale-version
        [1, 16] failed: not-shared
        [1, 17] failed: frozen-object
        [1, 18] failed: object-gone
        [2, 1] skipped: unknown-version
        [2, 2] skipped: wrong-chain
        [2, 3] skipped: expired
        [2, 4] skipped: wrong-keys
        [2, 5] skipped: nonce-used
        [2, 6] skipped: nonce-gap
        [2, 7] skipped: nonce-exhausted
        [2, 8] skipped: cannot-pay
        [2, 9] skipped: unfit-payer
        [2, 10] skipped: needs-multisig
        [2, 11] skipped: not-multisig
        [2, 12] skipped: no-energy
        [2, 13, 2] skipped: undeclared-access
        [2, 13, 3] skipped: insufficient-balance
        [2, 13, 4] skipped: unknown-asset
        [2, 13, 5] skipped: not-issuer
        [2, 13, 6] skipped: above-asset-cap
        [2, 13, 7] skipped: not-frozen
        [2, 13, 8] skipped: too-many-unfreezing
        [2, 13, 9] skipped: nothing-to-withdraw
        [2, 13, 10] skipped: no-signers
        [2, 13, 11] skipped: missing-coin
        [2, 13, 12] skipped: not-owner
        [2, 13, 13] skipped: unbalanced
        [2, 13, 14] skipped: missing-object
        [2, 13, 15] skipped: stale-version
        [2, 13, 16] skipped: not-shared
        [2, 13, 17] skipped: frozen-object
        [2, 13, 18] skipped: object-gone
    "#]]
    .assert_eq(&shown);
}

/// A nonce that can no longer grow is never used, so no nonce is used twice.
#[test]
fn last_nonce_is_never_used() {
    let transaction = transfer(0, u64::MAX, 0, &[(1, 1)]);
    let params = Params { chain_id: CHAIN, height: Height::new(1) };
    let account = Cell::Account(Account { nonce: u64::MAX, ..Account::with_balance(5) });
    let prepared = Prepared::new(&transaction);
    let slots = Slots::load(&prepared.access, |_| Some(&account));
    let effects = exec_tx(&params, &slots, &prepared);
    assert_eq!(effects.outcome, Outcome::Skipped(Skip::NonceExhausted));
    assert!(effects.writes.is_empty() && effects.adds.is_empty());
}

#[test]
fn stake_is_burned_once_but_every_offence_recorded() {
    let mut state = ExecutionState::new(&genesis(&[100], &[10, 20, 30, 40]));
    let first = evidence(1, 0, Offence::ConflictingNotarize);
    let second = evidence(1, 0, Offence::NullifyFinalize);
    let stranger = evidence(4, 0, Offence::ConflictingFinalize);
    state.execute(&block(1, vec![], vec![first, first, stranger]));
    state.execute(&block(2, vec![], vec![first, second]));
    let told: Vec<(u32, u64, u64)> = state
        .offences()
        .iter()
        .map(|one| (one.validator.get(), one.height.get(), one.slashed))
        .collect();
    assert_eq!(told, [(101, 1, 20), (101, 2, 0)]);
    assert_eq!(state.stake(ValidatorId::new(101)), Some(0));
    assert_eq!(state.stake(ValidatorId::new(102)), Some(30));
    assert_eq!((state.supply().burned, state.supply().stakes), (20, 80));
}

#[test]
fn genesis_that_makes_no_sense_is_refused() {
    let mut twice = genesis(&[1, 2], &[1]);
    twice.accounts[1].address = twice.accounts[0].address;
    let refused = ExecutionState::try_new(&twice).unwrap_err();
    assert_eq!(refused, GenesisError::DuplicateAccount(address(0)));

    let most = ExecutionState::try_new(&genesis(&[u64::MAX - 1], &[1])).unwrap();
    assert_eq!(most.issued(), u128::from(u64::MAX));
    let refused = ExecutionState::try_new(&genesis(&[u64::MAX], &[1])).unwrap_err();
    assert_eq!(refused, GenesisError::SupplyTooLarge(u128::from(u64::MAX) + 1));

    assert!(matches!(
        ExecutionState::try_new(&genesis(&[1], &[])),
        Err(GenesisError::Committee(_))
    ));
}

#[test]
#[should_panic(expected = "executing above height 0")]
fn skipping_a_height_stops_the_program() {
    ExecutionState::new(&genesis(&[1], &[1])).execute(&block(2, vec![], vec![]));
}

#[test]
fn cells_of_a_kind_lie_together_and_say_so() {
    let account = CellPath::account(&address(3));
    let fees = CellPath::system(&SystemKey::Fees);
    assert_eq!((account.get()[0], fees.get()[0]), (1, 8));
    for (cell, kind) in [
        (Cell::Account(Account { nonce: 1, ..Account::with_balance(2) }), CellKind::Account),
        (Cell::System(System::Burned(9)), CellKind::System),
    ] {
        let bytes = codec::encode(&cell);
        assert_eq!((cell.kind(), bytes[0]), (kind, kind.code()));
        assert_eq!(codec::encode(&kind), [kind.code()]);
        assert_eq!(codec::decode::<Cell>(&bytes, 64), Ok(cell));
    }
}

#[test]
fn element_depends_on_path_and_value() {
    let (here, there) = (CellPath::account(&address(0)), CellPath::account(&address(1)));
    let cell = |balance| Cell::Account(Account::with_balance(balance));
    assert_ne!(element(&here, &cell(1)), element(&there, &cell(1)));
    assert_ne!(element(&here, &cell(1)), element(&here, &cell(2)));
}

proptest! {
    /// Any order of adding, with anything added and removed in between, gives the same digest; and
    /// another set gives another.
    #[test]
    fn set_digest_forgets_the_order(
        elements in proptest::collection::btree_set(any::<[u8; 32]>(), 1..8),
        passing in any::<[u8; 32]>(),
    ) {
        let elements: Vec<Digest> = elements.into_iter().map(Digest::new).collect();
        let mut forwards = LtHash::new();
        elements.iter().for_each(|element| forwards.add(element));
        let mut backwards = LtHash::new();
        backwards.add(&Digest::new(passing));
        elements.iter().rev().for_each(|element| backwards.add(element));
        backwards.remove(&Digest::new(passing));
        prop_assert_eq!(&forwards, &backwards);
        prop_assert_eq!(forwards.digest(), backwards.digest());
        backwards.remove(&elements[0]);
        prop_assert_ne!(forwards.digest(), backwards.digest());
    }
}
