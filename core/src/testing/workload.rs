//! Named streams of blocks, so that tests and benches speak of the same conflicts.
//!
//! A [`Workload`] says who pays whom; a [`Stage`] makes its genesis and then one block after the other,
//! always the same ones for the same seed. Every transaction is applied when the blocks run in order.
//!
//! Sources: R. Gelashvili et al., "Block-STM" (PPoPP 2023), section 5, for `p2p`; M. Alomari et al.,
//! "The Cost of Serializability on Platforms That Use Snapshot Isolation" (ICDE 2008), section III, for
//! `smallbank`, whose six operations are transfers here between a customer's two accounts and others'.

use std::{fmt, sync::Arc};

use crate::{
    block::{Block, Header, Payload},
    codec::Bounded,
    config::{Genesis, GenesisAccount, Parameters},
    crypto::{PublicKey, SecretKey, Signature},
    random::{Rng, Seed},
    testing::cast::{account_key, member},
    time::UnixMillis,
    transaction::{
        Address, Output, Transaction, TransactionBody, TransactionKind, TransactionSignature,
    },
    types::{ChainId, Digest, Epoch, Height, ValidatorIndex, View},
};

const CHAIN: ChainId = ChainId::new(7);

/// Enough to pay for every block of a long run, and all accounts together fit a `u64`.
const BALANCE: u64 = 1 << 40;

/// Who pays whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// Between random ones of this many accounts.
    P2p(u32),
    /// Among ten thousand accounts, but this percentage to one of them.
    Hot(u32),
    /// Among a hundred thousand accounts, the popular ones more often: the exponent in tenths.
    Zipf(u32),
    /// Every transaction's payer is the one paid before it: no two may be swapped.
    Chain,
    /// One pays a hundred, among ten thousand accounts.
    Batch100,
    /// A thousand customers with two accounts each, and six kinds of business in equal parts.
    Smallbank,
}

impl Workload {
    /// Those that are measured.
    pub const NAMED: &[Self] = &[
        Self::P2p(2),
        Self::P2p(10),
        Self::P2p(100),
        Self::P2p(1_000),
        Self::P2p(10_000),
        Self::Hot(10),
        Self::Hot(50),
        Self::Hot(100),
        Self::Zipf(6),
        Self::Zipf(9),
        Self::Zipf(11),
        Self::Chain,
        Self::Batch100,
        Self::Smallbank,
    ];

    /// Accounts it takes.
    #[must_use]
    pub const fn accounts(self) -> u32 {
        match self {
            Self::P2p(accounts) => accounts,
            Self::Hot(_) | Self::Chain | Self::Batch100 => 10_000,
            Self::Zipf(_) => 100_000,
            Self::Smallbank => 2_000,
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::P2p(accounts) => write!(f, "p2p({accounts})"),
            Self::Hot(percent) => write!(f, "hot({percent})"),
            Self::Zipf(tenths) => write!(f, "zipf({}.{})", tenths / 10, tenths % 10),
            Self::Chain => f.write_str("chain"),
            Self::Batch100 => f.write_str("batch100"),
            Self::Smallbank => f.write_str("smallbank"),
        }
    }
}

/// What accounts sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// Nothing: bytes in the place of keys and signatures, for what does not check them.
    Blank,
    /// Keys whose signatures hold. Making and using them takes some tens of microseconds each.
    Real,
}

/// One chain under a workload.
#[derive(Clone, Debug)]
pub struct Stage {
    workload: Workload,
    addresses: Vec<Address>,
    keys: Vec<PublicKey>,
    /// Empty if the keys are blank.
    secrets: Vec<SecretKey>,
    nonces: Vec<u64>,
    /// Sums of the accounts' popularity, up to each of them. Empty unless it differs.
    popularity: Vec<f64>,
    height: Height,
    payer: u32,
    rng: Rng,
}

impl Stage {
    /// Before the first block, with at most so many accounts.
    #[must_use]
    pub fn new(workload: Workload, keys: Keys, accounts_max: u32, seed: u64) -> Self {
        let accounts = workload.accounts().min(accounts_max).max(2);
        let secrets: Vec<SecretKey> = match keys {
            Keys::Blank => Vec::new(),
            Keys::Real => (0..accounts).map(|number| account_key(number.into())).collect(),
        };
        let blank = |number: u32| {
            let mut raw = [0xAA; 32];
            raw[..4].copy_from_slice(&number.to_le_bytes());
            PublicKey::new(raw)
        };
        let keys: Vec<PublicKey> = match keys {
            Keys::Blank => (0..accounts).map(blank).collect(),
            Keys::Real => secrets.iter().map(SecretKey::public).collect(),
        };
        let popularity = match workload {
            Workload::Zipf(tenths) => {
                let exponent = f64::from(tenths) / 10.0;
                let weight = |rank: u32| f64::from(rank).powf(-exponent);
                let add = |sum: &mut f64, rank| {
                    *sum += weight(rank);
                    Some(*sum)
                };
                (1..=accounts).scan(0.0, add).collect()
            }
            _ => Vec::new(),
        };
        Self {
            workload,
            addresses: keys.iter().map(Address::of_key).collect(),
            nonces: vec![0; keys.len()],
            keys,
            secrets,
            popularity,
            height: Height::ZERO,
            payer: 0,
            rng: Seed::from_number(seed).fork("workload", 0).rng(),
        }
    }

