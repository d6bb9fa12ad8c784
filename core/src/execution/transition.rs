//! The one function that executes a transaction.
//!
//! [`exec_tx`] is pure: it reads the slots loaded for it and returns what should change. It never
//! touches shared state, so every scheduler calls it and only it. What it may read and change follows
//! from the transaction's bytes alone ([`declare`]).

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    execution::{
        access::{Access, Prepared, Slots},
        cell::{Cell, CellPath},
        ctx::TxCtx,
        kinds,
        ledger::Ledger,
        outcome::{Detail, Outcome, Skip},
        payer,
    },
    planted::planted,
    transaction::{Amount, Payer, Transaction},
    types::{ChainId, Digest, Height},
};

/// What every transaction of a block is executed under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Params {
    /// The chain.
    pub chain_id: ChainId,
    /// The block's height.
    pub height: Height,
}

/// Every use of a cell that a transaction may make: its payer's first, then its kind's.
///
/// Follows from the bytes alone, and the id for cells that are named by it.
#[must_use]
pub fn declare(transaction: &Transaction, id: &Digest) -> Vec<(CellPath, Access)> {
    let body = &transaction.body;
    let mut declarations = Vec::with_capacity(4);
    payer::declare(body, &mut declarations);
    kinds::declare(&body.kind, id, &body.payer.address(), &mut declarations);
    declarations
}

/// What a transaction wants changed. Writes come first, then adds.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TxEffects {
    /// Its fate.
    pub outcome: Outcome,
    /// Cells to create or replace, or to remove where there is `None`. Each path once.
    pub writes: Vec<(CellPath, Option<Cell>)>,
    /// Cells to credit, created if they do not exist. None of them is among the writes.
    pub adds: Vec<(CellPath, Amount)>,
    /// What was moved, asset by asset.
    pub ledger: Ledger,
    /// Taken as a fee, to be settled with all others at the end of the block.
    pub fee: u64,
    /// What the bytes do not tell, for the receipt.
    pub details: Vec<Detail>,
}

impl TxEffects {
    /// Whether what was taken equals what was given, asset by asset.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        self.ledger.is_balanced(self.fee)
    }

    fn none(reason: Skip) -> Self {
        Self {
            outcome: Outcome::Skipped(reason),
            writes: Vec::new(),
            adds: Vec::new(),
            ledger: Ledger::default(),
            fee: 0,
            details: Vec::new(),
        }
    }
}

/// Executes one transaction. The signatures were checked before the block was voted for.
///
/// What a transaction does is taken whole or not at all: of one that fails only the nonce and the fee
/// remain, which are charged again from nothing.
///
/// # Panics
/// If `slots` were not loaded from this transaction's access set, or tokens appear or vanish.
#[must_use]
pub fn exec_tx(params: &Params, slots: &Slots<'_>, prepared: &Prepared<'_>) -> TxEffects {
    let body = &prepared.transaction.body;
    let charged = || {
        let mut ctx = TxCtx::new(params, slots, prepared, payer::declarations(body));
        payer::charge(&mut ctx, params, prepared.transaction).map(|()| ctx)
    };
    let mut ctx = match charged() {
        Ok(ctx) => ctx,
        Err(reason) => return TxEffects::none(reason),
    };
    let reason = match body.check().map_err(Into::into).and_then(|()| kinds::run(&mut ctx)) {
        Ok(()) => return ctx.finish(Outcome::Applied),
        Err(reason) => reason,
    };
    match body.payer {
        Payer::Account { .. } if planted!(FailureUncharged) => {
            TxEffects { outcome: Outcome::Failed(reason), ..TxEffects::none(Skip::Expired) }
        }
        Payer::Account { .. } => {
            let ctx = charged().expect("what could be charged once can be charged again");
            ctx.finish(Outcome::Failed(reason))
        }
        Payer::Coins { .. } => TxEffects::none(Skip::Uncharged(reason)),
    }
}
