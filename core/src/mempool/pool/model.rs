//! The pool against a plain one: a list, and the rules applied to all of it each time. Both take, refuse
//! and drop the same transactions for the same reasons, and fill the same blocks.

use std::{cmp::Reverse, collections::BTreeMap};

use proptest::prelude::*;

use super::tests::{admit, by_several, change, limits, pool, selected_whole};
use crate::{
    execution::{
        ExecutionState, Outcome,
        fixtures::{address, block, body, genesis, key, signed},
    },
    mempool::{
        limits::{Limits, Room},
        refusal::Refusal,
    },
    transaction::{
        Address, Authority, MultiSigAction, Transaction, TransactionBody, TransactionKind,
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

    fn nonce(&self) -> u64 {
        self.tx.body.payer.nonce().unwrap()
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

    fn of(&self, payer: Address) -> impl Iterator<Item = &Waiting> {
        self.held.iter().filter(move |one| one.payer() == payer)
    }

    fn has(&self, payer: Address, nonce: u64) -> Option<&Waiting> {
        self.of(payer).find(|one| one.nonce() == nonce)
    }

    fn is_ready(&self, payer: Address) -> bool {
        self.has(payer, self.next(&payer)).is_some()
    }

    /// What a payer's last transaction is worth, and when it came: the least goes first.
    fn worth(&self, tail: &Waiting) -> (u64, Reverse<u64>) {
        let rate = if self.is_ready(tail.payer()) { tail.rate() } else { 0 };
        (rate, Reverse(tail.came))
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
                let signers = self.signers_at(one.payer(), one.nonce());
                Some((one.nonce(), one.tx.id(), misfit(&one.tx, &signers)?))
            });
            let Some((_, id, why)) = unfit.min() else { return dropped };
            self.held.retain(|one| one.tx.id() != id);
            dropped.push((id, why));
        }
    }

    fn admit(&mut self, tx: Transaction) -> Result<Vec<(Digest, Refusal)>, Refusal> {
        let (payer, nonce) = (tx.body.payer.address(), tx.body.payer.nonce().unwrap());
        let limits = self.limits;
        let until = tx.body.valid_until.min(self.executed.plus(limits.age_max));
        let new = Waiting { came: self.count, replaced: 0, until, tx };
        if self.held.iter().any(|one| one.tx.id() == new.tx.id()) {
            return Err(Refusal::Duplicate);
        }
        if new.tx.body.valid_until <= self.executed {
            return Err(Refusal::Expired);
        }
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
        let mut replaced = 0;
        if let Some(old) = self.has(payer, nonce) {
            let (was, is) = (old.tx.body.fee, new.tx.body.fee);
            let bytes = |one: &Waiting| u64::from(one.tx.encoded_len());
            if is < was + (was.div_ceil(10)).max(1) || is * bytes(old) * 10 < was * bytes(&new) * 11
            {
                return Err(Refusal::Underpriced);
            }
            if old.replaced == 8 {
                return Err(Refusal::ReplacedTooOften);
            }
            replaced = old.replaced + 1;
            goes.push((old.tx.id(), Refusal::Replaced));
        } else if u64::try_from(self.of(payer).count()).unwrap() == limits.payer_transactions_max {
            let last = self.of(payer).max_by_key(|one| one.nonce()).unwrap();
            if last.nonce() < nonce {
                return Err(Refusal::PayerFull);
            }
            goes.push((last.tx.id(), Refusal::Evicted));
        }
        let stays: Vec<Waiting> = self
            .held
            .iter()
            .filter(|one| goes.iter().all(|(id, _)| one.tx.id() != *id))
            .cloned()
            .collect();
        let own: u64 = stays.iter().filter(|one| one.payer() == payer).map(Waiting::cost).sum();
        if self.balance.get(&payer).is_some_and(|owned| own + new.cost() > *owned) {
            return Err(Refusal::Overdrawn);
        }
        let mut after = Self {
            held: stays,
            next: self.next.clone(),
            balance: BTreeMap::new(),
            signers: BTreeMap::new(),
            ..*self
        };
        after.held.push(Waiting { replaced, ..new.clone() });
        let ready = self.has(payer, next).is_some() || nonce == next;
        let worth = if ready { new.rate() } else { 0 };
        while !after.fits() {
            let tails = after.held.iter().filter(|one| {
                one.payer() != payer
                    && after.of(one.payer()).all(|other| other.nonce() <= one.nonce())
            });
            // Whether a queue is ready is decided before anything goes.
            let victim = tails.min_by_key(|one| (self.worth(one), one.payer()));
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

    fn fits(&self) -> bool {
        let bytes: u64 = self.held.iter().map(|one| u64::from(one.tx.encoded_len())).sum();
        let count = u64::try_from(self.held.len()).unwrap();
        bytes <= self.limits.bytes_max && count <= self.limits.transactions_max
    }

    fn select(&self, count: usize) -> Vec<Transaction> {
        let mut taken: Vec<Transaction> = Vec::new();
        let mut rounds: BTreeMap<Address, u32> = BTreeMap::new();
        while taken.len() < count {
            let round = |payer: Address| rounds.get(&payer).copied().unwrap_or(0);
            let heads = self.held.iter().filter(|one| {
                one.nonce() == self.next(&one.payer()) + u64::from(round(one.payer()))
            });
            let best = heads.min_by_key(|one| {
                let rate = one.rate();
                (rate.leading_zeros(), round(one.payer()), Reverse(rate), one.came)
            });
            let Some(best) = best else { break };
            *rounds.entry(best.payer()).or_default() += 1;
            taken.push(best.tx.clone());
        }
        taken
    }

    fn execute(&mut self, state: &ExecutionState, included: &[Transaction]) {
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
        self.held.retain(|one| one.nonce() >= next(&one.payer()));
        self.judge();
        for (payer, balance) in self.balance.clone() {
            while self.of(payer).map(Waiting::cost).sum::<u64>() > balance {
                let last = self.of(payer).map(Waiting::nonce).max().unwrap();
                self.held.retain(|one| (one.payer(), one.nonce()) != (payer, last));
            }
        }
        self.held.retain(|one| one.until > executed);
        self.judge();
    }
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
    /// A block of so many, and some that went through other nodes.
    Execute { count: usize, foreign: Vec<(u8, u64, Manner)> },
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
    let execute =
        (0..6usize, foreign).prop_map(|(count, foreign)| Step::Execute { count, foreign });
    proptest::collection::vec(prop_oneof![8 => admit, 1 => execute], 1..120)
}

proptest! {
    #[test]
    fn agrees_with_a_plain_list(steps in steps()) {
        let limits = Limits { age_max: 5, ..limits() };
        let mut pool = pool(limits, 0);
        let mut state = ExecutionState::new(&genesis(&[20_000; 4], &[1]));
        let mut plain = Plain {
            limits,
            held: Vec::new(),
            next: BTreeMap::new(),
            balance: BTreeMap::new(),
            signers: BTreeMap::new(),
            executed: Height::ZERO,
            count: 0,
        };
        for step in steps {
            match step {
                Step::Admit { payer, nonce, fee, outputs, amount, lifetime, manner } => {
                    let mut body = body(payer, nonce, fee, &vec![(9, amount); outputs]);
                    body.valid_until = state.height().plus(lifetime);
                    let must = plain.signers_at(address(payer), nonce);
                    let tx = manner.make(body, payer, &must);
                    let got = admit(&mut pool, tx.clone()).map(|dropped| {
                        dropped.into_iter().map(|(id, why)| (id, why.expect("a reason"))).collect()
                    });
                    let sorted = |all: Result<Vec<(Digest, Refusal)>, Refusal>| {
                        all.map(|mut all| { all.sort_unstable(); all })
                    };
                    prop_assert_eq!(sorted(got), sorted(plain.admit(tx)));
                }
                Step::Execute { count, foreign } => {
                    let height = state.height().next();
                    let room = Room { height, bytes_max: 1 << 20, transactions_max: u32::try_from(count).unwrap() };
                    let mut included = selected_whole(&pool, &[], room);
                    prop_assert_eq!(&included, &plain.select(count));
                    for (payer, amount, manner) in foreign {
                        let who = address(payer);
                        let mine = included.iter().filter(|tx| tx.body.payer.address() == who);
                        let nonce = state.nonce(&who) + u64::try_from(mine.clone().count()).unwrap();
                        let must = mine.fold(signers_in(&state, &who), |signers, tx| after(signers, &tx.body.kind));
                        let manner = Manner { signed_by: None, ..manner };
                        included.push(manner.make(body(payer, nonce, 1, &[(9, amount)]), payer, &must));
                    }
                    let done = state.execute(&block(height.get(), included.clone(), vec![]));
                    let unpaid = |(_, outcome): &(Digest, Outcome)| matches!(outcome, Outcome::Skipped(_));
                    // Who cannot pay the fee loses all behind it, which the plain rule does not say.
                    prop_assume!(!done.outcomes.iter().any(unpaid));
                    pool.on_executed(&done);
                    plain.execute(&state, &included);
                }
            }
            let mut expected: Vec<Digest> = plain.held.iter().map(|one| one.tx.id()).collect();
            let mut held: Vec<Digest> = pool.all().map(|held| held.id).collect();
            expected.sort_unstable();
            held.sort_unstable();
            prop_assert_eq!(held, expected);
        }
    }
}
