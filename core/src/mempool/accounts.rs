//! What is known about payers: their next nonces, what they own and who signs for them.
//!
//! The mempool sees no state, only the results of blocks. It remembers the payers it saw last, up to
//! a bound. As long as it has seen every block since the genesis and forgotten nobody, a payer it
//! never saw is known to have nonce zero and no signers besides its own key; otherwise such a payer's
//! nonce and signers are unknown. What a payer owns is unknown until a block has one of its transactions.

use std::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    execution::{Standing, cell::CellPath},
    mempool::signing::Signing,
    transaction::{Address, Signers},
};

/// A bounded memory of payers.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Accounts {
    known: BTreeMap<Address, Known>,
    /// The same payers by when they were last seen.
    by_stamp: BTreeMap<u64, Address>,
    /// The same payers by where the state keeps them.
    by_path: BTreeMap<CellPath, Address>,
    stamp: u64,
    /// Whether nobody was ever forgotten.
    complete: bool,
    max: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Known {
    next: u64,
    balance: u64,
    signers: Option<Signers>,
    stamp: u64,
    path: CellPath,
}

/// Who is not known any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forgotten {
    Nobody,
    Payer(Address),
    /// This one, and with it every payer never seen.
    AllUnseen,
}

impl Accounts {
    /// Knows nobody, or everybody if `since_genesis`.
    pub(super) fn new(max: u64, since_genesis: bool) -> Self {
        assert!(max > 0, "a memory of nobody cannot learn");
        Self {
            known: BTreeMap::new(),
            by_stamp: BTreeMap::new(),
            by_path: BTreeMap::new(),
            stamp: 0,
            complete: since_genesis,
            max,
        }
    }

    /// The payer's next nonce; `None` if unknown.
    pub(super) fn next(&self, payer: &Address) -> Option<u64> {
        self.standing(payer).0
    }

    /// The payer's next nonce, if known, and whose signatures it took after the last block.
    pub(super) fn standing(&self, payer: &Address) -> (Option<u64>, Signing<'_>) {
        match self.known.get(payer) {
            Some(known) => (Some(known.next), Signing::of(known.signers.as_ref())),
            None if self.complete => (Some(0), Signing::Key),
            None => (None, Signing::Unknown),
        }
    }

    /// The payer's native tokens after the last block; `None` if unknown.
    pub(super) fn balance(&self, payer: &Address) -> Option<u64> {
        self.known.get(payer).map(|known| known.balance)
    }

    /// Whose signatures the payer took after the last block.
    pub(super) fn signing(&self, payer: &Address) -> Signing<'_> {
        self.standing(payer).1
    }

    /// Learns how a payer stands, and forgets the one seen longest ago if there are too many.
    pub(super) fn learn(&mut self, standing: &Standing) -> Forgotten {
        let Standing { address, nonce, balance, ref signers } = *standing;
        let stamp = self.stamp;
        self.stamp = stamp.checked_add(1).expect("2^64 results outlast any process");
        let old = self.known.get(&address);
        if let Some(old) = old {
            assert!(old.next <= nonce, "nonce of {address:?} went from {} to {nonce}", old.next);
            self.by_stamp.remove(&old.stamp);
        }
        let path = old.map_or_else(|| CellPath::account(&address), |old| old.path);
        let signers = signers.clone();
        self.known.insert(address, Known { next: nonce, balance, signers, stamp, path });
        self.by_path.insert(path, address);
        self.by_stamp.insert(stamp, address);
        if self.by_stamp.len() <= usize::try_from(self.max).unwrap_or(usize::MAX) {
            return Forgotten::Nobody;
        }
        let (_, oldest) = self.by_stamp.pop_first().expect("more than the maximum are known");
        let known = self.known.remove(&oldest).expect("the stamps are of those known");
        self.by_path.remove(&known.path);
        if std::mem::replace(&mut self.complete, false) {
            return Forgotten::AllUnseen;
        }
        Forgotten::Payer(oldest)
    }

    /// Learns what is in an account, if its payer is known. A stranger's is not worth a place: whoever
    /// can send dust could have every payer forgotten.
    pub(super) fn learn_balance(&mut self, path: &CellPath, balance: u64) {
        if let Some(payer) = self.by_path.get(path) {
            let known = self.known.get_mut(payer).expect("the paths are of those known");
            known.balance = balance;
        }
    }

    /// Whose account is at a path, if it is known.
    pub(super) fn payer_at(&self, path: &CellPath) -> Option<Address> {
        self.by_path.get(path).copied()
    }
}
