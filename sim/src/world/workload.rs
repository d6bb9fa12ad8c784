//! Clients: accounts with keys that submit signed transactions at an even rate, in a mix of patterns.
//!
//! A client hands its transaction to one live honest validator, or to two, and hands it in again
//! elsewhere when that validator goes down before the transaction is final. What is sent, by whom and
//! to whom is keyed by the transaction's number.

use std::{collections::BTreeMap, sync::Arc};

use quorate_core::{
    codec::Bounded,
    crypto::Signature,
    transaction::{Output, Payer, Transaction, TransactionKind, TransactionSignature},
    types::{ChainId, Digest, Height},
};

use super::{
    common::Common,
    keyed::Key,
    keys::SigningKey,
    network::Machine,
    wallets::{Draft, Wallets, place},
};
use crate::scenario::Workload;

/// Transactions a client remembers as not final yet; older ones it gives up.
const OPEN_MAX: usize = 10_000;

/// All clients of a run.
pub struct Clients {
    model: Workload,
    key: Key,
    interval: u64,
    made: u64,
    wallets: Wallets,
    /// Not known to be final: who has it, by its number.
    open: BTreeMap<u64, (Machine, Arc<Transaction>)>,
    numbers: BTreeMap<Digest, u64>,
    /// Distinct transactions handed in.
    pub submitted: u64,
    /// Of these, final ones.
    pub finalized: u64,
}

mod purpose {
    pub(super) const INVALID: u64 = 4;
    pub(super) const TARGET: u64 = 5;
    pub(super) const TWICE: u64 = 6;
    pub(super) const SECOND: u64 = 7;
    pub(super) const AGAIN: u64 = 8;
    pub(super) const HOW_INVALID: u64 = 9;
}

impl Clients {
    /// The clients of a scenario.
    #[must_use]
    pub fn new(model: &Workload, common: &Common) -> Self {
        let per_second = u64::from(model.tx_per_second).max(1);
        Self {
            model: model.clone(),
            key: Key::new(&common.seed, "workload", 0),
            interval: 1_000_000_000 / per_second,
            made: 0,
            wallets: Wallets::new(
                common.genesis.chain_id,
                common.accounts.iter().map(SigningKey::public).collect(),
            ),
            open: BTreeMap::new(),
            numbers: BTreeMap::new(),
            submitted: 0,
            finalized: 0,
        }
    }

    /// When the next transaction is due.
    #[must_use]
    pub fn next_at(&self) -> Option<u64> {
        if self.model.tx_per_second == 0 {
            return None;
        }
        let at = self.model.start.nanos().saturating_add(self.made.saturating_mul(self.interval));
        (self.model.stop.is_none_or(|stop| at < stop.nanos())).then_some(at)
    }

    /// Makes the next transaction: what it is, and the machines of `live` it is handed to.
    pub fn submit(
        &mut self,
        common: &Common,
        live: &[Machine],
    ) -> Vec<(Machine, Arc<Transaction>)> {
        let number = self.made;
        self.made += 1;
        let Some(first) = pick(live, self.key.at(number, purpose::TARGET)) else {
            return Vec::new();
        };
        let transaction = Arc::new(self.make(common, number));
        self.submitted += 1;
        let mut sent = vec![(first, Arc::clone(&transaction))];
        if self.model.resubmit.hit(self.key.at(number, purpose::TWICE))
            && let Some(second) = pick(live, self.key.at(number, purpose::SECOND))
        {
            sent.push((second, Arc::clone(&transaction)));
        }
        self.numbers.insert(transaction.id(), number);
        self.open.insert(number, (first, transaction));
        if self.open.len() > OPEN_MAX
            && let Some((_, (_, given_up))) = self.open.pop_first()
        {
            self.numbers.remove(&given_up.id());
        }
        sent
    }

