//! One fact at a time about what each kind does, and the mistakes that other ledgers have made.

use super::*;
use crate::{
    codec::Bounded,
    crypto::Signature,
    execution::{
        Account, ExecutedBlock, ExecutionState, Executor, Options, Outcome, Scheduler,
        access::{Access, Prepared},
        cell::{Cell, Coin, Object},
        energy::{ENERGY_WINDOW, UNFREEZE_DELAY, UNFREEZES_MAX},
        fixtures::{CHAIN, address, block, genesis, key, signed, transfer},
    },
    random::Seed,
    transaction::{
        Amount, Asset, AssetId, Authority, Burn, CoinId, CoinOutput, Coins, EnergyAction, FeeMode,
        Issue, Mint, MultiSigAction, ObjectAction, ObjectId, ObjectOwner, Objects, Output,
        OwnedInput, Payer, SharedInput, Signers, Transaction, TransactionBody,
        TransactionSignature,
    },
    types::Height,
};

/// Accounts 0 to 3 with 1,000 tokens each, and blocks of one fate per transaction.
struct World {
    state: ExecutionState,
}

impl World {
    fn new() -> Self {
        Self { state: ExecutionState::new(&genesis(&[1_000; 4], &[10])) }
    }

    fn execute(&mut self, transactions: Vec<Transaction>) -> ExecutedBlock {
        let height = self.state.height().next().get();
        self.state.execute(&block(height, transactions, vec![]))
    }

    fn run(&mut self, transactions: Vec<Transaction>) -> Vec<String> {
        self.execute(transactions).outcomes.iter().map(|(_, fate)| fate.to_string()).collect()
    }

    /// Empty blocks.
    fn wait(&mut self, blocks: u64) {
        for _ in 0..blocks {
            self.execute(vec![]);
        }
    }

    fn held(&self, account: u8, asset: Asset) -> u64 {
        match self.state.cell(&CellPath::balance(&address(account), &asset)) {
            Some(cell) => cell.holding().expect("accounts and balances hold something").amount,
            None => 0,
        }
    }

    fn coin(&self, id: &CoinId) -> Option<&Coin> {
        self.state.cell(&CellPath::coin(id)).map(|cell| match cell {
            Cell::Coin(coin) => coin,
            other => panic!("{other:?} is no coin"),
        })
    }

    fn object(&self, id: &ObjectId) -> Option<&Object> {
        self.state.cell(&CellPath::object(id)).map(|cell| match cell {
            Cell::Object(object) => object,
            other => panic!("{other:?} is no object"),
        })
    }
}

fn body(payer: u8, nonce: u64, kind: TransactionKind) -> TransactionBody {
    TransactionBody::new(CHAIN, address(payer), nonce, 1, Height::new(u64::MAX), kind)
}

fn of(payer: u8, nonce: u64, kind: TransactionKind) -> Transaction {
    signed(body(payer, nonce, kind), payer)
}

/// Signed by the keys of several accounts, in the order of the keys.
fn signed_by(mut body: TransactionBody, signers: &[u8]) -> Transaction {
    body.authority = Authority::MultiSig;
    let one = |signer: &u8| TransactionSignature {
        key: key(*signer),
        signature: Signature::new([*signer; 64]),
    };
    let signatures = Bounded::new(signers.iter().map(one).collect());
    Transaction { body, signatures }
}

fn create(cap: u64, amount: u64) -> TransactionKind {
    TransactionKind::Issue(Issue::Create { decimals: 2, cap, amount })
}

fn mint(asset: AssetId, to: u8, amount: u64) -> TransactionKind {
    let mints = Bounded::new(vec![Mint { to: address(to), amount }]);
    TransactionKind::Issue(Issue::Mint { asset, mints })
}

fn send(asset: Asset, to: u8, amount: u64) -> TransactionKind {
    TransactionKind::transfer(vec![Output { to: address(to), asset, amount }])
}

fn burn(asset: Asset, amount: u64) -> TransactionKind {
    TransactionKind::Burn(Burn { burned: Amount { asset, amount } })
}

fn energy(action: EnergyAction) -> TransactionKind {
    TransactionKind::Energy(action)
}

fn set_signers(threshold: u8, keys: &[u8]) -> TransactionKind {
    let keys = Bounded::new(keys.iter().map(|number| key(*number)).collect());
    TransactionKind::MultiSig(MultiSigAction::Set(Signers { threshold, keys }))
}

