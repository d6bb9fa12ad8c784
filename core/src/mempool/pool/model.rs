//! The pool against a plain one: a list, and the rules applied to all of it each time. Both take, refuse
//! and drop the same transactions for the same reasons, and fill the same blocks.

use std::{cmp::Reverse, collections::BTreeMap};

use proptest::prelude::*;

use super::{
    Pool,
    tests::{
        admit, by_several, change, check_consistent, fund, limits, pool, selected_whole, spend,
    },
};
use crate::{
    execution::{
        ExecutionState, Failure, Outcome, Skip,
        fixtures::{address, block, body, genesis, key, signed},
    },
    mempool::{
        limits::{Limits, Room},
        refusal::Refusal,
    },
    transaction::{
        Address, Authority, CoinId, CoinOutput, MultiSigAction, Payer, Transaction,
        TransactionBody, TransactionKind,
    },
    types::{Digest, Height},
};

#[derive(Clone, Debug)]
struct Waiting {
    tx: Transaction,
    came: u64,
    replaced: u8,
    until: Height,
}

impl Waiting {
    fn rate(&self) -> u64 {
        self.tx.body.fee * 1024 / u64::from(self.tx.encoded_len())
    }

    fn cost(&self) -> u64 {
        self.tx.body.native_debit().unwrap()
    }

    fn payer(&self) -> Address {
        self.tx.body.payer.address()
    }

    fn is_coins(&self) -> bool {
        self.tx.body.payer.nonce().is_none()
    }

    fn nonce(&self) -> u64 {
        self.tx.body.payer.nonce().unwrap()
    }

    fn inputs(&self) -> &[CoinId] {
        inputs(&self.tx)
    }
}

struct Plain {
    limits: Limits,
    held: Vec<Waiting>,
    next: BTreeMap<Address, u64>,
    balance: BTreeMap<Address, u64>,
    /// Whom accounts take signatures of, if not of their own key; all must sign.
    signers: BTreeMap<Address, Vec<u8>>,
    executed: Height,
    count: u64,
}

impl Plain {
    fn next(&self, payer: &Address) -> u64 {
        self.next.get(payer).copied().unwrap_or(0)
    }

    /// What waits that a payer's account pays for.
    fn of(&self, payer: Address) -> impl Iterator<Item = &Waiting> {
        self.held.iter().filter(move |one| !one.is_coins() && one.payer() == payer)
    }

    fn has(&self, payer: Address, nonce: u64) -> Option<&Waiting> {
        self.of(payer).find(|one| one.nonce() == nonce)
    }

    /// Whether it is in a queue that is ready, or nothing that waits makes its coins.
    fn can_run(&self, one: &Waiting) -> bool {
        match one.tx.body.payer {
            Payer::Account { address, nonce } => {
                let next = self.next(&address);
                nonce == next || self.has(address, next).is_some()
            }
            Payer::Coins { .. } => one
                .inputs()
                .iter()
                .all(|coin| self.held.iter().all(|other| other.tx.id() != coin.transaction)),
        }
    }

    /// What one is worth, and when it came: the least goes first.
    fn worth(&self, one: &Waiting) -> (u64, Reverse<u64>) {
        let rate = if self.can_run(one) { one.rate() } else { 0 };
        (rate, Reverse(one.came))
    }

    /// Who must sign a payer's transaction with this nonce; nobody means its own key.
    fn signers_at(&self, payer: Address, nonce: u64) -> Vec<u8> {
        let mut waiting: Vec<&Waiting> = self.of(payer).filter(|one| one.nonce() < nonce).collect();
        waiting.sort_by_key(|one| one.nonce());
        let account = self.signers.get(&payer).cloned().unwrap_or_default();
        waiting.iter().fold(account, |signers, one| after(signers, &one.tx.body.kind))
    }

