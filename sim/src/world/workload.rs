//! Clients: accounts with keys that submit signed transfers at an even rate.
//!
//! A client hands its transaction to one live honest validator, or to two, and hands it in again
//! elsewhere when that validator goes down before the transaction is final. What is sent, by whom and
//! to whom is keyed by the transaction's number.

use std::{collections::BTreeMap, sync::Arc};

use quorate_core::{
    codec::Bounded,
    transaction::{
        Address, Output, Transaction, TransactionBody, TransactionKind, TransactionSignature,
    },
    types::{Digest, Height},
};

use super::{common::Common, keyed::Key, network::Machine};
use crate::scenario::Workload;

/// Transactions a client remembers as not final yet; older ones it gives up.
const OPEN_MAX: usize = 10_000;

/// Heights within which a transaction must be executed.
const VALID_FOR: u64 = 1_000_000;

/// What a transfer pays for being carried.
const FEE: u64 = 1;

/// All clients of a run.
pub struct Clients {
    model: Workload,
    key: Key,
    interval: u64,
    made: u64,
    nonces: Vec<u64>,
    /// Not known to be final: who has it, by its number.
    open: BTreeMap<u64, (Machine, Arc<Transaction>)>,
    numbers: BTreeMap<Digest, u64>,
    /// Distinct transactions handed in.
    pub submitted: u64,
    /// Of these, final ones.
    pub finalized: u64,
}

mod purpose {
    pub(super) const PAYER: u64 = 1;
    pub(super) const PAYEE: u64 = 2;
    pub(super) const AMOUNT: u64 = 3;
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
            nonces: vec![0; common.accounts.len()],
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
        let accounts = u64::try_from(common.accounts.len()).expect("accounts are few");
        let payer = self.key.below(number, purpose::PAYER, accounts);
        let payer = usize::try_from(payer).expect("below the accounts");
        #[cfg(feature = "planted-unordered-map")]
        let payer = super::planted::account_at(payer, common.accounts.len());
        // Nearly all transfers go to the hot accounts, if there are any.
        let hot = u64::from(self.model.hot_accounts).min(accounts);
        let draw = self.key.at(number, purpose::PAYEE);
        let among = if hot > 0 && !draw.is_multiple_of(10) { hot } else { accounts };
        let payee = self.key.within(1).below(number, purpose::PAYEE, among);
        let payee = usize::try_from(payee).expect("below the accounts");
        let amount = 1 + self.key.below(number, purpose::AMOUNT, 100);
        let invalid = self.model.invalid.hit(self.key.at(number, purpose::INVALID));
        let broke = self.key.at(number, purpose::HOW_INVALID).is_multiple_of(2);
        let nonce = self.nonces[payer];
        let (nonce, amount) = match (invalid, broke) {
            (false, _) => (nonce, amount),
            (true, false) => (nonce + 1_000_000, amount),
            (true, true) => (nonce, u64::MAX / 2),
        };
        // No mempool that knows the payer takes a transfer beyond its means. Where one is taken all the
        // same it fails and uses up its nonce, and the payer's next transaction is refused for it.
        if !invalid {
            self.nonces[payer] += 1;
        }
        let key = &common.accounts[payer];
        let to = Address::of_key(&common.accounts[payee].public());
        let body = TransactionBody::new(
            common.genesis.chain_id,
            Address::of_key(&key.public()),
            nonce,
            FEE,
            Height::new(VALID_FOR),
            TransactionKind::transfer(vec![Output::native(to, amount)]),
        );
        let signature = key.sign(&body.signing_message());
        let signatures = vec![TransactionSignature { key: key.public(), signature }];
        Transaction { body, signatures: Bounded::new(signatures) }
    }
}

fn pick(live: &[Machine], draw: u64) -> Option<Machine> {
    let count = u64::try_from(live.len()).expect("machines are few");
    let place = draw.checked_rem(count)?;
    live.get(usize::try_from(place).expect("below the machines")).copied()
}