fn native(amount: u64) -> Amount {
    Amount { asset: Asset::Native, amount }
}

fn coins(
    inputs: &[CoinId],
    funds: &[Amount],
    outputs: &[(u8, u64)],
    credits: &[(u8, u64)],
) -> TransactionKind {
    let output = |(owner, amount): &(u8, u64)| CoinOutput {
        owner: address(*owner),
        amount: native(*amount),
    };
    let credit = |(to, amount): &(u8, u64)| Output::native(address(*to), *amount);
    TransactionKind::Coins(Coins {
        inputs: Bounded::new(inputs.to_vec()),
        funds: Bounded::new(funds.to_vec()),
        outputs: Bounded::new(outputs.iter().map(output).collect()),
        credits: Bounded::new(credits.iter().map(credit).collect()),
    })
}

fn objects(
    owned: &[OwnedInput],
    shared: &[SharedInput],
    actions: Vec<ObjectAction>,
) -> TransactionKind {
    TransactionKind::Objects(Objects {
        owned: Bounded::new(owned.to_vec()),
        shared: Bounded::new(shared.to_vec()),
        actions: Bounded::new(actions),
    })
}

fn object(owner: u8, held: u64) -> ObjectAction {
    ObjectAction::Create { owner: address(owner), held, data: Bounded::new(vec![1]) }
}

fn first_coin(transaction: &Transaction) -> CoinId {
    CoinId { transaction: transaction.id(), index: 0 }
}

fn first_object(transaction: &Transaction) -> ObjectId {
    ObjectId { transaction: transaction.id(), index: 0 }
}

const APPLIED: &str = "applied";

#[test]
fn asset_is_issued_up_to_its_cap_by_its_issuer_only() {
    let mut world = World::new();
    let creation = of(0, 0, create(100, 60));
    let asset = AssetId::of_transaction(creation.id());
    let fates = world.run(vec![
        creation,
        of(1, 0, mint(asset, 1, 5)),
        of(0, 1, mint(asset, 1, 41)),
        of(0, 2, mint(asset, 1, 40)),
        of(0, 3, mint(asset, 1, u64::MAX)),
        of(0, 4, mint(AssetId::of_transaction(crate::types::Digest::ZERO), 1, 1)),
        of(0, 5, send(Asset::Issued(asset), 2, 60)),
        of(0, 6, send(Asset::Issued(asset), 2, 1)),
        of(2, 0, burn(Asset::Issued(asset), 50)),
        of(2, 1, burn(Asset::Native, 7)),
        of(0, 7, mint(asset, 1, 1)),
    ]);
    assert_eq!(
        fates,
        [
            APPLIED,
            "failed: not-issuer",
            "failed: above-asset-cap",
            APPLIED,
            "failed: above-asset-cap",
            "failed: unknown-asset",
            APPLIED,
            "failed: insufficient-balance",
            APPLIED,
            APPLIED,
            "failed: above-asset-cap",
        ],
        "what was burned may not be issued again"
    );
    let asset = Asset::Issued(asset);
    let held = [0, 1, 2].map(|account| world.held(account, asset));
    assert_eq!(held, [0, 40, 10]);
    assert_eq!(world.state.supply().burned, 7);
    let supply = *world.state.asset_supplies().first_key_value().expect("one asset").1;
    assert_eq!((supply.issued, supply.burned, supply.balances), (100, 50, 50));
}

#[test]
fn energy_pays_fees_until_it_is_used_and_comes_back() {
    let mut world = World::new();
    let by_energy = |nonce, fee| {
        let mut body = body(0, nonce, send(Asset::Native, 1, 1));
        (body.fee_mode, body.fee) = (FeeMode::Energy, fee);
        signed(body, 0)
    };
    let fates = world.run(vec![
        by_energy(0, 1),
        of(0, 0, energy(EnergyAction::Freeze { amount: 100 })),
        by_energy(1, 100),
        by_energy(2, 1),
    ]);
    assert_eq!(fates, ["skipped: no-energy", APPLIED, APPLIED, "skipped: no-energy"]);
    assert_eq!(world.held(0, Asset::Native), 1_000 - 1 - 100 - 1, "one native fee");
    assert_eq!(world.state.supply().frozen, 100);
    world.wait(ENERGY_WINDOW / 100 - 1);
    assert_eq!(world.run(vec![by_energy(2, 2), by_energy(2, 1)]), ["skipped: no-energy", APPLIED]);
}