    /// Drops what others signed than must, the lowest nonces first.
    fn judge(&mut self) -> Vec<(Digest, Refusal)> {
        let mut dropped = Vec::new();
        loop {
            let unfit = self.held.iter().filter_map(|one| {
                let turn = one.tx.body.payer.nonce().unwrap_or(0);
                let signers = self.signers_at(one.payer(), turn);
                Some((turn, one.tx.id(), misfit(&one.tx, &signers)?))
            });
            let Some((_, id, why)) = unfit.min() else { return dropped };
            self.held.retain(|one| one.tx.id() != id);
            dropped.push((id, why));
        }
    }

    fn admit(&mut self, tx: Transaction) -> Result<Vec<(Digest, Refusal)>, Refusal> {
        let limits = self.limits;
        let until = tx.body.valid_until.min(self.executed.plus(limits.age_max));
        let mut new = Waiting { came: self.count, replaced: 0, until, tx };
        if self.held.iter().any(|one| one.tx.id() == new.tx.id()) {
            return Err(Refusal::Duplicate);
        }
        if new.tx.body.valid_until <= self.executed {
            return Err(Refusal::Expired);
        }
        let mut goes = match new.tx.body.payer {
            Payer::Account { address, nonce } => self.check_payment(address, nonce, &new)?,
            Payer::Coins { owner } => self.check_spend(owner, &new)?,
        };
        let is_gone = |one: &&Waiting| goes.iter().any(|(id, _)| one.tx.id() == *id);
        let replaced = goes.iter().any(|(_, why)| *why == Refusal::Replaced);
        let most = self.held.iter().filter(is_gone).map(|one| one.replaced).max().unwrap_or(0);
        new.replaced = if replaced { most + 1 } else { 0 };
        let stays = self.held.iter().filter(|one| !is_gone(one)).cloned().collect();
        let mut after = Self {
            held: stays,
            next: self.next.clone(),
            balance: BTreeMap::new(),
            signers: BTreeMap::new(),
            ..*self
        };
        after.held.push(new.clone());
        let worth = if self.can_run(&new) { new.rate() } else { 0 };
        while !after.fits() {
            let tails = after.held.iter().filter(|one| {
                let is_last = one.is_coins()
                    || after.of(one.payer()).all(|other| other.nonce() <= one.nonce());
                is_last && (one.payer(), one.is_coins()) != (new.payer(), new.is_coins())
            });
            // Whether something is ready is decided before anything goes.
            let victim = tails.min_by_key(|one| self.worth(one));
            let victim = victim.filter(|one| self.worth(one).0 < worth).ok_or(Refusal::Full)?;
            let id = victim.tx.id();
            goes.push((id, Refusal::Evicted));
            after.held.retain(|one| one.tx.id() != id);
        }
        self.held = after.held;
        self.count += 1;
        goes.extend(self.judge());
        Ok(goes)
    }

    /// What goes of an account's own.
    fn check_payment(
        &self,
        payer: Address,
        nonce: u64,
        new: &Waiting,
    ) -> Result<Vec<(Digest, Refusal)>, Refusal> {
        let limits = self.limits;
        let next = self.next(&payer);
        if nonce < next {
            return Err(Refusal::NonceUsed);
        }
        let missing = (next..).find(|one| self.has(payer, *one).is_none()).unwrap();
        if nonce >= next + limits.nonce_window || nonce > missing + limits.parked_max {
            return Err(Refusal::NonceTooFar);
        }
        if let Some(why) = misfit(&new.tx, &self.signers_at(payer, nonce)) {
            return Err(why);
        }
        let mut goes = Vec::new();
        if let Some(old) = self.has(payer, nonce) {
            check_price(&[old], new)?;
            goes.push((old.tx.id(), Refusal::Replaced));
        } else if u64::try_from(self.of(payer).count()).unwrap() == limits.payer_transactions_max {
            let last = self.of(payer).max_by_key(|one| one.nonce()).unwrap();
            if last.nonce() < nonce {
                return Err(Refusal::PayerFull);
            }
            goes.push((last.tx.id(), Refusal::Evicted));
        }
        let stays = self.of(payer).filter(|one| goes.iter().all(|(id, _)| one.tx.id() != *id));
        let own: u64 = stays.map(Waiting::cost).sum();
        if self.balance.get(&payer).is_some_and(|owned| own + new.cost() > *owned) {
            return Err(Refusal::Overdrawn);
        }
        Ok(goes)
    }