    /// One validator, and the same balance for every account.
    #[must_use]
    pub fn genesis(&self) -> Genesis {
        let account = |address: &Address| GenesisAccount { address: *address, balance: BALANCE };
        Genesis {
            chain_id: CHAIN,
            timestamp: UnixMillis::new(1),
            validators: vec![member(0, 1)],
            accounts: self.addresses.iter().map(account).collect(),
            parameters: Parameters::default(),
        }
    }

    /// The next block.
    #[must_use]
    pub fn block(&mut self, transactions: usize) -> Arc<Block> {
        let transactions = (0..transactions).map(|_| self.transaction()).collect();
        self.height = self.height.next();
        let payload = Payload { transactions: Bounded::new(transactions), ..Payload::default() };
        let header = Header {
            chain_id: CHAIN,
            epoch: Epoch::ZERO,
            height: self.height,
            parent: Digest::ZERO,
            origin_view: View::new(self.height.get()),
            proposer: ValidatorIndex::new(0),
            payload_root: payload.root(),
            payload_len: payload.encoded_len(),
            timestamp: UnixMillis::new(1 + self.height.get()),
            evidence_root: payload.evidence_root(),
            next_committee: None,
        };
        Arc::new(Block::new(header, payload))
    }

    fn transaction(&mut self) -> Transaction {
        match self.workload {
            Workload::P2p(_) => {
                let payer = self.any();
                let to = self.other(payer);
                self.transfer(payer, &[to])
            }
            Workload::Hot(percent) => {
                let payer = 1 + self.below(self.accounts() - 1);
                let to = if self.below(100) < percent { 0 } else { self.other(payer) };
                self.transfer(payer, &[to])
            }
            Workload::Zipf(_) => {
                let payer = self.popular();
                let to = self.popular();
                self.transfer(payer, &[to])
            }
            Workload::Chain => {
                let payer = self.payer;
                self.payer = (payer + 1) % self.accounts();
                self.transfer(payer, &[self.payer])
            }
            Workload::Batch100 => {
                let payer = self.any();
                let to: Vec<u32> = (0..100).map(|_| self.any()).collect();
                self.transfer(payer, &to)
            }
            Workload::Smallbank => self.business(),
        }
    }

    /// One of the six operations. Customer `c` checks from account `2c` and saves in the next one;
    /// the first customer is the bank.
    fn business(&mut self) -> Transaction {
        let customers = self.accounts() / 2;
        let checking = 2 * self.below(customers);
        let savings = checking + 1;
        let other = 2 * self.below(customers);
        match self.below(6) {
            // Balance: looks at both, which no transfer does without touching.
            0 => self.transfer(checking, &[checking]),
            // Deposit to checking, and transact savings.
            1 => self.transfer(savings, &[checking]),
            2 => self.transfer(checking, &[savings]),
            // Send a payment.
            3 => self.transfer(checking, &[other]),
            // Write a check to the bank.
            4 => self.transfer(checking, &[0]),
            // Amalgamate.
            _ => self.transfer(savings, &[other, checking]),
        }
    }

    fn transfer(&mut self, payer: u32, to: &[u32]) -> Transaction {
        let outputs: Vec<Output> = to
            .iter()
            .map(|to| Output::native(self.addresses[index(*to)], 1 + self.rng.below(9)))
            .collect();
        let payer = index(payer);
        let nonce = self.nonces[payer];
        self.nonces[payer] += 1;
        let body = TransactionBody::new(
            CHAIN,
            self.addresses[payer],
            nonce,
            1,
            Height::new(u64::MAX),
            TransactionKind::transfer(outputs),
        );
        if let Some(secret) = self.secrets.get(payer) {
            return Transaction::signed(body, secret);
        }
        let signature = Signature::new([0; 64]);
        let signatures = vec![TransactionSignature { key: self.keys[payer], signature }];
        Transaction { body, signatures: Bounded::new(signatures) }
    }

    fn accounts(&self) -> u32 {
        u32::try_from(self.addresses.len()).expect("made from a u32")
    }

    fn below(&mut self, bound: u32) -> u32 {
        u32::try_from(self.rng.below(bound.into())).expect("below a u32")
    }

    fn any(&mut self) -> u32 {
        self.below(self.accounts())
    }

    fn other(&mut self, than: u32) -> u32 {
        let step = 1 + self.below(self.accounts() - 1);
        (than + step) % self.accounts()
    }

    /// An account drawn by popularity.
    fn popular(&mut self) -> u32 {
        let all = self.popularity.last().expect("a workload with popularity");
        let drawn = u32::try_from(self.rng.below(1 << 32)).expect("below 2^32");
        let at = f64::from(drawn) / 4_294_967_296.0 * all;
        let rank = self.popularity.partition_point(|sum| *sum < at);
        u32::try_from(rank).expect("as many as accounts").min(self.accounts() - 1)
    }
}

fn index(account: u32) -> usize {
    usize::try_from(account).expect("a u32 fits an index")
}