#[test]
fn frozen_tokens_come_back_after_the_delay() {
    let mut world = World::new();
    let withdraw = |nonce| of(0, nonce, energy(EnergyAction::Withdraw));
    let unfreeze = |nonce, amount| of(0, nonce, energy(EnergyAction::Unfreeze { amount }));
    let mut first = vec![of(0, 0, energy(EnergyAction::Freeze { amount: 100 })), unfreeze(1, 101)];
    let most = u64::try_from(UNFREEZES_MAX).expect("a few");
    first.extend((2..2 + most).map(|nonce| unfreeze(nonce, 10)));
    first.extend([unfreeze(2 + most, 10), withdraw(3 + most)]);
    let fates = world.run(first);
    assert_eq!(fates[..2], [APPLIED, "failed: not-frozen"]);
    assert!(fates[2..10].iter().all(|fate| fate == APPLIED));
    assert_eq!(fates[10..], ["failed: too-many-unfreezing", "failed: nothing-to-withdraw"]);
    world.wait(UNFREEZE_DELAY - 2);
    assert_eq!(world.run(vec![withdraw(4 + most)]), ["failed: nothing-to-withdraw"]);
    assert_eq!(world.run(vec![withdraw(5 + most), unfreeze(6 + most, 20)]), [APPLIED, APPLIED]);
    assert_eq!(world.state.supply().frozen, 20);
    world.wait(UNFREEZE_DELAY - 1);
    assert_eq!(world.run(vec![withdraw(7 + most)]), [APPLIED]);
    assert_eq!(world.held(0, Asset::Native), 1_000 - (8 + most));
    assert_eq!(world.state.cell(&CellPath::energy(&address(0))), None, "nothing is left behind");
}

#[test]
fn signers_take_over_within_the_block_and_exactly_enough_sign() {
    let mut world = World::new();
    let pay = |nonce| body(0, nonce, send(Asset::Native, 1, 1));
    let fates = world.run(vec![
        signed_by(pay(0), &[1, 2]),
        of(0, 0, set_signers(2, &[1, 2, 3])),
        signed(pay(1), 0),
        signed_by(pay(1), &[1]),
        signed_by(pay(1), &[1, 2, 3]),
        signed_by(pay(1), &[2, 1]),
        signed_by(pay(1), &[1, 1]),
        signed_by(pay(1), &[0, 1]),
        signed_by(pay(1), &[1, 3]),
        signed_by(body(0, 2, TransactionKind::MultiSig(MultiSigAction::Clear)), &[1, 2]),
        signed_by(pay(3), &[1, 2]),
        signed(pay(3), 0),
        of(0, 4, TransactionKind::MultiSig(MultiSigAction::Clear)),
        of(0, 5, set_signers(3, &[1, 2])),
        of(0, 6, set_signers(1, &[2, 1])),
    ]);
    assert_eq!(
        fates,
        [
            "skipped: not-multisig",
            APPLIED,
            "skipped: needs-multisig",
            "skipped: wrong-keys",
            "skipped: wrong-keys",
            "skipped: wrong-keys",
            "skipped: wrong-keys",
            "skipped: wrong-keys",
            APPLIED,
            APPLIED,
            "skipped: not-multisig",
            APPLIED,
            "failed: no-signers",
            "failed: bad-threshold",
            "failed: not-ascending",
        ]
    );
}

/// TOS had a path on which anybody could take an account over for nothing: state changed before the
/// signatures were looked at.
#[test]
fn nobody_takes_over_an_account_or_spoils_its_nonce() {
    let mut world = World::new();
    let before = world.state.digest();
    let fates = world.run(vec![
        signed(body(0, 0, set_signers(1, &[1])), 1),
        signed_by(body(0, 0, set_signers(1, &[1])), &[1]),
        signed(body(0, 0, send(Asset::Native, 1, 1)), 1),
    ]);
    assert_eq!(fates, ["skipped: wrong-keys", "skipped: not-multisig", "skipped: wrong-keys"]);
    assert_eq!(world.state.digest(), before, "nothing was touched");
    assert_eq!(world.run(vec![of(0, 0, send(Asset::Native, 1, 1))]), [APPLIED]);
}