    /// What goes of those that spend the same coins.
    fn check_spend(
        &self,
        owner: Address,
        new: &Waiting,
    ) -> Result<Vec<(Digest, Refusal)>, Refusal> {
        if let Some(why) = misfit(&new.tx, &self.signers_at(owner, 0)) {
            return Err(why);
        }
        let of_owner = || self.held.iter().filter(|one| one.is_coins() && one.payer() == owner);
        let spends_too =
            |one: &&Waiting| one.inputs().iter().any(|coin| new.inputs().contains(coin));
        let replaced: Vec<&Waiting> = of_owner().filter(spends_too).collect();
        if replaced.len() > 8 {
            return Err(Refusal::ReplacesTooMany);
        }
        if !replaced.is_empty() {
            check_price(&replaced, new)?;
        } else if u64::try_from(of_owner().count()).unwrap() == self.limits.payer_transactions_max {
            return Err(Refusal::PayerFull);
        }
        Ok(replaced.into_iter().map(|one| (one.tx.id(), Refusal::Replaced)).collect())
    }

    fn fits(&self) -> bool {
        let bytes: u64 = self.held.iter().map(|one| u64::from(one.tx.encoded_len())).sum();
        let count = u64::try_from(self.held.len()).unwrap();
        bytes <= self.limits.bytes_max && count <= self.limits.transactions_max
    }

    fn select(&self, count: usize) -> Vec<Transaction> {
        let mut taken: Vec<Transaction> = Vec::new();
        let mut rounds: BTreeMap<(Address, bool), u32> = BTreeMap::new();
        while taken.len() < count {
            let round =
                |one: &Waiting| rounds.get(&(one.payer(), one.is_coins())).copied().unwrap_or(0);
            let heads = self.held.iter().filter(|one| match one.tx.body.payer {
                Payer::Account { address, nonce } => {
                    nonce == self.next(&address) + u64::from(round(one))
                }
                Payer::Coins { .. } => {
                    let makes = |coin: &CoinId, tx: &Transaction| {
                        tx.id() == coin.transaction
                            && matches!(tx.body.kind, TransactionKind::Coins(_))
                    };
                    let waits = |coin: &CoinId| {
                        self.held.iter().any(|other| other.tx.id() == coin.transaction)
                            && !taken.iter().any(|tx| makes(coin, tx))
                    };
                    !taken.contains(&one.tx) && !one.inputs().iter().any(waits)
                }
            });
            let best = heads.min_by_key(|one| {
                let rate = one.rate();
                (rate.leading_zeros(), round(one), Reverse(rate), one.came)
            });
            let Some(best) = best else { break };
            *rounds.entry((best.payer(), best.is_coins())).or_default() += 1;
            taken.push(best.tx.clone());
        }
        taken
    }

