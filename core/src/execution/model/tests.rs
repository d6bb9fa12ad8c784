//! Execution against the plain interpreter: whatever happens to blocks of all kinds of transactions,
//! both agree on every outcome and every cell, under every scheduler; no token of any asset appears or
//! vanishes; and the digest kept up to date equals the one worked out from scratch.
//!
//! `EXEC_MODEL_BLOCKS` sets how many blocks each workload runs, `EXEC_MODEL_SIZE` how many transactions
//! each holds, `EXEC_MODEL_SEED` the seed.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{
    codec::{self, Bounded},
    evidence::{Evidence, Offence},
    execution::{
        ExecutionState, Executor, Options, Outcome, Scheduler, Skip, Standing,
        cell::{AssetRecord, Balance, Cell, CellKind, CellPath, Coin, Object, System, SystemKey},
        energy::{Energy, Unfreezing},
        fixtures::{block, evidence},
    },
    random::Seed,
    transaction::{Address, Asset, Authority, CoinId, Payer, Signers, TransactionKind},
    types::Height,
};

/// Both, side by side.
struct Pair {
    state: ExecutionState,
    plain: Plain,
    /// Runs a block in a random order.
    executor: Executor,
    /// Runs it in every way there is, and compares.
    comparing: Executor,
    fates: BTreeMap<String, u64>,
    /// How to see a failure again.
    again: String,
}

impl Pair {
    fn new(workload: &Workload, balance: u64, scheduler: Scheduler) -> Self {
        let genesis = workload.genesis(balance);
        let executor = |test_mode| {
            let (transactions_min, weight_min) = (0, 0);
            Executor::inline(Options { scheduler, transactions_min, weight_min, test_mode })
        };
        Self {
            state: ExecutionState::new(&genesis),
            plain: Plain::new(&genesis),
            executor: executor(false),
            comparing: executor(true),
            fates: BTreeMap::new(),
            again: String::new(),
        }
    }

    /// Runs a block of so many transactions.
    fn block(&mut self, workload: &mut Workload, size: usize, evidence: Vec<Evidence>) {
        let mut transactions = Vec::with_capacity(size);
        let mut outcomes = Vec::with_capacity(size);
        let before = self.plain.holdings.clone();
        for _ in 0..size {
            let transaction = workload.transaction(&self.plain);
            let outcome = self.plain.transact(&transaction);
            *self.fates.entry(outcome.to_string()).or_default() += 1;
            outcomes.push((transaction.id(), outcome));
            transactions.push(transaction);
        }
        evidence.iter().for_each(|one| self.plain.punish(one));
        let mut payers: Vec<Address> =
            transactions.iter().map(|one| one.body.payer.address()).collect();
        payers.sort_unstable();
        payers.dedup();
        let block = block(self.plain.height, transactions, evidence);
        let compares = self.plain.height.is_multiple_of(8);
        let executor = if compares { &mut self.comparing } else { &mut self.executor };
        let done = self.state.execute_on(&block, executor);
        for (index, (mine, other)) in outcomes.iter().zip(&done.outcomes).enumerate() {
            let transaction = &block.payload().transactions[index];
            let (height, again) = (self.plain.height, &self.again);
            assert_eq!(mine, other, "height {height}: {transaction:?}\n{again}");
        }
        assert_eq!(done.outcomes.len(), outcomes.len());
        assert_eq!(self.comparing.totals().mismatches, 0, "the schedulers differ: {}", self.again);
        let standing = |address: Address| Standing {
            address,
            nonce: self.plain.nonce(&address),
            balance: native(&self.plain.holdings, &address),
            signers: self.plain.signers.get(&address).map(|(threshold, keys)| Signers {
                threshold: *threshold,
                keys: Bounded::new(keys.clone()),
            }),
        };
        assert_eq!(done.payers, payers.into_iter().map(standing).collect::<Vec<_>>());
        let all = block.payload().transactions.iter().zip(&outcomes);
        let mut spent: Vec<CoinId> = all
            .filter(|(_, (_, outcome))| *outcome == Outcome::Applied)
            .flat_map(|(transaction, _)| match &transaction.body.kind {
                TransactionKind::Coins(coins) => coins.inputs.to_vec(),
                _ => Vec::new(),
            })
            .collect();
        spent.sort_unstable();
        assert_eq!(done.spent, spent, "height {}: {}", self.plain.height, self.again);
        // Every native balance that changed is told.
        let told: BTreeMap<CellPath, u64> = done.balances.iter().copied().collect();
        for address in self.plain.nonces.keys() {
            let (old, new) = (native(&before, address), native(&self.plain.holdings, address));
            match told.get(&CellPath::account(address)) {
                Some(told) => assert_eq!(*told, new),
                None => assert_eq!(old, new),
            }
        }
        self.plain.height += 1;
    }

