//! What the tests of the store share: a chain of decided blocks with transfers in them, and a store that
//! follows it the way a node does.

mod coins;
mod damage;
mod examine;
mod model;
mod open;
mod reads;
mod recovery;
mod retention;
mod tools;

use std::{path::PathBuf, sync::Arc};

use quorate_core::{
    block::{Block, Candidate},
    execution::{Done, ExecutionState, Executor, Options, prefetch::read_all},
    store::{Record, SignerRecord},
    testing::cast::{Cast, Link, account_key},
    transaction::{Address, Output, Transaction, TransactionBody, TransactionKind},
    types::{Digest, Epoch, Height, View},
    vote::Statement,
};
use tempfile::TempDir;

use super::*;

/// A chain and a place for its store.
struct Stage {
    dir: TempDir,
    cast: Cast,
    links: Vec<Link>,
}

impl Stage {
    /// A chain of so many blocks with three transfers in each.
    fn new(length: u64) -> Self {
        let cast = Cast::equal(4);
        let links = chain(&cast, length);
        Self { dir: tempfile::tempdir().expect("a directory"), cast, links }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("db")
    }

    fn genesis(&self) -> &Genesis {
        self.cast.genesis()
    }

    fn try_open(&self) -> Result<Store, StoreError> {
        self.try_open_with(&options())
    }

    fn try_open_with(&self, options: &StoreOptions) -> Result<Store, StoreError> {
        Store::open(&self.path(), self.genesis(), options)
    }

    fn open(&self) -> Store {
        self.try_open().expect("a good store")
    }

    /// A store of which so many heights are decided, and so many of those executed.
    fn filled(&self, decided: usize, executed: usize) -> Store {
        let store = self.open();
        self.links[..decided].iter().for_each(|link| decide(&store, link));
        let mut state = ExecutionState::new(self.genesis());
        for link in &self.links[..executed] {
            execute(&store, &mut state, &link.block);
        }
        store
    }

    /// The state after so many heights, executed from the genesis.
    fn state(&self, height: usize) -> ExecutionState {
        let mut state = ExecutionState::new(self.genesis());
        self.links[..height].iter().for_each(|link| drop(state.execute(&link.block)));
        state
    }

    fn link(&self, height: u64) -> &Link {
        &self.links[usize::try_from(height - 1).expect("a short chain")]
    }
}

/// A small cache, and everything kept.
fn options() -> StoreOptions {
    StoreOptions { cache_bytes: 8 << 20, wal_bytes_max: 16 << 20, ..StoreOptions::default() }
}

/// As [`Cast::chain`], with transfers in the blocks.
fn chain(cast: &Cast, length: u64) -> Vec<Link> {
    chain_of(cast, length, &transfers)
}

/// As [`Cast::chain`], with something in the blocks.
fn chain_of(
    cast: &Cast,
    length: u64,
    content: &dyn Fn(&Cast, u64) -> Vec<Transaction>,
) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    for height in 1..=length {
        let (parent, parent_id) =
            links.last().map_or((cast.genesis().digest(), Digest::ZERO), |last: &Link| {
                (last.block.digest(), last.candidate.id())
            });
        let block = cast.block(height, parent, content(cast, height));
        let candidate = Candidate {
            epoch: Epoch::ZERO,
            view: View::new(height),
            parent_view: View::new(height - 1),
            parent_id,
            block: block.digest(),
        };
        links.push(Link {
            notarization: cast.unanimous(Statement::Notarize(candidate)),
            finalization: cast.unanimous(Statement::Finalize(candidate)),
            block,
            candidate,
        });
    }
    links
}

/// Two transfers that are applied, and one that is skipped since its nonce is far ahead.
fn transfers(cast: &Cast, height: u64) -> Vec<Transaction> {
    let pay = |payer: u64, nonce: u64| {
        let key = account_key(payer);
        let to = Address::of_key(&account_key(100 + height % 7).public());
        let body = TransactionBody::new(
            cast.genesis().chain_id,
            Address::of_key(&key.public()),
            nonce,
            1,
            Height::new(u64::MAX),
            TransactionKind::transfer(vec![Output::native(to, height)]),
        );
        Transaction::signed(body, &key)
    };
    vec![pay(0, height - 1), pay(1, height - 1), pay(2, 1_000)]
}

/// Records and finalizes one block, as consensus does.
fn decide(store: &Store, link: &Link) {
    store.append(&[link.recorded()]).expect("a disk that works");
    let proof = Record::Proof(link.proof());
    store.append(&[vec![link.finalized()], vec![proof]]).expect("a disk that works");
}

/// Executes a block and commits what came of it.
fn execute(store: &Store, state: &mut ExecutionState, block: &Arc<Block>) -> Done {
    let mut executor = Executor::inline(Options::default());
    let work = state.begin(block, &executor);
    let cells = read_all(&mut state.source(), work.paths()).expect("held in memory");
    let done = state.finish(&work, cells, &mut executor);
    store.commit(block, &done, state).expect("a disk that works");
    done
}

impl Store {
    /// Spoils the final block at a height, for tests of whoever meets it.
    pub(crate) fn spoil_block(&self, height: Height) {
        let header = self.header_at(height).expect("a good store").expect("final");
        let mut changes = self.0.database.changes();
        changes.put(&keys::Key::body(height, &archive::digest_of(&header)), &7_u8);
        changes.write(database::Durability::Synced).expect("a disk that works");
    }
}

fn signer() -> SignerRecord {
    SignerRecord::Lost
}

/// What `work` prints when it panics.
fn panic_of(work: impl FnOnce()) -> String {
    let payload =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).expect_err("a panic");
    let words = payload.downcast_ref::<String>().cloned();
    words
        .or_else(|| payload.downcast_ref::<&str>().map(|words| (*words).to_owned()))
        .expect("words")
}