#[test]
fn coin_is_made_and_spent_within_the_block_but_once() {
    let mut world = World::new();
    let funded = of(0, 0, coins(&[], &[native(100)], &[(1, 100)], &[]));
    let coin = first_coin(&funded);
    let mut spent = body(1, 0, coins(&[coin], &[], &[(2, 60)], &[(3, 39)]));
    spent.payer = Payer::Coins { owner: address(1) };
    let spent = signed(spent, 1);
    let twice = of(1, 0, coins(&[coin], &[], &[(1, 100)], &[]));
    let stolen = of(0, 1, coins(&[first_coin(&spent)], &[], &[(0, 60)], &[]));
    let fates = world.run(vec![funded, spent.clone(), twice, stolen, spent.clone()]);
    assert_eq!(
        fates,
        [APPLIED, APPLIED, "failed: missing-coin", "failed: not-owner", "skipped: missing-coin",]
    );
    assert_eq!(world.coin(&coin), None);
    let left = world.coin(&first_coin(&spent)).expect("one coin is left");
    assert_eq!((left.owner, left.amount), (address(2), native(60)));
    assert_eq!(world.held(3, Asset::Native), 1_039);
    assert_eq!(world.state.supply().coins, 60);
}

#[test]
fn coins_go_out_as_they_come_in() {
    let mut world = World::new();
    let funded = of(0, 0, coins(&[], &[native(100)], &[(0, 50), (0, 50)], &[]));
    let [a, b] = [0, 1].map(|index| CoinId { transaction: funded.id(), index });
    let by_coins = |kind| {
        let mut body = body(0, 0, kind);
        body.payer = Payer::Coins { owner: address(0) };
        body
    };
    let fates = world.run(vec![
        funded,
        of(0, 1, coins(&[a], &[], &[(0, 51)], &[])),
        of(0, 2, coins(&[a, a], &[], &[(0, 100)], &[])),
        of(0, 3, coins(&[a], &[], &[(0, 50), (0, 0)], &[])),
        of(0, 4, coins(&[a], &[], &[], &[])),
        signed(by_coins(coins(&[a], &[], &[(0, 50)], &[])), 0),
        signed(by_coins(coins(&[a], &[native(1)], &[(0, 50)], &[])), 0),
        signed(by_coins(send(Asset::Native, 1, 1)), 0),
        of(0, 5, coins(&[a, b], &[native(u64::MAX)], &[(0, 50)], &[])),
    ]);
    assert_eq!(
        fates,
        [
            APPLIED,
            "failed: unbalanced",
            "failed: not-ascending",
            "failed: zero-amount",
            "failed: no-outputs",
            "skipped: unbalanced",
            "skipped: unfit-payer",
            "skipped: unfit-payer",
            "failed: amount-overflow",
        ]
    );
}

/// A coin whose owner has signers is spent with their signatures only.
#[test]
fn coins_of_an_owner_with_signers_need_them() {
    let mut world = World::new();
    let funded = of(0, 0, coins(&[], &[native(10)], &[(0, 10)], &[]));
    let coin = first_coin(&funded);
    let mut spend = body(0, 0, coins(&[coin], &[], &[(1, 9)], &[]));
    spend.payer = Payer::Coins { owner: address(0) };
    let fates = world.run(vec![
        funded,
        of(0, 1, set_signers(2, &[1, 2])),
        signed(spend.clone(), 0),
        signed_by(spend.clone(), &[1]),
        signed_by(spend, &[1, 2]),
    ]);
    assert_eq!(
        fates,
        [APPLIED, APPLIED, "skipped: needs-multisig", "skipped: wrong-keys", APPLIED]
    );
}