    /// Compares every cell.
    fn check(&self) {
        let expected = cells(&self.plain);
        for (path, cell) in &expected {
            let found = self.state.cell(path);
            assert_eq!(found, Some(cell), "the cell at {path:?}: {}", self.again);
        }
        let kept = |cell: &&Cell| cell.kind() != CellKind::System;
        assert_eq!(self.state.all_cells().filter(kept).count(), expected.len(), "no other cells");
        let supply = self.state.supply();
        assert_eq!((supply.fees, supply.burned), (self.plain.fees, self.plain.burned));
        assert_eq!(supply.total(), self.state.issued());
        assert_eq!(*self.state.asset_supplies(), self.state.recounted_assets(), "{}", self.again);
        for (id, asset) in &self.plain.assets {
            let supply = self.state.asset_supplies().get(id).copied().unwrap_or_default();
            assert_eq!((supply.issued, supply.burned), (asset.issued, asset.burned));
            assert!(supply.is_balanced(), "asset {id:?}: {supply:?}: {}", self.again);
        }
        assert_eq!(self.state.commitment(), &self.state.recomputed());
    }
}

fn native(holdings: &BTreeMap<(Address, Asset), u128>, of: &Address) -> u64 {
    narrow(holdings.get(&(*of, Asset::Native)).copied().unwrap_or(0))
}

fn narrow(wide: u128) -> u64 {
    u64::try_from(wide).expect("no supply exceeds a u64")
}

/// The cells that a plain state stands for, stakes and totals left out.
fn cells(plain: &Plain) -> BTreeMap<CellPath, Cell> {
    let mut cells = BTreeMap::new();
    for (address, nonce) in &plain.nonces {
        let has_signers = plain.signers.contains_key(address);
        let account = crate::execution::Account {
            nonce: *nonce,
            balance: native(&plain.holdings, address),
            authority: if has_signers { Authority::MultiSig } else { Authority::Key },
        };
        cells.insert(CellPath::account(address), Cell::Account(account));
    }
    for ((address, asset), amount) in &plain.holdings {
        if let Asset::Issued(id) = asset {
            let balance = Balance { asset: *id, amount: narrow(*amount) };
            cells.insert(CellPath::balance(address, asset), Cell::Balance(balance));
        }
    }
    for (address, (threshold, keys)) in &plain.signers {
        let signers = Signers { threshold: *threshold, keys: Bounded::new(keys.clone()) };
        cells.insert(CellPath::multisig(address), Cell::MultiSig(signers));
    }
    for (address, energy) in &plain.energy {
        let unfreezing = energy.unfreezing.iter().map(|(ready, amount)| Unfreezing {
            amount: narrow(*amount),
            ready: Height::new(*ready),
        });
        let energy = Energy {
            frozen: narrow(energy.frozen),
            used: narrow(energy.used),
            height: Height::new(energy.since),
            unfreezing: Bounded::new(unfreezing.collect()),
        };
        cells.insert(CellPath::energy(address), Cell::Energy(energy));
    }
    for (id, coin) in &plain.coins {
        let PlainCoin { owner, amount, height } = *coin;
        let coin = Coin { id: *id, owner, amount, height: Height::new(height) };
        cells.insert(CellPath::coin(id), Cell::Coin(coin));
    }
    for (id, object) in &plain.objects {
        let object = Object {
            id: *id,
            version: narrow(object.version),
            owner: object.owner,
            held: narrow(object.held),
            data: Bounded::new(object.data.clone()),
        };
        cells.insert(CellPath::object(id), Cell::Object(object));
    }
    for (id, asset) in &plain.assets {
        let asset = AssetRecord {
            id: *id,
            issuer: asset.issuer,
            decimals: asset.decimals,
            cap: narrow(asset.cap),
            issued: narrow(asset.issued),
            burned: narrow(asset.burned),
        };
        cells.insert(CellPath::asset(id), Cell::Asset(asset));
    }
    cells
}