    fn execute(
        &mut self,
        state: &ExecutionState,
        included: &[Transaction],
        outcomes: &[(Digest, Outcome)],
    ) {
        self.executed = state.height();
        for tx in included {
            let payer = tx.body.payer.address();
            self.next.insert(payer, state.nonce(&payer));
            self.balance.insert(payer, 0);
            self.signers.insert(payer, signers_in(state, &payer));
        }
        for (payer, balance) in &mut self.balance {
            *balance = state.balance(payer);
        }
        let (next, executed) = (self.next.clone(), self.executed);
        let next = |payer: &Address| next.get(payer).copied().unwrap_or(0);
        self.held.retain(|one| one.is_coins() || one.nonce() >= next(&one.payer()));
        self.judge();
        let applied: Vec<&Transaction> = included
            .iter()
            .zip(outcomes)
            .filter(|(_, (_, outcome))| *outcome == Outcome::Applied)
            .map(|(tx, _)| tx)
            .collect();
        let is_spent = |coin: &CoinId| applied.iter().any(|tx| inputs(tx).contains(coin));
        self.held.retain(|one| !one.is_coins() || !one.inputs().iter().any(is_spent));
        for (payer, balance) in self.balance.clone() {
            while self.of(payer).map(Waiting::cost).sum::<u64>() > balance {
                let last = self.of(payer).map(Waiting::nonce).max().unwrap();
                let id = self.has(payer, last).unwrap().tx.id();
                self.held.retain(|one| one.tx.id() != id);
            }
        }
        self.held.retain(|one| one.until > executed);
        self.judge();
        for (id, outcome) in outcomes {
            let Outcome::Skipped(Skip::Uncharged(why)) = outcome else { continue };
            let Some(one) = self.held.iter().find(|one| one.tx.id() == *id) else { continue };
            let may_come = |coin: &CoinId| {
                let waits = self.held.iter().any(|other| other.tx.id() == coin.transaction);
                waits || applied.iter().any(|tx| tx.id() == coin.transaction)
            };
            let early = *why == Failure::MissingCoin && one.inputs().iter().any(may_come);
            self.held.retain(|other| early || other.tx.id() != *id);
        }
    }
}

/// A replacement pays a tenth more than all that it replaces, and for each byte than each.
fn check_price(replaced: &[&Waiting], new: &Waiting) -> Result<(), Refusal> {
    let fee = |one: &Waiting| one.tx.body.fee;
    let bytes = |one: &Waiting| u64::from(one.tx.encoded_len());
    let was: u64 = replaced.iter().map(|old| fee(old)).sum();
    let by_byte = |old: &&Waiting| fee(new) * bytes(old) * 10 >= fee(old) * bytes(new) * 11;
    if fee(new) < was + (was.div_ceil(10)).max(1) || !replaced.iter().all(by_byte) {
        return Err(Refusal::Underpriced);
    }
    if replaced.iter().any(|old| old.replaced == 8) {
        return Err(Refusal::ReplacedTooOften);
    }
    Ok(())
}

/// Some keys that sign together.
const KEYS: [&[u8]; 3] = [&[], &[20], &[20, 21]];

/// Who must sign after a transaction of this kind.
fn after(signers: Vec<u8>, kind: &TransactionKind) -> Vec<u8> {
    match kind {
        TransactionKind::MultiSig(MultiSigAction::Clear) => Vec::new(),
        TransactionKind::MultiSig(MultiSigAction::Set(set)) => {
            let is_set =
                |keys: &&&[u8]| set.keys.iter().copied().eq(keys.iter().map(|one| key(*one)));
            KEYS.iter().find(is_set).expect("one of the few").to_vec()
        }
        _ => signers,
    }
}

fn signers_in(state: &ExecutionState, payer: &Address) -> Vec<u8> {
    let set = state.signers(payer).map(|signers| MultiSigAction::Set(signers.clone()));
    set.map_or_else(Vec::new, |set| after(Vec::new(), &TransactionKind::MultiSig(set)))
}

/// What is wrong with the keys if these must sign.
fn misfit(tx: &Transaction, signers: &[u8]) -> Option<Refusal> {
    let keys = tx.signatures.iter().map(|one| one.key);
    match (tx.body.authority, signers.is_empty()) {
        (Authority::Key, false) => Some(Refusal::NeedsMultiSig),
        (Authority::MultiSig, true) => Some(Refusal::NotMultiSig),
        (Authority::MultiSig, false) if !keys.eq(signers.iter().map(|one| key(*one))) => {
            Some(Refusal::WrongSigners)
        }
        _ => None,
    }
}

/// Signed by those who must.
fn sign(body: TransactionBody, payer: u8, signers: &[u8]) -> Transaction {
    if signers.is_empty() { signed(body, payer) } else { by_several(body, signers) }
}

