//! The accounts of one worker, with what each has signed and not sent yet.

use std::collections::VecDeque;

use quorate_core::{
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
    /// Transfers of all accounts together.
    pub(super) count: u64,
}

/// One account.
#[derive(Debug)]
struct Account {
    address: Address,
    /// Its nonce when the run began, as the node said.
    first: u64,
    /// Its nonce when it was last looked at.
    executed: u64,
    /// Transfers that were admitted.
    admitted: u64,
    /// In the order of their nonces.
    waiting: VecDeque<Transaction>,
}

/// All accounts of a worker.
#[derive(Debug)]
pub(super) struct Accounts {
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
    /// Signs everything that one worker will send. Each account pays the next one, round and round.
    pub(super) async fn sign(
        signing: &Signing,
        load: &Load,
        key: &KeySeed,
        worker: u64,
        client: &Client,
    ) -> Result<Self, Failure> {
        let each = signing.count.div_ceil(load.accounts);
        let mut list = Vec::new();
        let mut index = worker;
        while index < load.accounts {
            let own = key.derived(index);
            let to = key.derived((index + 1) % load.accounts).address();
            let address = own.address();
            let first = nonce(&address, client).await?;
            let secret = own.secret();
            let transfer = |nonce| {
                let kind = TransactionKind::transfer(vec![Output::native(to, 1)]);
                let Signing { chain, fee, valid_until, .. } = *signing;
                let body = TransactionBody::new(chain, address, nonce, fee, valid_until, kind);
                Transaction::signed(body, &secret)
            };
            let waiting = (first..first.saturating_add(each)).into_par_iter().map(transfer);
            let waiting = waiting.collect::<Vec<_>>().into();
            list.push(Account { address, first, executed: first, admitted: 0, waiting });
            index += load.workers;
        }
        Ok(Self { list, next: 0 })
    }

    /// Takes up to so many transfers, each from another account if that is possible.
    pub(super) fn take(&mut self, wanted: u64) -> Vec<Taken> {
        let mut taken = Vec::new();
        let mut empty = 0;
        while u64::try_from(taken.len()).unwrap_or(u64::MAX) < wanted && empty < self.list.len() {
            let account = self.next;
            self.next = (account + 1) % self.list.len();
            match self.list[account].waiting.pop_front() {
                Some(transaction) => {
                    empty = 0;
                    taken.push(Taken { account, transaction });
                }
                None => empty += 1,
            }
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
    let found: AccountJson =
        client.get(&format!("/v1/accounts/{}", address_text(address))).await?;
    Ok(found.nonce.0)
}

#[cfg(test)]
mod tests {
    use super::{
        Account, Accounts, KeySeed, Output, Transaction, TransactionBody, TransactionKind,
    };
    use quorate_core::types::{ChainId, Height};
    use std::collections::VecDeque;

    fn account(transfers: u64) -> Account {
        let key = KeySeed::generate().expect("randomness");
        let address = key.address();
        let transfer = |nonce| {
            let kind = TransactionKind::transfer(vec![Output::native(address, 1)]);
            let body =
                TransactionBody::new(ChainId::new(1), address, nonce, 1, Height::new(9), kind);
            Transaction::signed(body, &key.secret())
        };
        let waiting: VecDeque<_> = (0..transfers).map(transfer).collect();
        Account { address, first: 0, executed: 0, admitted: 0, waiting }
    }

    fn nonces(accounts: &Accounts) -> Vec<Vec<u64>> {
        let nonce = |one: &Transaction| one.body.payer.nonce().expect("an account pays");
        accounts.list.iter().map(|one| one.waiting.iter().map(nonce).collect()).collect()
    }

    /// Whatever is turned away is sent again before what comes after it.
    #[test]
    fn what_is_put_back_keeps_its_order() {
        let mut accounts = Accounts { list: vec![account(3), account(2)], next: 0 };
        let before = nonces(&accounts);
        let taken = accounts.take(4);
        assert_eq!(taken.len(), 4);
        assert_eq!(nonces(&accounts), [vec![2], vec![]]);
        accounts.put_back(taken);
        assert_eq!(nonces(&accounts), before);
        assert_eq!(accounts.take(100).len(), 5, "no more than there is");
        assert!(accounts.take(1).is_empty());
    }
}