#[expect(clippy::disallowed_methods, reason = "how long a test runs is no part of the core")]
fn number_from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| {
        text.parse().unwrap_or_else(|_| panic!("{name} should be a number but is `{text}`"))
    })
}

/// Runs one workload. A failure says how to see it again.
fn run(mix: Mix) {
    let from = |name, otherwise| number_from_environment(name).unwrap_or(otherwise);
    let (blocks, size) = (from("EXEC_MODEL_BLOCKS", 1_000), from("EXEC_MODEL_SIZE", 100));
    let number = from("EXEC_MODEL_SEED", 1);
    let seed = Seed::from_number(number);
    let mut workload = Workload::unsigned(seed, mix, 24);
    // A longer run costs more fees: whoever has run dry tests nothing any more.
    let balance = 10 * blocks * size;
    let mut pair = Pair::new(&workload, balance, Scheduler::Shuffled(seed.fork("order", 0)));
    pair.again = format!(
        "EXEC_MODEL_SEED={number} EXEC_MODEL_BLOCKS={blocks} EXEC_MODEL_SIZE={size} cargo test -p \
         quorate-core --lib execution::model::tests::{}",
        mix.name()
    );
    let mut sizes = seed.fork("sizes", 0).rng();
    for number in 0..blocks {
        // Half of the blocks are full, the others anything between empty and full.
        let full = sizes.below(2) == 0;
        let size = if full { size } else { sizes.below(size + 1) };
        pair.block(&mut workload, usize::try_from(size).expect("a block's size"), vec![]);
        if number % 100 == 0 || number + 1 == blocks {
            pair.check();
        }
    }
    let ran = pair.executor.totals().blocks + pair.comparing.totals().blocks;
    assert_eq!(ran, blocks);
    let applied = pair.fates.get("applied").copied().unwrap_or(0);
    let all: u64 = pair.fates.values().sum();
    assert!(applied * 2 > all, "too few were applied: {:?}: {}", pair.fates, pair.again);
}

#[test]
fn transfers_agree() {
    run(Mix::Transfers);
}

#[test]
fn hot_account_agrees() {
    run(Mix::Hot);
}

#[test]
fn assets_agree() {
    run(Mix::Assets);
}

#[test]
fn energy_agrees() {
    run(Mix::Energy);
}

#[test]
fn multisig_agrees() {
    run(Mix::MultiSig);
}

#[test]
fn coins_agree() {
    run(Mix::Coins);
}

#[test]
fn objects_agree() {
    run(Mix::Objects);
}

#[test]
fn mixed_agrees() {
    run(Mix::Mixed);
}

/// The workloads are worth their name: together they meet nearly every reason there is.
#[test]
fn workloads_meet_every_reason() {
    let mut fates: BTreeMap<String, u64> = BTreeMap::new();
    for mix in Mix::ALL {
        let mut workload = Workload::unsigned(Seed::from_number(7), mix, 24);
        let mut pair = Pair::new(&workload, 1_000_000, Scheduler::Sequential);
        for _ in 0..40 {
            pair.block(&mut workload, 100, vec![]);
        }
        fates.extend(pair.fates);
    }
    for expected in [
        "skipped: unknown-version",
        "skipped: wrong-chain",
        "skipped: expired",
        "skipped: wrong-keys",
        "skipped: nonce-used",
        "skipped: nonce-gap",
        "skipped: cannot-pay",
        "skipped: unfit-payer",
        "skipped: needs-multisig",
        "skipped: not-multisig",
        "skipped: no-energy",
        "skipped: unbalanced",
        "failed: no-outputs",
        "failed: zero-amount",
        "failed: amount-overflow",
        "failed: not-ascending",
        "failed: bad-threshold",
        "failed: insufficient-balance",
        "failed: unknown-asset",
        "failed: above-asset-cap",
        "failed: not-frozen",
        "failed: nothing-to-withdraw",
        "failed: no-signers",
        "failed: missing-coin",
        "failed: stale-version",
        "failed: not-shared",
        "failed: object-gone",
    ] {
        assert!(fates.contains_key(expected), "no transaction was {expected}: {fates:#?}");
    }
}