/// What a payer does, and who signs it.
#[derive(Clone, Copy, Debug)]
struct Manner {
    /// Sets these of [`KEYS`], none being a return to its own key; otherwise it pays.
    sets: Option<usize>,
    /// These of [`KEYS`]; otherwise whoever must.
    signed_by: Option<usize>,
}

impl Manner {
    fn make(self, plain: TransactionBody, payer: u8, must: &[u8]) -> Transaction {
        let nonce = plain.payer.nonce().expect("accounts pay");
        let body = match self.sets {
            None => plain,
            Some(set) => {
                let valid_until = plain.valid_until;
                TransactionBody { valid_until, ..change(payer, nonce, plain.fee, KEYS[set]) }
            }
        };
        sign(body, payer, self.signed_by.map_or(must, |by| KEYS[by]))
    }
}

fn manner() -> impl Strategy<Value = Manner> {
    let sets = prop_oneof![5 => Just(None), 1 => (0..KEYS.len()).prop_map(Some)];
    let signed_by = prop_oneof![7 => Just(None), 1 => (0..KEYS.len()).prop_map(Some)];
    (sets, signed_by).prop_map(|(sets, signed_by)| Manner { sets, signed_by })
}

/// What an owner does with its coins.
#[derive(Clone, Debug)]
struct Spending {
    /// Which of all coins that anybody heard of.
    coins: Vec<usize>,
    /// Whose they are said to be; otherwise the first one's owner, and only those that are.
    owner: Option<u8>,
    to: u8,
    fee: u64,
    /// What goes out besides what comes in.
    surplus: u64,
    lifetime: u64,
    signed_by: Option<usize>,
}

/// A coin that somebody heard of, its owner, and its amount.
type Coin = (CoinId, u8, u64);

impl Spending {
    /// With half of it for somebody else.
    fn make(&self, known: &[Coin], height: Height, must: impl Fn(u8) -> Vec<u8>) -> Transaction {
        let pick = |place: &usize| known[place % known.len()];
        let owner = self.owner.unwrap_or(pick(&self.coins[0]).1);
        let picked = self.coins.iter().map(pick);
        let picked = picked.filter(|(_, whose, _)| self.owner.is_some() || *whose == owner);
        let picked: BTreeMap<CoinId, u64> = picked.map(|(coin, _, held)| (coin, held)).collect();
        let left = picked.values().sum::<u64>().saturating_sub(self.fee) + self.surplus;
        let parts = [(self.to, left / 2), (owner, left - left / 2)];
        let parts: Vec<(u8, u64)> = parts.into_iter().filter(|(_, part)| *part > 0).collect();
        let inputs: Vec<CoinId> = picked.into_keys().collect();
        let mut body = spend(owner, &inputs, self.fee, &parts);
        body.valid_until = height.plus(self.lifetime);
        sign(body, owner, &self.signed_by.map_or_else(|| must(owner), |by| KEYS[by].to_vec()))
    }
}

/// The coins that a transaction makes if all goes well.
fn made(tx: &Transaction) -> Vec<Coin> {
    let TransactionKind::Coins(coins) = &tx.body.kind else { return Vec::new() };
    let owner = |whose: &Address| (0..4).find(|one| address(*one) == *whose).expect("one of four");
    let transaction = tx.id();
    let coin = |(index, made): (u32, &CoinOutput)| {
        (CoinId { transaction, index }, owner(&made.owner), made.amount.amount)
    };
    (0..).zip(&coins.outputs).map(coin).collect()
}

fn spending() -> impl Strategy<Value = Spending> {
    let coins = proptest::collection::vec(0..40usize, 1..4);
    let owner = prop_oneof![9 => Just(None), 1 => (0..4u8).prop_map(Some)];
    let fee = prop_oneof![0..4u64, 100..125u64, 300..360u64];
    let surplus = prop_oneof![9 => Just(0u64), 1 => 1..3u64];
    let lifetime = prop_oneof![6 => Just(1_000u64), 1 => 0..4u64];
    let signed_by = prop_oneof![7 => Just(None), 1 => (0..KEYS.len()).prop_map(Some)];
    (coins, owner, 0..4u8, fee, surplus, lifetime, signed_by).prop_map(
        |(coins, owner, to, fee, surplus, lifetime, signed_by)| Spending {
            coins,
            owner,
            to,
            fee,
            surplus,
            lifetime,
            signed_by,
        },
    )
}