/// Every transaction that may change an object gives it a version that no other of its inputs had, so
/// that two uses of one version cannot both be applied.
#[test]
fn object_moves_on_from_each_version() {
    let mut world = World::new();
    let made = of(0, 0, objects(&[], &[], vec![object(0, 5)]));
    let id = first_object(&made);
    let at = |version| OwnedInput { id, version };
    let mutate = || ObjectAction::Mutate { input: 0, data: Bounded::new(vec![2]) };
    let fates = world.run(vec![
        made,
        of(0, 1, objects(&[at(1)], &[], vec![mutate()])),
        of(0, 2, objects(&[at(1)], &[], vec![mutate()])),
        of(1, 0, objects(&[at(2)], &[], vec![mutate()])),
        of(0, 3, objects(&[at(2)], &[], vec![ObjectAction::Transfer { input: 0, to: address(1) }])),
        of(0, 4, objects(&[at(3)], &[], vec![mutate()])),
        of(1, 1, objects(&[at(3)], &[], vec![ObjectAction::Delete { input: 0 }, mutate()])),
        of(1, 2, objects(&[at(3), at(3)], &[], vec![mutate()])),
        of(1, 3, objects(&[at(3)], &[], vec![ObjectAction::Share { input: 1 }])),
        of(1, 4, objects(&[at(3)], &[], vec![ObjectAction::Delete { input: 0 }])),
        of(1, 5, objects(&[at(3)], &[], vec![mutate()])),
    ]);
    assert_eq!(
        fates,
        [
            APPLIED,
            APPLIED,
            "failed: stale-version",
            "failed: not-owner",
            APPLIED,
            "failed: not-owner",
            "failed: object-gone",
            "failed: not-ascending",
            "failed: no-such-input",
            APPLIED,
            "failed: missing-object",
        ]
    );
    assert_eq!(world.object(&id), None);
    assert_eq!(world.held(1, Asset::Native), 1_000 + 5 - 6, "what the object held");
    assert_eq!(world.state.supply().objects, 0);
}

/// MystenLabs/sui#12623: readers of a shared object that was deleted disagreed about what they had
/// read. Here each reader has its place before or after the deletion, under every scheduler.
#[test]
fn readers_of_a_deleted_shared_object_keep_their_order() {
    let made = of(0, 0, objects(&[], &[], vec![object(0, 5)]));
    let id = first_object(&made);
    let share = ObjectAction::Share { input: 0 };
    let shared = of(0, 1, objects(&[OwnedInput { id, version: 1 }], &[], vec![share]));
    let read = |who| {
        let input = SharedInput { id, is_written: false };
        of(who, 0, objects(&[], &[input], vec![object(who, 0)]))
    };
    let written = SharedInput { id, is_written: true };
    let delete = vec![ObjectAction::Delete { input: 0 }];
    let transactions =
        vec![made, shared, read(1), of(0, 2, objects(&[], &[written], delete)), read(2), read(3)];
    let mut expected = None;
    for seed in 0..50 {
        let scheduler = match seed {
            0 => Scheduler::Sequential,
            1 => Scheduler::Waves,
            seed => Scheduler::Shuffled(Seed::from_number(seed)),
        };
        let mut world = World::new();
        let options = Options { scheduler, transactions_min: 0, weight_min: 0, test_mode: false };
        let block = block(1, transactions.clone(), vec![]);
        let done = world.state.execute_on(&block, &mut Executor::inline(options));
        let fates: Vec<String> =
            done.outcomes.iter().map(|(_, outcome)| outcome.to_string()).collect();
        let gone = "failed: missing-object";
        assert_eq!(fates, [APPLIED, APPLIED, APPLIED, APPLIED, gone, gone]);
        assert_eq!(*expected.get_or_insert(done.state), done.state, "{scheduler:?}");
    }
}

#[test]
fn shared_and_frozen_objects_are_for_everybody() {
    let mut world = World::new();
    let made = of(0, 0, objects(&[], &[], vec![object(0, 5), object(0, 0)]));
    let [a, b] = [0, 1].map(|index| ObjectId { transaction: made.id(), index });
    let own = |id, version| OwnedInput { id, version };
    let all = |id, is_written| SharedInput { id, is_written };
    let mutate = |input| ObjectAction::Mutate { input, data: Bounded::new(vec![9]) };
    let fates = world.run(vec![
        made,
        of(0, 1, objects(&[own(a, 1)], &[], vec![ObjectAction::Share { input: 0 }])),
        of(0, 2, objects(&[own(b, 1)], &[], vec![ObjectAction::Freeze { input: 0 }])),
        of(1, 0, objects(&[], &[all(a, true)], vec![mutate(0)])),
        of(1, 1, objects(&[], &[all(a, false)], vec![mutate(0)])),
        of(1, 2, objects(&[], &[all(a, true)], vec![ObjectAction::Delete { input: 0 }])),
        of(1, 3, objects(&[], &[all(b, true)], vec![mutate(0)])),
        of(1, 4, objects(&[], &[all(b, false)], vec![object(1, 0)])),
        of(1, 5, objects(&[own(a, 3)], &[], vec![mutate(0)])),
        of(0, 3, objects(&[], &[all(a, true)], vec![ObjectAction::Freeze { input: 0 }])),
        of(0, 4, objects(&[], &[all(a, true)], vec![ObjectAction::Delete { input: 0 }])),
        of(0, 5, objects(&[], &[], vec![])),
        of(0, 6, objects(&[], &[], vec![object(0, u64::MAX)])),
        of(0, 7, objects(&[], &[], vec![object(0, u64::MAX - 1)])),
    ]);
    assert_eq!(
        fates,
        [
            APPLIED,
            APPLIED,
            APPLIED,
            APPLIED,
            "failed: read-only-input",
            "failed: not-owner",
            "failed: frozen-object",
            APPLIED,
            "failed: not-owner",
            APPLIED,
            "failed: frozen-object",
            "failed: no-outputs",
            "failed: amount-overflow",
            "failed: insufficient-balance",
        ]
    );
    assert_eq!(world.object(&a).map(|object| object.owner), Some(ObjectOwner::Frozen));
    assert_eq!(world.state.supply().objects, 5, "locked for ever");
}

