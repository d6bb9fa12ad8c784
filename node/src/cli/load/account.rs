//! The accounts of one worker, with what each has signed and not sent yet.

use std::collections::VecDeque;

use quorate_core::{
    crypto::SecretKey,
    transaction::{Address, Output, Transaction, TransactionBody, TransactionKind},
    types::{ChainId, Height},
};
use rayon::prelude::*;

use super::Load;
use crate::{
    api::json::AccountJson,
    cli::client::Client,
    exit::Failure,
    keys::{KeySeed, address_text},
};

/// What all transfers have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signing {
    pub(super) chain: ChainId,
    pub(super) fee: u64,
    pub(super) valid_until: Height,
    /// Transfers of all accounts together that are signed before any is sent.
    pub(super) ahead: u64,
}

/// One account.
#[derive(Debug)]
struct Account {
    address: Address,
    secret: SecretKey,
    /// Whom it pays.
    to: Address,
    /// Its nonce when the run began, as the node said.
    first: u64,
    /// Its nonce when it was last looked at.
    executed: u64,
    /// Transfers that were admitted.
    admitted: u64,
    /// Transfers that were signed.
    signed: u64,
    /// In the order of their nonces.
    waiting: VecDeque<Transaction>,
}

impl Account {
    /// The transfer with a nonce, counted from the beginning of the run.
    fn transfer(&self, signing: &Signing, place: u64) -> Transaction {
        let kind = TransactionKind::transfer(vec![Output::native(self.to, 1)]);
        let Signing { chain, fee, valid_until, .. } = *signing;
        let nonce = self.first.saturating_add(place);
        let body = TransactionBody::new(chain, self.address, nonce, fee, valid_until, kind);
        Transaction::signed(body, &self.secret)
    }

    /// Signs so many ahead.
    fn sign(&mut self, signing: &Signing, count: u64) {
        let until = self.signed.saturating_add(count);
        let places = (self.signed..until).into_par_iter();
        let signed: Vec<_> = places.map(|place| self.transfer(signing, place)).collect();
        self.waiting.extend(signed);
        self.signed = until;
    }

    /// The next transfer. What was not signed ahead is signed now.
    fn next(&mut self, signing: &Signing) -> Transaction {
        self.waiting.pop_front().unwrap_or_else(|| {
            self.signed += 1;
            self.transfer(signing, self.signed - 1)
        })
    }
}

/// All accounts of a worker.
#[derive(Debug)]
pub(super) struct Accounts {
    signing: Signing,
    list: Vec<Account>,
    next: usize,
}

/// A transfer taken out to be sent, and whose it is.
#[derive(Debug)]
pub(super) struct Taken {
    account: usize,
    pub(super) transaction: Transaction,
}

impl Accounts {
    /// Signs ahead what one worker will send. Each account pays the next one, round and round.
    pub(super) async fn sign(
        signing: &Signing,
        load: &Load,
        key: &KeySeed,
        worker: u64,
        client: &Client,
    ) -> Result<Self, Failure> {
        let each = signing.ahead.div_ceil(load.accounts);
        let mut list = Vec::new();
        let mut index = worker;
        while index < load.accounts {
            let own = key.derived(index);
            let to = key.derived((index + 1) % load.accounts).address();
            let address = own.address();
            let first = nonce(&address, client).await?;
            let mut account = Account {
                address,
                secret: own.secret(),
                to,
                first,
                executed: first,
                admitted: 0,
                signed: 0,
                waiting: VecDeque::new(),
            };
            account.sign(signing, each);
            list.push(account);
            index += load.workers;
        }
        Ok(Self { signing: *signing, list, next: 0 })
    }

    /// Takes so many transfers, each from another account as far as there are so many.
    pub(super) fn take(&mut self, wanted: u64) -> Vec<Taken> {
        let mut taken = Vec::new();
        for _ in 0..wanted {
            let account = self.next;
            self.next = (account + 1) % self.list.len();
            let transaction = self.list[account].next(&self.signing);
            taken.push(Taken { account, transaction });
        }
        taken
    }

    /// A transfer was admitted.
    pub(super) fn admit(&mut self, taken: &Taken) {
        self.list[taken.account].admitted += 1;
    }

    /// Transfers that were not admitted and can be later go back where they were, in order.
    pub(super) fn put_back(&mut self, taken: Vec<Taken>) {
        for one in taken.into_iter().rev() {
            self.list[one.account].waiting.push_front(one.transaction);
        }
    }

    /// Transfers executed before the run.
    pub(super) fn executed(&self) -> u64 {
        self.list.iter().map(|account| account.first).sum()
    }

    /// What will have been executed when everything admitted is.
    pub(super) fn admitted(&self) -> u64 {
        self.list.iter().map(|account| account.first + account.admitted).sum()
    }

    /// Asks how much was executed, of the accounts of which not everything was.
    pub(super) async fn look(&mut self, client: &Client) -> Result<u64, Failure> {
        for account in &mut self.list {
            if account.executed < account.first + account.admitted {
                account.executed = nonce(&account.address, client).await?;
            }
        }
        Ok(self.list.iter().map(|account| account.executed).sum())
    }
}

/// The next nonce of an account, as the node has executed.
async fn nonce(address: &Address, client: &Client) -> Result<u64, Failure> {
    let found: AccountJson = client.get(&format!("/v1/accounts/{}", address_text(address))).await?;
    Ok(found.nonce.0)
}

#[cfg(test)]
mod tests {
    use super::{Account, Accounts, KeySeed, Signing};
    use quorate_core::types::{ChainId, Height};
    use std::collections::VecDeque;

    fn accounts(signed: [u64; 2]) -> Accounts {
        let signing =
            Signing { chain: ChainId::new(1), fee: 1, valid_until: Height::new(9), ahead: 0 };
        let account = |count| {
            let key = KeySeed::generate().expect("randomness");
            let mut account = Account {
                address: key.address(),
                secret: key.secret(),
                to: key.address(),
                first: 5,
                executed: 5,
                admitted: 0,
                signed: 0,
                waiting: VecDeque::new(),
            };
            account.sign(&signing, count);
            account
        };
        Accounts { signing, list: signed.map(account).into(), next: 0 }
    }

    fn nonces(accounts: &mut Accounts, count: u64) -> Vec<(usize, u64)> {
        let nonce =
            |one: &super::Taken| one.transaction.body.payer.nonce().expect("an account pays");
        accounts.take(count).iter().map(|one| (one.account, nonce(one))).collect()
    }

    /// Whatever is turned away is sent again before what comes after it, signed ahead or not.
    #[test]
    fn what_is_put_back_keeps_its_order() {
        let mut accounts = accounts([3, 1]);
        let taken = accounts.take(4);
        assert_eq!(nonces(&mut accounts, 2), [(0, 7), (1, 7)], "the last was not signed ahead");
        accounts.put_back(taken);
        let expected = [(0, 5), (1, 5), (0, 6), (1, 6), (0, 8), (1, 8)];
        assert_eq!(nonces(&mut accounts, 6), expected);
    }
}