#[derive(Clone, Debug)]
enum Step {
    Admit {
        payer: u8,
        nonce: u64,
        fee: u64,
        outputs: usize,
        amount: u64,
        lifetime: u64,
        manner: Manner,
    },
    /// A payer turns tokens into a coin.
    Fund {
        payer: u8,
        nonce: u64,
        fee: u64,
        amount: u64,
    },
    Spend(Spending),
    /// Something that was offered before.
    Again(usize),
    /// A block of so many, behind one that was offered before, and some that went through other nodes.
    Execute {
        count: usize,
        early: Option<usize>,
        foreign: Vec<(u8, u64, Manner)>,
        spent: Vec<Spending>,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let fee = prop_oneof![0..4u64, 100..125u64, 1_000..1_300u64];
    let amount = prop_oneof![4 => 1..5u64, 1 => 1_000..4_000u64];
    let lifetime = prop_oneof![4 => Just(1_000u64), 1 => 0..4u64];
    let admit = (0..4u8, 0..10u64, fee, 1..5usize, amount, lifetime, manner()).prop_map(
        |(payer, nonce, fee, outputs, amount, lifetime, manner)| Step::Admit {
            payer,
            nonce,
            fee,
            outputs,
            amount,
            lifetime,
            manner,
        },
    );
    let foreign = proptest::collection::vec((0..4u8, 1..6_000u64, manner()), 0..2);
    let spent = proptest::collection::vec(spending(), 0..2);
    let early = prop_oneof![3 => Just(None), 1 => (0..100usize).prop_map(Some)];
    let execute = (0..6usize, early, foreign, spent)
        .prop_map(|(count, early, foreign, spent)| Step::Execute { count, early, foreign, spent });
    let fund = (0..4u8, 0..6u64, 1..100u64, 1..900u64)
        .prop_map(|(payer, nonce, fee, amount)| Step::Fund { payer, nonce, fee, amount });
    let step = prop_oneof![
        8 => admit,
        1 => fund,
        6 => spending().prop_map(Step::Spend),
        1 => (0..100usize).prop_map(Step::Again),
        2 => execute,
    ];
    proptest::collection::vec(step, 1..120)
}

/// The coins a transaction spends.
fn inputs(tx: &Transaction) -> &[CoinId] {
    match &tx.body.kind {
        TransactionKind::Coins(coins) => &coins.inputs,
        _ => &[],
    }
}

/// Both, and all that was ever offered to them.
struct Pair {
    pool: Pool,
    state: ExecutionState,
    plain: Plain,
    coins: Vec<Coin>,
    offered: Vec<Transaction>,
}

impl Pair {
    /// Four payers, two of whom have coins as well.
    fn new() -> Self {
        let limits = Limits { age_max: 5, ..limits() };
        let plain = Plain {
            limits,
            held: Vec::new(),
            next: BTreeMap::new(),
            balance: BTreeMap::new(),
            signers: BTreeMap::new(),
            executed: Height::ZERO,
            count: 0,
        };
        let state = ExecutionState::new(&genesis(&[20_000; 4], &[1]));
        let mut pair =
            Self { pool: pool(limits, 0), state, plain, coins: Vec::new(), offered: Vec::new() };
        let parts = |payer: u8| [(payer, 1_000), (payer, 500), (payer, 500), (1 - payer, 700)];
        let opening = |payer: u8| signed(fund(payer, 0, 1, &parts(payer)), payer);
        let opening = vec![opening(0), opening(1)];
        pair.coins = opening.iter().flat_map(made).collect();
        pair.execute(opening);
        pair
    }