    /// Takes note that these transactions were executed in a final block; those seen for the first
    /// time are returned.
    pub fn on_final(&mut self, ids: impl Iterator<Item = Digest>) -> Vec<Digest> {
        let mut fresh = Vec::new();
        for id in ids {
            if let Some(number) = self.numbers.remove(&id) {
                self.open.remove(&number);
                self.finalized += 1;
                fresh.push(id);
            }
        }
        fresh
    }

    /// A machine went down: what only it had is handed to others.
    pub fn on_down(
        &mut self,
        machine: Machine,
        live: &[Machine],
    ) -> Vec<(Machine, Arc<Transaction>)> {
        let mut sent = Vec::new();
        for (number, (holder, transaction)) in &mut self.open {
            let other = pick(live, self.key.at(*number, purpose::AGAIN));
            if *holder == machine
                && let Some(other) = other
            {
                *holder = other;
                sent.push((other, Arc::clone(transaction)));
            }
        }
        sent
    }

    fn make(&mut self, common: &Common, number: u64) -> Transaction {
        let draft = self.wallets.draft(&self.model, self.key, number);
        let invalid = self.model.invalid.hit(self.key.at(number, purpose::INVALID));
        let how = self.key.at(number, purpose::HOW_INVALID);
        let spoilt = invalid.then(|| Spoilt::ALL[place(how, Spoilt::ALL.len())]);
        if spoilt.is_none() {
            // What a pool refuses uses up no nonce.
            self.wallets.made(&draft);
        }
        sign(common, draft, spoilt)
    }
}

/// What can be wrong with a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spoilt {
    NonceGap,
    NonceUsed,
    BeyondMeans,
    Expired,
    OtherChain,
    NoOutputs,
    ZeroAmount,
    OtherKey,
    BadSignature,
}

impl Spoilt {
    const ALL: [Self; 9] = [
        Self::NonceGap,
        Self::NonceUsed,
        Self::BeyondMeans,
        Self::Expired,
        Self::OtherChain,
        Self::NoOutputs,
        Self::ZeroAmount,
        Self::OtherKey,
        Self::BadSignature,
    ];
}

/// Signs a draft, or something like it with one thing wrong.
fn sign(common: &Common, draft: Draft, spoilt: Option<Spoilt>) -> Transaction {
    let Draft { payer, nonce, mut body, mut signers } = draft;
    let to_itself =
        |amount| TransactionKind::transfer(vec![Output::native(body.payer.address(), amount)]);
    let with_nonce = |nonce| Payer::Account { address: body.payer.address(), nonce };
    let accounts = common.accounts.len();
    match spoilt {
        None | Some(Spoilt::BadSignature) => {}
        Some(Spoilt::NonceGap) => body.payer = with_nonce(nonce + 1_000_000),
        Some(Spoilt::NonceUsed) => body.payer = with_nonce(nonce.saturating_sub(1)),
        Some(Spoilt::BeyondMeans) => body.kind = to_itself(u64::MAX / 1_024),
        Some(Spoilt::Expired) => body.valid_until = Height::ZERO,
        Some(Spoilt::OtherChain) => body.chain_id = ChainId::new(body.chain_id.get() + 1),
        Some(Spoilt::NoOutputs) => body.kind = TransactionKind::transfer(vec![]),
        Some(Spoilt::ZeroAmount) => body.kind = to_itself(0),
        Some(Spoilt::OtherKey) => signers = vec![(payer + 1) % accounts],
    }
    let message = body.signing_message();
    let signature = |account: usize| {
        let key = &common.accounts[account];
        let signature = match spoilt {
            Some(Spoilt::BadSignature) => Signature::new([0; 64]),
            _ => key.sign(&message),
        };
        TransactionSignature { key: key.public(), signature }
    };
    let signatures = signers.into_iter().map(signature).collect();
    Transaction { body, signatures: Bounded::new(signatures) }
}

fn pick(live: &[Machine], draw: u64) -> Option<Machine> {
    let count = u64::try_from(live.len()).expect("machines are few");
    let place = draw.checked_rem(count)?;
    live.get(usize::try_from(place).expect("below the machines")).copied()
}