/// 0xPolygon/bor#889 and #1846: what a reverted transaction still changes belongs to what it touches.
/// bluealloy/revm#2803: and the nonce is used up even if it fails early.
#[test]
fn failed_transaction_keeps_its_nonce_and_fee_and_orders_what_follows() {
    let failing = transfer(0, 0, 10, &[(1, 5_000)]);
    let prepared = Prepared::new(&failing);
    let payer = CellPath::account(&address(0));
    assert_eq!(prepared.access.access(&payer), Some(Access::Write));
    let mut world = World::new();
    let options = Options {
        scheduler: Scheduler::Waves,
        transactions_min: 0,
        weight_min: 0,
        test_mode: true,
    };
    let mut executor = Executor::inline(options);
    let both = vec![failing, transfer(0, 1, 10, &[(1, 980)]), transfer(0, 2, 1, &[])];
    let done = world.state.execute_on(&block(1, both, vec![]), &mut executor);
    let fates: Vec<Outcome> = done.outcomes.iter().map(|(_, outcome)| *outcome).collect();
    assert_eq!(fates[0], Outcome::Failed(Failure::InsufficientBalance));
    assert_eq!(fates[1], Outcome::Applied);
    assert_eq!(fates[2], Outcome::Skipped(crate::execution::Skip::CannotPay));
    let left = Account { nonce: 2, ..Account::with_balance(0) };
    assert_eq!(world.state.account(&address(0)), left);
    assert_eq!(executor.totals().mismatches, 0);
}

/// Galxe/gravity-reth#388 and grevm#110, #111: a transaction that cannot run is no error of its block.
#[test]
fn block_of_nothing_but_invalid_transactions_is_executed() {
    let mut world = World::new();
    let mut other_chain = body(0, 0, send(Asset::Native, 1, 1));
    other_chain.chain_id = crate::types::ChainId::new(8);
    let mut old = body(0, 0, send(Asset::Native, 1, 1));
    old.valid_until = Height::ZERO;
    let fates = world.run(vec![
        signed(other_chain, 0),
        signed(old, 0),
        of(0, 7, send(Asset::Native, 1, 1)),
        transfer(0, 0, 1_001, &[(1, 1)]),
        transfer(9, 0, 1, &[(1, 1)]),
    ]);
    assert_eq!(
        fates,
        [
            "skipped: wrong-chain",
            "skipped: expired",
            "skipped: nonce-gap",
            "skipped: cannot-pay",
            "skipped: cannot-pay",
        ]
    );
    assert_eq!(world.state.height(), Height::new(1));
}