    fn offer(&mut self, tx: Transaction) {
        let got = admit(&mut self.pool, tx.clone()).map(|dropped| {
            dropped.into_iter().map(|(id, why)| (id, why.expect("a reason"))).collect()
        });
        let sorted = |all: Result<Vec<(Digest, Refusal)>, Refusal>| {
            all.map(|mut all| {
                all.sort_unstable();
                all
            })
        };
        assert_eq!(sorted(got), sorted(self.plain.admit(tx.clone())));
        self.coins.extend(made(&tx));
        self.offered.push(tx);
    }

    fn execute(&mut self, included: Vec<Transaction>) -> bool {
        let height = self.state.height().next();
        let done = self.state.execute(&block(height.get(), included.clone(), vec![]));
        let unpaid = Outcome::Skipped(Skip::CannotPay);
        if done.outcomes.iter().any(|(_, outcome)| *outcome == unpaid) {
            return false;
        }
        self.pool.on_executed(&done);
        self.plain.execute(&self.state, &included, &done.outcomes);
        true
    }

    /// Returns whether it is a step that the plain rules say everything about.
    fn step(&mut self, step: Step) -> bool {
        let height = self.state.height();
        match step {
            Step::Admit { payer, nonce, fee, outputs, amount, lifetime, manner } => {
                let mut body = body(payer, nonce, fee, &vec![(9, amount); outputs]);
                body.valid_until = height.plus(lifetime);
                let must = self.plain.signers_at(address(payer), nonce);
                self.offer(manner.make(body, payer, &must));
                true
            }
            Step::Fund { payer, nonce, fee, amount } => {
                let must = self.plain.signers_at(address(payer), nonce);
                self.offer(sign(fund(payer, nonce, fee, &[(payer, amount)]), payer, &must));
                true
            }
            Step::Spend(spending) => {
                let must = |owner| self.plain.signers_at(address(owner), 0);
                self.offer(spending.make(&self.coins, height, must));
                true
            }
            Step::Again(_) if self.offered.is_empty() => true,
            Step::Again(place) => {
                self.offer(self.offered[place % self.offered.len()].clone());
                true
            }
            Step::Execute { count, early, foreign, spent } => {
                let transactions_max = u32::try_from(count).unwrap();
                let room = Room { height: height.next(), bytes_max: 1 << 20, transactions_max };
                let mut included = selected_whole(&self.pool, &[], room);
                assert_eq!(included, self.plain.select(count));
                for (payer, amount, manner) in foreign {
                    let who = address(payer);
                    let is_mine = |tx: &&Transaction| {
                        tx.body.payer.address() == who && tx.body.payer.nonce().is_some()
                    };
                    let mine = included.iter().filter(is_mine);
                    let count = u64::try_from(mine.clone().count()).unwrap();
                    let nonce = self.state.nonce(&who) + count;
                    let must = mine.fold(signers_in(&self.state, &who), |signers, tx| {
                        after(signers, &tx.body.kind)
                    });
                    let manner = Manner { signed_by: None, ..manner };
                    included.push(manner.make(body(payer, nonce, 1, &[(9, amount)]), payer, &must));
                }
                let must = |owner| signers_in(&self.state, &address(owner));
                included.extend(spent.iter().map(|one| one.make(&self.coins, height, must)));
                let early = early.filter(|_| !self.offered.is_empty());
                let early = early.map(|place| self.offered[place % self.offered.len()].clone());
                included.splice(0..0, early);
                self.execute(included)
            }
        }
    }
}

proptest! {
    #[test]
    fn agrees_with_a_plain_list(steps in steps()) {
        let mut pair = Pair::new();
        for step in steps {
            // Who cannot pay the fee loses all behind it, which the plain rules do not say.
            prop_assume!(pair.step(step));
            check_consistent(&pair.pool);
            let mut expected: Vec<Digest> = pair.plain.held.iter().map(|one| one.tx.id()).collect();
            let mut held: Vec<Digest> = pair.pool.all().map(|held| held.id).collect();
            expected.sort_unstable();
            held.sort_unstable();
            prop_assert_eq!(held, expected);
        }
    }
}
