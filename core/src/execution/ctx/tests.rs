//! What the door lets through.

use super::*;
use crate::execution::{
    access::AccessSet,
    fixtures::{CHAIN, address, transfer},
    transition::{declare, exec_tx},
};

const PARAMS: Params = Params { chain_id: CHAIN, height: Height::new(1) };

/// Executes a transfer of account 0 to account 1 that declares only some of what it should.
fn with_declarations(keep: impl Fn(usize, Access) -> Option<Access>) -> TxEffects {
    let transaction = transfer(0, 0, 3, &[(1, 20)]);
    let id = transaction.id();
    let all = declare(&transaction, &id).into_iter().enumerate();
    let some: Vec<(CellPath, Access)> =
        all.filter_map(|(nth, (path, access))| Some((path, keep(nth, access)?))).collect();
    let prepared = Prepared { id, transaction: &transaction, access: AccessSet::new(&some) };
    let payer = Cell::Account(Account::with_balance(100));
    let paying = CellPath::account(&address(0));
    let slots = Slots::load(&prepared.access, |path| (*path == paying).then_some(&payer));
    exec_tx(&PARAMS, &slots, &prepared)
}

/// What is not declared cannot be touched, and trying costs the fee: everybody agrees about it.
#[test]
fn undeclared_access_fails_and_costs_the_fee() {
    let applied = with_declarations(|_, access| Some(access));
    assert_eq!(applied.outcome, Outcome::Applied);
    assert_eq!((applied.writes.len(), applied.adds.len()), (1, 1));

    for weaker in [None, Some(Access::Read)] {
        let failed = with_declarations(|nth, access| if nth == 1 { weaker } else { Some(access) });
        assert_eq!(failed.outcome, Outcome::Failed(Failure::UndeclaredAccess));
        let charged = Cell::Account(Account { nonce: 1, ..Account::with_balance(97) });
        assert_eq!(failed.writes, [(CellPath::account(&address(0)), Some(charged))]);
        assert_eq!((failed.adds.len(), failed.fee), (0, 3));
    }
}

/// A credit to a cell that is written anyway is part of the write.
#[test]
fn paying_oneself_is_one_write() {
    let transaction = transfer(0, 0, 3, &[(0, 20), (0, 30)]);
    let prepared = Prepared::new(&transaction);
    let payer = Cell::Account(Account::with_balance(100));
    let slots = Slots::load(&prepared.access, |_| Some(&payer));
    let effects = exec_tx(&PARAMS, &slots, &prepared);
    let after = Cell::Account(Account { nonce: 1, ..Account::with_balance(97) });
    assert_eq!(effects.writes, [(CellPath::account(&address(0)), Some(after))]);
    assert_eq!(effects.adds, []);
}

/// Whatever a kind does wrong, tokens do not appear.
#[test]
#[should_panic(expected = "leaks")]
fn made_up_tokens_stop_the_program() {
    let transaction = transfer(0, 0, 0, &[(1, 1)]);
    let prepared = Prepared::new(&transaction);
    let slots = Slots::load(&prepared.access, |_| None);
    let mut ctx = TxCtx::new(&PARAMS, &slots, &prepared, 1);
    let made_up = Amount { asset: Asset::Native, amount: 1 };
    ctx.add(CellPath::account(&address(1)), made_up).expect("it is declared");
    let _ = ctx.finish(Outcome::Applied);
}