/// metis-sdk#208 and erigon#23206: a cell made, removed and made again within a block was another one
/// when executed in parallel.
#[test]
fn signers_set_cleared_and_set_again_in_a_block_are_the_last() {
    let clear = || TransactionKind::MultiSig(MultiSigAction::Clear);
    let transactions = vec![
        of(0, 0, set_signers(1, &[1, 2])),
        signed_by(body(0, 1, clear()), &[2]),
        of(0, 2, set_signers(2, &[2, 3])),
        signed_by(body(0, 3, send(Asset::Native, 1, 1)), &[2, 3]),
    ];
    for seed in 0..20 {
        let mut world = World::new();
        let options = Options {
            scheduler: Scheduler::Shuffled(Seed::from_number(seed)),
            transactions_min: 0,
            weight_min: 0,
            test_mode: false,
        };
        let block = block(1, transactions.clone(), vec![]);
        let done = world.state.execute_on(&block, &mut Executor::inline(options));
        assert!(done.outcomes.iter().all(|(_, outcome)| *outcome == Outcome::Applied));
        let signers = world.state.cell(&CellPath::multisig(&address(0)));
        let expected = Signers { threshold: 2, keys: Bounded::new(vec![key(2), key(3)]) };
        assert_eq!(signers, Some(&Cell::MultiSig(expected)));
    }
}

/// bitcoin#34864 and #30673: a coin made and spent within one block must leave no trace below.
#[test]
fn coin_made_and_spent_in_a_block_leaves_no_trace() {
    let mut world = World::new();
    let funded = of(0, 0, coins(&[], &[native(100)], &[(0, 100)], &[]));
    let coin = first_coin(&funded);
    let spent = of(0, 1, coins(&[coin], &[], &[], &[(0, 100)]));
    let cells = world.state.all_cells().count();
    assert_eq!(world.run(vec![funded, spent]), [APPLIED, APPLIED]);
    assert_eq!(world.state.all_cells().count(), cells + 1, "only the fees are new");
}

/// A credit never fails and never depends on what else happens to the receiver in the block.
#[test]
fn credits_do_not_order_transactions() {
    let receiver = CellPath::account(&address(9));
    let to_receiver = |payer| {
        let access = Prepared::new(&transfer(payer, 0, 1, &[(9, 1)])).access;
        access.access(&receiver).expect("it is declared")
    };
    assert!(!to_receiver(0).conflicts(to_receiver(1)));
}

/// What each kind declares, by how it uses the cells.
#[test]
fn access_sets_are_as_documented() {
    let id = crate::types::Digest::ZERO;
    let asset = AssetId::of_transaction(id);
    let count = |transaction: &Transaction| {
        let access = Prepared::new(transaction).access;
        let of = |wanted| access.entries().iter().filter(|(_, access)| *access == wanted).count();
        (of(Access::Read), of(Access::Write), of(Access::Add))
    };
    let coin = |index| CoinId { transaction: id, index };
    let thing = |index| ObjectId { transaction: id, index };
    assert_eq!(count(&of(0, 0, send(Asset::Native, 1, 1))), (0, 1, 1));
    assert_eq!(count(&of(0, 0, send(Asset::Native, 0, 1))), (0, 1, 0));
    assert_eq!(count(&of(0, 0, send(Asset::Issued(asset), 1, 1))), (0, 2, 1));
    assert_eq!(count(&of(0, 0, create(5, 5))), (0, 2, 1));
    assert_eq!(count(&of(0, 0, mint(asset, 1, 1))), (0, 2, 1));
    assert_eq!(count(&of(0, 0, burn(Asset::Native, 1))), (0, 1, 0));
    assert_eq!(count(&of(0, 0, burn(Asset::Issued(asset), 1))), (0, 2, 1));
    assert_eq!(count(&of(0, 0, energy(EnergyAction::Withdraw))), (0, 2, 0));
    assert_eq!(count(&of(0, 0, set_signers(1, &[1]))), (0, 2, 0));
    let spending = coins(&[coin(0)], &[native(1)], &[(1, 1)], &[(2, 1)]);
    assert_eq!(count(&of(0, 0, spending.clone())), (0, 3, 1));
    let mut by_coins = body(0, 0, spending);
    by_coins.payer = Payer::Coins { owner: address(0) };
    assert_eq!(count(&signed(by_coins, 0)), (1, 2, 1));
    let inputs = (OwnedInput { id: thing(0), version: 1 }, thing(1), thing(2));
    let shared = [(inputs.1, false), (inputs.2, true)]
        .map(|(id, is_written)| SharedInput { id, is_written });
    let using = objects(&[inputs.0], &shared, vec![object(0, 1)]);
    assert_eq!(count(&of(0, 0, using)), (1, 4, 0));
    let mut with_all = body(0, 0, send(Asset::Native, 1, 1));
    with_all.fee_mode = FeeMode::Energy;
    assert_eq!(count(&signed_by(with_all, &[1])), (1, 2, 1));
}