fn offences() -> impl Strategy<Value = Evidence> {
    let offence = prop_oneof![
        Just(Offence::ConflictingNotarize),
        Just(Offence::ConflictingFinalize),
        Just(Offence::NullifyFinalize),
    ];
    (0..2u16, 0..2u64, offence)
        .prop_map(|(signer, epoch, offence)| evidence(signer, epoch, offence))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Few accounts, few or very many tokens, small blocks, evidence, and a state that survives its
    /// encoding after each.
    #[test]
    fn small_worlds_agree(
        seed in any::<u64>(),
        mix in proptest::sample::select(Mix::ALL.to_vec()),
        accounts in 2u16..5,
        balance in prop_oneof![Just(0u64), 1..100u64, Just(u64::MAX / 16)],
        blocks in proptest::collection::vec(
            (0usize..12, proptest::collection::vec(offences(), 0..2)),
            1..8,
        ),
    ) {
        let seed = Seed::from_number(seed);
        let mut workload = Workload::unsigned(seed, mix, accounts);
        let mut pair = Pair::new(&workload, balance, Scheduler::Waves);
        for (size, evidence) in blocks {
            pair.block(&mut workload, size, evidence);
            pair.check();
            let copy: ExecutionState =
                codec::decode(&codec::encode(&pair.state), usize::MAX).unwrap();
            prop_assert_eq!(&copy, &pair.state);
        }
    }

    /// How transactions are divided into blocks changes no cell, so it changes no digest.
    #[test]
    fn block_boundaries_do_not_matter(seed in any::<u64>(), size in 0usize..30, cut in 0usize..30) {
        let seed = Seed::from_number(seed);
        // No coins and no energy: both remember the height.
        let mut workload = Workload::unsigned(seed, Mix::Assets, 4);
        let mut plain = Plain::new(&workload.genesis(1_000));
        let mut transactions = Vec::new();
        for _ in 0..size {
            let mut transaction = workload.transaction(&plain);
            transaction.body.valid_until = Height::new(100);
            plain.transact(&transaction);
            transactions.push(transaction);
        }
        let genesis = workload.genesis(1_000);
        let (first, second) = transactions.split_at(cut.min(size));
        let mut apart = ExecutionState::new(&genesis);
        apart.execute(&block(1, first.to_vec(), vec![]));
        apart.execute(&block(2, second.to_vec(), vec![]));
        let mut together = ExecutionState::new(&genesis);
        together.execute(&block(1, transactions, vec![]));
        prop_assert_eq!(apart.digest(), together.digest());
        prop_assert_eq!(apart.supply(), together.supply());
    }
}

/// The last nonce is never used, by either.
#[test]
fn last_nonce_is_never_used() {
    let mut workload = Workload::unsigned(Seed::from_number(1), Mix::Transfers, 2);
    let mut plain = Plain::new(&workload.genesis(10));
    let transaction = workload.transaction(&plain);
    let who = transaction.body.payer.address();
    plain.nonces.insert(who, u64::MAX);
    let mut last = transaction;
    last.body.payer = Payer::Account { address: who, nonce: u64::MAX };
    assert_eq!(plain.transact(&last), Outcome::Skipped(Skip::NonceExhausted));
}

/// Fees are kept, and what is burned is counted, in cells that no transaction touches.
#[test]
fn totals_lie_in_system_cells() {
    let mut workload = Workload::unsigned(Seed::from_number(1), Mix::Transfers, 8);
    let mut pair = Pair::new(&workload, 1_000, Scheduler::Sequential);
    pair.block(&mut workload, 50, vec![]);
    let fees = pair.state.cell(&CellPath::system(&SystemKey::Fees));
    assert_eq!(fees, Some(&Cell::System(System::Fees(narrow(pair.plain.fees)))));
}
