//! The pool under random use: its indices always agree with its queues, it never exceeds its bounds,
//! eviction never leaves a gap, and every transaction of every block it fills is one that execution
//! applies.

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;

use super::*;
use crate::{
    block::Block,
    codec::{self, Bounded},
    compact::sealed_id,
    execution::{
        ExecutionState,
        fixtures::{address, block, body, genesis, key as key_of, signed, transfer},
    },
    mempool::limits::Room,
    random::Seed,
    transaction::{
        Amount, Asset, Authority, CoinId, CoinOutput, Coins, FeeMode, MultiSigAction, Signers,
        TransactionBody, TransactionKind, TransactionSignature,
    },
};
use queue::place;

const PAYERS: u8 = 4;

pub(super) fn limits() -> Limits {
    Limits {
        bytes_max: 4_000,
        transactions_max: 12,
        payer_transactions_max: 6,
        nonce_window: 8,
        parked_max: 4,
        age_max: 1_000,
        transaction_bytes_max: 1_000,
        accounts_max: 100,
        recent_max: 10,
        unchecked_source_bytes_max: 10_000,
        unchecked_bytes_max: 10_000,
        peer_bytes_per_second: 10_000,
        peer_bytes_burst: 10_000,
    }
}

fn key() -> MapKey {
    MapKey::of(&Seed::from_number(1))
}

pub(super) fn pool(limits: Limits, executed: u64) -> Pool {
    Pool::new(limits, Height::new(executed), key())
}

const ROOM: Room = Room { height: Height::new(1), bytes_max: 1 << 20, transactions_max: 10_000 };

pub(super) fn admit(pool: &mut Pool, tx: Transaction) -> Result<Vec<Dropped>, Refusal> {
    let id = tx.id();
    pool.admit(id, sealed_id(&id, &tx.signatures), tx)
}

/// Payer, nonce and fee of what is held, in order.
fn held(pool: &Pool) -> Vec<(Address, u64, u64)> {
    let queue = |(payer, queue): (&Address, &Queue)| {
        let one = |(nonce, slot): (&u64, &Slot)| {
            (*payer, *nonce, pool.slots.at(*slot).transaction.body.fee)
        };
        queue.by_nonce.iter().map(one).collect::<Vec<_>>()
    };
    pool.queues.iter().flat_map(queue).collect()
}

/// Payers and nonces in the order a block takes them.
fn selected<'a>(
    pool: &Pool,
    ancestors: impl IntoIterator<Item = &'a Arc<Block>>,
    room: Room,
) -> Vec<(u8, u64)> {
    let number = |who: Address| (0..=255).find(|one| address(*one) == who).expect("a test account");
    let taken = pool.select(ancestors, room);
    taken
        .iter()
        .map(|held| place(&held.transaction))
        .map(|(payer, nonce)| (number(payer), nonce))
        .collect()
}

pub(super) fn selected_whole<'a>(
    pool: &Pool,
    ancestors: impl IntoIterator<Item = &'a Arc<Block>>,
    room: Room,
) -> Vec<Transaction> {
    pool.select(ancestors, room).into_iter().map(|held| held.transaction.clone()).collect()
}

/// Works every index out from what is held.
pub(super) fn check_consistent(pool: &Pool) {
    let mut again = Pool { limits: pool.limits, ..self::pool(pool.limits, 0) };
    again.executed = pool.executed;
    again.accounts = pool.accounts.clone();
    again.slots = pool.slots.clone();
    for held in pool.all() {
        let tx = &held.transaction;
        assert_eq!((held.id, held.bytes), (tx.id(), tx.encoded_len()));
        assert_eq!(pool.held(&held.id), Some(held));
        again.link(pool.ids.find(&held.id).expect("it is held"));
    }
    assert_eq!((&again.heads, &again.tails), (&pool.heads, &pool.tails));
    assert_eq!(again.spends, pool.spends);
    assert_eq!((again.bytes, again.len()), (pool.bytes, pool.len()));
    let reserved = |pool: &Pool| -> Vec<(Address, u128)> {
        pool.queues.iter().map(|(payer, queue)| (*payer, queue.reserved)).collect()
    };
    assert_eq!(reserved(&again), reserved(pool));
    for (payer, queue) in &pool.queues {
        let is_change = |slot: &Slot| changes_signers(&pool.slots.at(*slot).transaction);
        let changes = queue.by_nonce.iter().filter(|(_, slot)| is_change(slot));
        assert!(changes.map(|(nonce, _)| nonce).eq(&queue.changes), "{:?}", queue.changes);
        for (nonce, slot) in &queue.by_nonce {
            let fits = pool.signing_at(payer, *nonce).check(&pool.slots.at(*slot).transaction);
            assert_eq!(fits, Ok(()), "nonce {nonce} of {payer:?}");
        }
    }
    for (payer, reserved) in reserved(pool) {
        let balance = pool.accounts.balance(&payer).map(u128::from);
        assert!(balance.is_none_or(|owned| reserved <= owned), "{payer:?} reserves {reserved}");
    }
    pool.check_bounds();
}

/// Signed by several keys, ascending, of bytes that nobody checks.
pub(super) fn by_several(mut body: TransactionBody, signers: &[u8]) -> Transaction {
    body.authority = Authority::MultiSig;
    let sign = |signer: &u8| {
        let mut one = signed(body.clone(), *signer).signatures.into_inner();
        one.pop().expect("one signature")
    };
    let signatures: Vec<TransactionSignature> = signers.iter().map(sign).collect();
    Transaction { body, signatures: Bounded::new(signatures) }
}

/// The account has these signers, all of whom must sign; with none, its own key alone.
pub(super) fn change(payer: u8, nonce: u64, fee: u64, signers: &[u8]) -> TransactionBody {
    let keys = signers.iter().map(|one| key_of(*one)).collect();
    let threshold = u8::try_from(signers.len()).expect("few signers");
    let action = match threshold {
        0 => MultiSigAction::Clear,
        _ => MultiSigAction::Set(Signers { threshold, keys: Bounded::new(keys) }),
    };
    TransactionBody { kind: TransactionKind::MultiSig(action), ..body(payer, nonce, fee, &[]) }
}

fn coins(inputs: &[CoinId], funds: u64, parts: &[(u8, u64)]) -> TransactionKind {
    let native = |amount| Amount { asset: Asset::Native, amount };
    let part = |(owner, amount): &(u8, u64)| CoinOutput {
        owner: address(*owner),
        amount: native(*amount),
    };
    TransactionKind::Coins(Coins {
        inputs: Bounded::new(inputs.to_vec()),
        funds: Bounded::new(if funds > 0 { vec![native(funds)] } else { vec![] }),
        outputs: Bounded::new(parts.iter().map(part).collect()),
        credits: Bounded::default(),
    })
}

/// An account turns tokens into coins.
pub(super) fn fund(payer: u8, nonce: u64, fee: u64, parts: &[(u8, u64)]) -> TransactionBody {
    let funds = parts.iter().map(|(_, amount)| amount).sum();
    TransactionBody { kind: coins(&[], funds, parts), ..body(payer, nonce, fee, &[]) }
}

/// Coins pay for becoming others.
pub(super) fn spend(
    owner: u8,
    inputs: &[CoinId],
    fee: u64,
    parts: &[(u8, u64)],
) -> TransactionBody {
    let payer = Payer::Coins { owner: address(owner) };
    TransactionBody { payer, kind: coins(inputs, 0, parts), ..body(owner, 0, fee, &[]) }
}

pub(super) fn coin(maker: &Transaction, index: u32) -> CoinId {
    CoinId { transaction: maker.id(), index }
}

#[derive(Clone, Debug)]
enum Step {
    Admit {
        payer: u8,
        nonce: u64,
        fee: u64,
        outputs: usize,
        lifetime: u64,
    },
    /// A block above everything not executed yet.
    Build {
        bytes_max: u32,
        transactions_max: u32,
    },
    /// The lowest block not executed yet becomes final.
    Execute,
    /// The highest block not executed yet is given up, because another branch won.
    Abandon,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let fee = prop_oneof![Just(0u64), 1..40u64, 1_000..1_200u64, 1_000_000..1_000_010u64];
    let admit =
        (0..PAYERS, 0u64..10, fee, 1usize..8, prop_oneof![4 => Just(1_000u64), 1 => 0..6u64])
            .prop_map(|(payer, nonce, fee, outputs, lifetime)| Step::Admit {
                payer,
                nonce,
                fee,
                outputs,
                lifetime,
            });
    let room = (prop_oneof![Just(100_000u32), 0..2_000u32], prop_oneof![Just(100u32), 0..5u32]);
    let build =
        room.prop_map(|(bytes_max, transactions_max)| Step::Build { bytes_max, transactions_max });
    let step =
        prop_oneof![10 => admit, 2 => build, 2 => Just(Step::Execute), 1 => Just(Step::Abandon)];
    proptest::collection::vec(step, 1..80)
}

struct World {
    pool: Pool,
    state: ExecutionState,
    above: Vec<Arc<Block>>,
    /// Whether the pool remembers every payer.
    remembers: bool,
}

impl World {
    fn new(accounts_max: u64) -> Self {
        Self {
            pool: pool(Limits { accounts_max, ..limits() }, 0),
            state: ExecutionState::new(&genesis(&[1 << 40; 4], &[1])),
            above: Vec::new(),
            remembers: accounts_max >= u64::from(PAYERS),
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Admit { payer, nonce, fee, outputs, lifetime } => {
                let mut body = body(payer, nonce, fee, &vec![(9, 1); outputs]);
                body.valid_until = self.state.height().plus(lifetime);
                self.admit(signed(body, payer));
            }
            Step::Build { bytes_max, transactions_max } => self.build(bytes_max, transactions_max),
            Step::Execute if self.above.is_empty() => {}
            Step::Execute => self.execute(),
            Step::Abandon => {
                self.above.pop();
            }
        }
        check_consistent(&self.pool);
    }

    fn admit(&mut self, tx: Transaction) {
        let before = self.pool.clone();
        let place_in =
            |pool: &Pool, id: &Digest| place(&pool.held(id).expect("it was held").transaction);
        let (id, new) = (tx.id(), place(&tx));
        match admit(&mut self.pool, tx) {
            Err(_) => assert_eq!(self.pool, before, "a refusal changes nothing"),
            Ok(dropped) => {
                assert_eq!(place_in(&self.pool, &id), new);
                for (id, reason) in dropped {
                    let (payer, nonce) = place_in(&before, &id);
                    let last = self.pool.last(&payer).map(|(last, _)| last);
                    match reason {
                        Some(Refusal::Evicted) => {
                            assert!(last.is_none_or(|last| last < nonce), "a gap at {nonce}");
                        }
                        Some(Refusal::Replaced) => assert_eq!((payer, nonce), new),
                        other => panic!("{other:?} is no reason to make room"),
                    }
                }
            }
        }
    }

    fn build(&mut self, bytes_max: u32, transactions_max: u32) {
        let above = u64::try_from(self.above.len()).expect("few blocks");
        let height = self.state.height().plus(above).next();
        let taken =
            selected_whole(&self.pool, &self.above, Room { height, bytes_max, transactions_max });
        assert!(taken.len() <= usize::try_from(transactions_max).expect("small"));
        self.check_nonces(&taken);
        let built = block(height.get(), taken, vec![]);
        let empty = 8;
        let room = bytes_max.max(4) + 4;
        let bytes = built.header().payload_len;
        assert!(bytes <= room.max(empty), "{bytes} bytes in room for {bytes_max}");
        self.above.push(built);
    }

    /// No nonce twice on the branch, and none left out; a payer whose nonce the pool had to guess may
    /// have a later one below, which execution skips.
    fn check_nonces(&self, taken: &[Transaction]) {
        let mut seen = BTreeSet::new();
        let mut next: BTreeMap<Address, u64> = BTreeMap::new();
        let above = self.above.iter().flat_map(|block| &block.payload().transactions);
        for (tx, is_new) in above.map(|tx| (tx, false)).chain(taken.iter().map(|tx| (tx, true))) {
            let (payer, nonce) = place(tx);
            assert!(seen.insert((payer, nonce)), "nonce {nonce} of {payer:?} twice");
            if is_new || self.remembers {
                let known = if self.remembers { self.state.nonce(&payer) } else { nonce };
                let expected = next.entry(payer).or_insert(known);
                assert_eq!(nonce, *expected, "a gap of {payer:?}");
                *expected += 1;
            }
        }
    }

    fn execute(&mut self) {
        let done = self.state.execute(&self.above.remove(0));
        let bad = done.outcomes.iter().find(|(_, outcome)| *outcome != Outcome::Applied);
        assert!(!self.remembers || bad.is_none(), "the pool built what failed: {bad:?}");
        self.pool.on_executed(&done);
        for (id, outcome) in &done.outcomes {
            assert!(*outcome != Outcome::Applied || !self.pool.ids.contains(id));
        }
        for (payer, nonce, _) in held(&self.pool) {
            assert!(nonce >= self.state.nonce(&payer) || self.pool.accounts.next(&payer).is_none());
        }
        let next = self.state.height().next();
        for (height, _) in &self.pool.expiries {
            assert!(*height >= next, "kept until {height} although {next} is next");
        }
    }
}

proptest! {
    #[test]
    fn stays_within_bounds_and_builds_what_applies(steps in steps()) {
        let mut world = World::new(100);
        steps.into_iter().for_each(|step| world.step(step));
        let copy: Pool = codec::decode(&codec::encode(&world.pool), 1 << 20).unwrap();
        prop_assert_eq!(copy, world.pool);
    }

    /// The same with a memory for two payers only.
    #[test]
    fn forgetting_payers_breaks_nothing(steps in steps()) {
        let mut world = World::new(2);
        steps.into_iter().for_each(|step| world.step(step));
    }
}

#[test]
fn payers_in_a_band_take_turns() {
    let mut pool = self::pool(limits(), 0);
    for nonce in 0..3 {
        admit(&mut pool, transfer(0, nonce, 120, &[(9, 1)])).unwrap();
        admit(&mut pool, transfer(1, nonce, 110, &[(9, 1)])).unwrap();
    }
    admit(&mut pool, transfer(2, 0, 400, &[(9, 1)])).unwrap();
    admit(&mut pool, transfer(2, 1, 110, &[(9, 1)])).unwrap();
    let order = selected(&pool, &[], ROOM);
    let expected = [(2, 0), (0, 0), (1, 0), (0, 1), (1, 1), (2, 1), (0, 2), (1, 2)];
    assert_eq!(order, expected);
}

#[test]
fn first_in_is_first_out_among_equals() {
    let mut pool = self::pool(limits(), 0);
    for payer in [3, 1, 2, 0] {
        admit(&mut pool, transfer(payer, 0, 5, &[(9, 1)])).unwrap();
    }
    assert_eq!(selected(&pool, &[], ROOM), [(3, 0), (1, 0), (2, 0), (0, 0)]);
}

#[test]
fn block_follows_on_its_ancestors() {
    let mut pool = self::pool(limits(), 0);
    for nonce in 0..4 {
        admit(&mut pool, transfer(0, nonce, 5, &[(9, 1)])).unwrap();
    }
    let two = vec![transfer(0, 0, 5, &[(9, 1)]), transfer(0, 1, 5, &[(9, 1)])];
    let ancestors = [block(1, two, vec![])];
    assert_eq!(selected(&pool, &ancestors, ROOM), [(0, 2), (0, 3)]);

    // The same nonce with another content is just as used.
    let other = [block(1, vec![transfer(0, 0, 9, &[(8, 1)])], vec![])];
    assert_eq!(selected(&pool, &other, ROOM), [(0, 1), (0, 2), (0, 3)]);

    // Somebody else's signature uses nothing.
    let forged = [block(1, vec![signed(body(0, 0, 5, &[(9, 1)]), 1)], vec![])];
    assert_eq!(selected(&pool, &forged, ROOM).len(), 4);
}

/// A guess put nonce 1 into an ancestor; then nonce 0 came. It is taken, and the guess not again.
#[test]
fn nonce_guessed_below_is_not_taken_again() {
    let mut pool = self::pool(limits(), 1);
    admit(&mut pool, transfer(0, 1, 5, &[(9, 1)])).unwrap();
    let ancestors = [block(2, selected_whole(&pool, &[], ROOM), vec![])];
    admit(&mut pool, transfer(0, 0, 5, &[(9, 1)])).unwrap();
    assert_eq!(selected(&pool, &ancestors, ROOM), [(0, 0)]);
}

#[test]
fn block_is_filled_to_the_byte() {
    let mut pool = self::pool(limits(), 0);
    admit(&mut pool, transfer(0, 0, 5, &[(9, 1)])).unwrap();
    admit(&mut pool, transfer(0, 1, 5, &[(9, 1)])).unwrap();
    // Four bytes of count and 214 for each transaction.
    for (bytes_max, taken) in [(0, 0), (217, 0), (218, 1), (431, 1), (432, 2)] {
        let room = Room { bytes_max, ..ROOM };
        assert_eq!(selected(&pool, &[], room).len(), taken, "{bytes_max} bytes");
    }
}

#[test]
fn gap_holds_up_only_its_payer() {
    let mut pool = self::pool(limits(), 0);
    admit(&mut pool, transfer(0, 1, 500, &[(9, 1)])).unwrap();
    assert!(!pool.has_ready());
    admit(&mut pool, transfer(1, 0, 5, &[(9, 1)])).unwrap();
    assert_eq!(selected(&pool, &[], ROOM), [(1, 0)]);
    admit(&mut pool, transfer(0, 0, 5, &[(9, 1)])).unwrap();
    assert_eq!(selected(&pool, &[], ROOM).len(), 3);
}

#[test]
fn replacement_pays_a_tenth_more() {
    let mut pool = self::pool(limits(), 0);
    let fee = |fee| transfer(0, 0, fee, &[(9, 1)]);
    admit(&mut pool, fee(0)).unwrap();
    let first = fee(0).id();
    assert_eq!(admit(&mut pool, fee(1)), Ok(vec![(first, Some(Refusal::Replaced))]));
    admit(&mut pool, fee(101)).unwrap();
    assert_eq!(admit(&mut pool, fee(101)), Err(Refusal::Duplicate));
    assert_eq!(admit(&mut pool, fee(111)), Err(Refusal::Underpriced), "101 + 10.1, rounded up");
    let fees = [112, 1_000, 2_000, 3_000, 4_000, 5_000];
    assert!(fees.into_iter().all(|one| admit(&mut pool, fee(one)).is_ok()));
    assert_eq!(admit(&mut pool, fee(9_000)), Err(Refusal::ReplacedTooOften));
    assert_eq!(pool.len(), 1);
}

#[test]
fn full_pool_gives_up_its_cheapest_tail() {
    let small = Limits { transactions_max: 3, ..limits() };
    let mut pool = self::pool(small, 0);
    let (kept, tail) = (transfer(0, 0, 1, &[(9, 1)]), transfer(0, 1, 50, &[(9, 1)]));
    admit(&mut pool, kept).unwrap();
    admit(&mut pool, tail.clone()).unwrap();
    admit(&mut pool, transfer(1, 0, 60, &[(9, 1)])).unwrap();
    let refused = admit(&mut pool, transfer(2, 0, 50, &[(9, 1)]));
    assert_eq!(refused, Err(Refusal::Full), "no tail is worth less, and only tails may go");
    let dropped = admit(&mut pool, transfer(2, 0, 55, &[(9, 1)]));
    assert_eq!(dropped, Ok(vec![(tail.id(), Some(Refusal::Evicted))]));
}

/// High fees on transactions that cannot run cost nothing, so they displace nobody.
#[test]
fn what_cannot_run_is_worth_nothing() {
    let small = Limits { transactions_max: 1, ..limits() };
    let mut pool = self::pool(small, 0);
    admit(&mut pool, transfer(0, 1, 1_000_000, &[(9, 1)])).unwrap();
    admit(&mut pool, transfer(1, 0, 1, &[(9, 1)])).unwrap();
    let refused = admit(&mut pool, transfer(0, 1, 1_000_000, &[(9, 1)]));
    assert_eq!(refused, Err(Refusal::Full));
}

#[test]
fn payer_keeps_its_lowest_nonces() {
    let mut pool = self::pool(Limits { parked_max: 8, ..limits() }, 0);
    for nonce in [1, 2, 3, 4, 5, 6] {
        admit(&mut pool, transfer(0, nonce, 5, &[(9, 1)])).unwrap();
    }
    assert_eq!(admit(&mut pool, transfer(0, 7, 500, &[(9, 1)])), Err(Refusal::PayerFull));
    let last = transfer(0, 6, 5, &[(9, 1)]).id();
    let dropped = admit(&mut pool, transfer(0, 0, 0, &[(9, 1)]));
    assert_eq!(dropped, Ok(vec![(last, Some(Refusal::Evicted))]));
    assert_eq!(admit(&mut pool, transfer(1, 8, 5, &[(9, 1)])), Err(Refusal::NonceTooFar));
    assert_eq!(admit(&mut pool, transfer(1, u64::MAX, 5, &[(9, 1)])), Err(Refusal::NonceTooFar));
}

#[test]
fn payer_that_cannot_pay_loses_what_follows() {
    let mut pool = self::pool(limits(), 0);
    let mut state = ExecutionState::new(&genesis(&[100], &[1]));
    for (nonce, fee) in [(0, 60), (1, 60), (2, 1)] {
        admit(&mut pool, transfer(0, nonce, fee, &[(9, 1)])).unwrap();
    }
    let done = state.execute(&block(1, selected_whole(&pool, &[], ROOM), vec![]));
    let dropped: Vec<_> = pool.on_executed(&done).into_iter().map(|(_, why)| why).collect();
    assert_eq!(dropped, [None, Some(Refusal::CannotPay), Some(Refusal::CannotPay)]);
    assert_eq!(pool.len(), 0);
}

/// A node that starts above the genesis knows no nonces: it tries, and the result tells.
#[test]
fn unknown_nonce_is_learned_from_a_skip() {
    let mut state = ExecutionState::new(&genesis(&[100], &[1]));
    state.execute(&block(1, vec![], vec![]));
    let mut pool = self::pool(limits(), 1);
    admit(&mut pool, transfer(0, 1, 1, &[(9, 1)])).unwrap();
    assert_eq!(selected(&pool, &[], ROOM), [(0, 1)], "a guess");
    let done = state.execute(&block(2, selected_whole(&pool, &[], ROOM), vec![]));
    assert_eq!(done.outcomes[0].1, Outcome::Skipped(Skip::NonceGap));
    assert_eq!(pool.on_executed(&done), [], "it may run later");
    assert!(!pool.has_ready());
    admit(&mut pool, transfer(0, 0, 1, &[(9, 1)])).unwrap();
    assert_eq!(selected(&pool, &[], ROOM), [(0, 0), (0, 1)]);
}

/// What cannot run yet may be a little ahead of what can, and no more.
#[test]
fn few_nonces_wait_beyond_a_gap() {
    let mut pool = self::pool(Limits { parked_max: 2, ..limits() }, 0);
    let mut arrives = |nonce| admit(&mut pool, transfer(0, nonce, 5, &[(9, 1)]));
    assert_eq!(arrives(3), Err(Refusal::NonceTooFar), "nonce 0 is the first that is missing");
    assert_eq!(arrives(2), Ok(vec![]));
    assert_eq!(arrives(0), Ok(vec![]));
    assert_eq!(arrives(4), Err(Refusal::NonceTooFar), "nonce 1 is");
    assert_eq!(arrives(1), Ok(vec![]));
    assert_eq!(arrives(5), Ok(vec![]), "nonce 3 is");
}

#[test]
fn queue_cannot_overdraw() {
    let mut pool = self::pool(limits(), 0);
    let mut state = ExecutionState::new(&genesis(&[100, 100], &[1]));
    let payment = |nonce, amount| transfer(0, nonce, 10, &[(1, amount)]);
    admit(&mut pool, payment(0, 500)).expect("nobody knows what the payer owns");
    admit(&mut pool, payment(1, 30)).unwrap();
    let done = state.execute(&block(1, vec![transfer(0, 0, 10, &[(1, 10)])], vec![]));
    assert_eq!(pool.on_executed(&done).len(), 1, "another took its nonce");

    // Eighty are left, forty of which are spoken for.
    assert_eq!(admit(&mut pool, payment(2, 31)), Err(Refusal::Overdrawn));
    admit(&mut pool, payment(2, 30)).unwrap();
    assert_eq!(admit(&mut pool, payment(3, 1)), Err(Refusal::Overdrawn));
    assert_eq!(admit(&mut pool, transfer(0, 2, 20, &[(1, 21)])), Err(Refusal::Overdrawn));
    admit(&mut pool, transfer(0, 2, 20, &[(1, 20)])).expect("what it replaces counts no more");

    // A credit in a block makes room.
    let done = state.execute(&block(2, vec![transfer(1, 0, 0, &[(0, 40)])], vec![]));
    assert_eq!(pool.on_executed(&done), []);
    admit(&mut pool, payment(3, 30)).unwrap();

    // What was spent through another node takes the last ones away.
    let last = payment(3, 30).id();
    let elsewhere = transfer(0, 1, 40, &[(1, 20)]);
    let gone: Vec<_> = pool.on_executed(&state.execute(&block(3, vec![elsewhere], vec![])));
    let used = payment(1, 30).id();
    assert_eq!(gone, [(used, Some(Refusal::NonceUsed)), (last, Some(Refusal::CannotPay))]);
    assert_eq!(pool.len(), 1);
}

#[test]
fn nothing_waits_for_ever() {
    let mut pool = self::pool(Limits { age_max: 2, ..limits() }, 0);
    let mut state = ExecutionState::new(&genesis(&[100], &[1]));
    admit(&mut pool, transfer(0, 1, 5, &[(9, 1)])).unwrap();
    let mut short = body(0, 2, 5, &[(9, 1)]);
    short.valid_until = Height::new(2);
    admit(&mut pool, signed(short, 0)).unwrap();
    assert_eq!(pool.on_executed(&state.execute(&block(1, vec![], vec![]))), []);
    let gone = pool.on_executed(&state.execute(&block(2, vec![], vec![])));
    let reasons: Vec<_> = gone.into_iter().map(|(_, why)| why).collect();
    assert_eq!(reasons, [Some(Refusal::TooOld), Some(Refusal::Expired)]);
    check_consistent(&pool);
}

/// A tenth more in all is not enough if the block gets less for each byte.
#[test]
fn replacement_pays_more_for_each_byte() {
    let mut pool = self::pool(limits(), 0);
    admit(&mut pool, transfer(0, 0, 100, &[(9, 1)])).unwrap();
    let wider = |fee| transfer(0, 0, fee, &[(9, 1); 3]);
    assert_eq!(admit(&mut pool, wider(110)), Err(Refusal::Underpriced));
    // 286 bytes instead of 206.
    assert_eq!(admit(&mut pool, wider(152)), Err(Refusal::Underpriced));
    admit(&mut pool, wider(153)).unwrap();
}

/// Nobody takes a payer's nonce by signing with keys of its own.
#[test]
fn strangers_keys_take_no_nonce() {
    let mut pool = self::pool(limits(), 0);
    let forged = by_several(body(0, 0, 1_000, &[(9, 1)]), &[7, 8]);
    assert_eq!(admit(&mut pool, forged), Err(Refusal::NotMultiSig), "it cannot have any signers");
    admit(&mut pool, transfer(0, 0, 5, &[(9, 1)])).unwrap();
}

#[test]
fn change_of_signers_that_waits_counts_for_what_comes_behind() {
    let mut pool = self::pool(limits(), 0);
    let next = |fee| body(0, 1, fee, &[(9, 1)]);
    admit(&mut pool, signed(change(0, 0, 5, &[7, 8]), 0)).unwrap();
    assert_eq!(admit(&mut pool, signed(next(5), 0)), Err(Refusal::NeedsMultiSig));
    for wrong in [&[7, 9][..], &[7], &[7, 8, 9]] {
        assert_eq!(admit(&mut pool, by_several(next(5), wrong)), Err(Refusal::WrongSigners));
    }
    let right = by_several(next(5), &[7, 8]);
    admit(&mut pool, right.clone()).unwrap();
    let clear = by_several(change(0, 2, 5, &[]), &[7, 8]);
    admit(&mut pool, clear.clone()).unwrap();
    let last = transfer(0, 3, 5, &[(9, 1)]);
    admit(&mut pool, last.clone()).unwrap();
    assert_eq!(selected(&pool, &[], ROOM), [(0, 0), (0, 1), (0, 2), (0, 3)]);
    check_consistent(&pool);

    // The payer thinks better of it: what the signers signed is theirs no more, the rest is as it was.
    let dropped = admit(&mut pool, transfer(0, 0, 50, &[(9, 1)])).unwrap();
    let unfit = Some(Refusal::NotMultiSig);
    assert_eq!(dropped[1..], [(right.id(), unfit), (clear.id(), unfit)]);
    assert_eq!(held(&pool).len(), 2);
    check_consistent(&pool);
}

/// Who does not know a payer takes its keys on trust, once: the block tells.
#[test]
fn unknown_signers_are_learned_from_a_skip() {
    let mut state = ExecutionState::new(&genesis(&[100], &[1]));
    state.execute(&block(1, vec![], vec![]));
    let mut pool = self::pool(limits(), 1);
    let forged = by_several(body(0, 0, 1, &[(9, 1)]), &[7, 8]);
    admit(&mut pool, forged.clone()).unwrap();
    admit(&mut pool, transfer(0, 1, 1, &[(9, 1)])).unwrap();
    let done = state.execute(&block(2, vec![forged.clone()], vec![]));
    assert_eq!(done.outcomes[0].1, Outcome::Skipped(Skip::NotMultiSig));
    assert_eq!(pool.on_executed(&done), [(forged.id(), Some(Refusal::NotMultiSig))]);
    admit(&mut pool, transfer(0, 0, 1, &[(9, 1)])).unwrap();
    assert_eq!(selected(&pool, &[], ROOM), [(0, 0), (0, 1)], "the payer's own waited");
    check_consistent(&pool);
}

/// Ids leave signatures out: a leader that puts a body with other keys into its block must not get the
/// right copy out of everybody's pool.
#[test]
fn copy_with_other_keys_in_a_block_harms_nobody() {
    let mut pool = self::pool(limits(), 0);
    let mut state = ExecutionState::new(&genesis(&[100], &[1]));
    let set = signed(change(0, 0, 1, &[7, 8]), 0);
    let done = state.execute(&block(1, vec![set], vec![]));
    assert_eq!(pool.on_executed(&done), []);
    let right = by_several(body(0, 1, 1, &[(9, 1)]), &[7, 8]);
    admit(&mut pool, right.clone()).unwrap();

    let forged = block(2, vec![by_several(right.body.clone(), &[7, 9])], vec![]);
    assert_eq!(selected(&pool, [&forged], ROOM), [(0, 1)], "it uses nothing");
    let done = state.execute(&forged);
    assert_eq!(done.outcomes, [(right.id(), Outcome::Skipped(Skip::WrongKeys))]);
    assert_eq!(pool.on_executed(&done), []);
    let taken = selected_whole(&pool, &[], ROOM);
    assert_eq!(taken, std::slice::from_ref(&right));
    let built = block(3, taken, vec![]);
    assert_eq!(selected(&pool, [&built], ROOM), [], "and the right one uses its nonce");
    assert_eq!(pool.on_executed(&state.execute(&built)), [(right.id(), None)]);
}

/// The payer changed its signers through another node.
#[test]
fn signers_that_a_block_tells_judge_what_waits() {
    let mut pool = self::pool(limits(), 0);
    let mut state = ExecutionState::new(&genesis(&[100], &[1]));
    for nonce in 1..3 {
        admit(&mut pool, transfer(0, nonce, 5, &[(9, 1)])).unwrap();
    }
    let set = signed(change(0, 0, 1, &[7, 8]), 0);
    let dropped = pool.on_executed(&state.execute(&block(1, vec![set], vec![])));
    let reasons: Vec<_> = dropped.into_iter().map(|(_, why)| why).collect();
    assert_eq!(reasons, [Some(Refusal::NeedsMultiSig); 2]);
    assert_eq!(pool.len(), 0);
    let refused = admit(&mut pool, transfer(0, 1, 5, &[(9, 1)]));
    assert_eq!(refused, Err(Refusal::NeedsMultiSig));
}

#[test]
fn payer_without_energy_loses_what_follows() {
    let mut pool = self::pool(limits(), 0);
    let mut state = ExecutionState::new(&genesis(&[100], &[1]));
    let mut first = body(0, 0, 5, &[(9, 1)]);
    first.fee_mode = FeeMode::Energy;
    admit(&mut pool, signed(first, 0)).unwrap();
    admit(&mut pool, transfer(0, 1, 5, &[(9, 1)])).unwrap();
    let done = state.execute(&block(1, selected_whole(&pool, &[], ROOM), vec![]));
    let dropped: Vec<_> = pool.on_executed(&done).into_iter().map(|(_, why)| why).collect();
    assert_eq!(dropped, [Some(Refusal::NoEnergy); 2]);
}

/// A change of signers that expires takes with it what only it made fit.
#[test]
fn expired_change_of_signers_changes_nothing() {
    let mut pool = self::pool(limits(), 0);
    let mut state = ExecutionState::new(&genesis(&[100], &[1]));
    let mut set = change(0, 1, 5, &[7]);
    set.valid_until = Height::new(1);
    admit(&mut pool, signed(set, 0)).unwrap();
    admit(&mut pool, by_several(body(0, 2, 5, &[(9, 1)]), &[7])).unwrap();
    let dropped = pool.on_executed(&state.execute(&block(1, vec![], vec![])));
    let reasons: Vec<_> = dropped.into_iter().map(|(_, why)| why).collect();
    assert_eq!(reasons, [Some(Refusal::Expired), Some(Refusal::NotMultiSig)]);
}

/// A pool and a state in which accounts 0 and 1 have coins: four of 100 each.
fn with_coins(limits: Limits) -> (Pool, ExecutionState, [Vec<CoinId>; 2]) {
    let mut pool = self::pool(limits, 0);
    let mut state = ExecutionState::new(&genesis(&[1_000; 2], &[1]));
    let opening = [0, 1].map(|payer| signed(fund(payer, 0, 1, &[(payer, 100); 4]), payer));
    pool.on_executed(&state.execute(&block(1, opening.to_vec(), vec![])));
    (pool, state, opening.map(|tx| (0..4).map(|index| coin(&tx, index)).collect()))
}

fn one_of(owner: u8, inputs: &[CoinId], fee: u64, part: u64) -> Transaction {
    signed(spend(owner, inputs, fee, &[(owner, part)]), owner)
}

#[test]
fn coins_pay_for_being_spent() {
    let (mut pool, mut state, [mine, _]) = with_coins(limits());
    let both = one_of(0, &mine[..2], 10, 190);
    admit(&mut pool, both.clone()).unwrap();
    assert!(pool.has_ready());
    let built = block(2, selected_whole(&pool, &[], ROOM), vec![]);
    assert_eq!(selected_whole(&pool, [&built], ROOM), [], "its coins are spent below");
    assert_eq!(pool.on_executed(&state.execute(&built)), [(both.id(), None)]);
    assert!(pool.len() == 0 && !pool.has_ready());
    check_consistent(&pool);
}

#[test]
fn two_that_spend_one_coin_exclude_each_other() {
    let (mut pool, mut state, [mine, theirs]) = with_coins(limits());
    let (a, b) = (one_of(0, &mine[..1], 10, 90), one_of(0, &mine[1..3], 20, 180));
    admit(&mut pool, a.clone()).unwrap();
    admit(&mut pool, b.clone()).unwrap();
    assert_eq!(admit(&mut pool, one_of(0, &mine[..2], 32, 168)), Err(Refusal::Underpriced));
    let over_both = one_of(0, &mine[..2], 33, 167);
    let replaced = Some(Refusal::Replaced);
    let dropped = admit(&mut pool, over_both.clone()).unwrap();
    assert_eq!(dropped, [(a.id(), replaced), (b.id(), replaced)]);

    // Who does not own a coin keeps nobody from it.
    let claim = one_of(1, &mine[..1], 99, 1);
    admit(&mut pool, claim.clone()).expect("another owner's coin is another coin here");
    let done = state.execute(&block(2, vec![claim.clone()], vec![]));
    assert_eq!(pool.on_executed(&done), [(claim.id(), Some(Refusal::WouldFail))]);

    // Spent through another node.
    let elsewhere = one_of(0, &mine[1..2], 50, 50);
    let done = state.execute(&block(3, vec![elsewhere, one_of(1, &theirs, 1, 399)], vec![]));
    assert_eq!(pool.on_executed(&done), [(over_both.id(), Some(Refusal::MissingCoin))]);
    check_consistent(&pool);
}

/// One that replaces many is looked at for all of them.
#[test]
fn few_are_replaced_at_once() {
    let wide = Limits { transactions_max: 100, payer_transactions_max: 9, ..limits() };
    let wide = Limits { bytes_max: 1 << 20, ..wide };
    let mut pool = self::pool(wide, 0);
    let maker = transfer(3, 0, 0, &[(9, 1)]);
    let all: Vec<CoinId> = (0..10).map(|index| coin(&maker, index)).collect();
    for input in &all[..9] {
        admit(&mut pool, one_of(0, &[*input], 1, 1)).unwrap();
    }
    assert_eq!(admit(&mut pool, one_of(0, &all[9..], 900, 1)), Err(Refusal::PayerFull));
    assert_eq!(admit(&mut pool, one_of(0, &all[..9], 900, 1)), Err(Refusal::ReplacesTooMany));
    assert_eq!(admit(&mut pool, one_of(0, &all[..8], 900, 1)).unwrap().len(), 8);
    assert_eq!(pool.len(), 2);
    check_consistent(&pool);
}

/// What makes a coin comes before what spends it, whatever they pay.
#[test]
fn maker_of_a_coin_comes_first() {
    let (mut pool, mut state, [mine, theirs]) = with_coins(limits());
    let parent = one_of(0, &mine[..1], 1, 99);
    let child = one_of(0, &[coin(&parent, 0)], 50, 49);
    let other = one_of(1, &theirs[..1], 20, 80);
    for tx in [&child, &parent, &other] {
        admit(&mut pool, tx.clone()).unwrap();
        check_consistent(&pool);
    }
    let order = [other.clone(), parent.clone(), child.clone()];
    assert_eq!(selected_whole(&pool, &[], ROOM), order);
    let below = block(2, vec![parent.clone()], vec![]);
    assert_eq!(selected_whole(&pool, [&below], ROOM), [child.clone(), other.clone()]);

    // Somebody put the child before its parent: it is no reason to drop it. But it is not tried again
    // and again.
    let early = block(2, vec![child.clone()], vec![]);
    assert_eq!(pool.on_executed(&state.execute(&early)), []);
    let early = block(3, vec![child.clone(), parent.clone()], vec![]);
    assert_eq!(pool.on_executed(&state.execute(&early)), [(parent.id(), None)]);
    assert_eq!(selected_whole(&pool, &[], ROOM), [child.clone(), other.clone()]);
    let done = state.execute(&block(4, vec![one_of(0, &[coin(&parent, 0)], 2, 97)], vec![]));
    assert_eq!(pool.on_executed(&done), [(child.id(), Some(Refusal::MissingCoin))]);
    admit(&mut pool, child.clone()).unwrap();
    let done = state.execute(&block(5, selected_whole(&pool, &[], ROOM), vec![]));
    let dropped = pool.on_executed(&done);
    assert_eq!(dropped, [(other.id(), None), (child.id(), Some(Refusal::MissingCoin))]);
    check_consistent(&pool);
}

/// What cannot run for want of its coins displaces nobody.
#[test]
fn what_waits_for_its_coins_is_worth_nothing() {
    let (mut pool, _, [mine, theirs]) = with_coins(Limits { transactions_max: 2, ..limits() });
    let parent = one_of(0, &mine[..1], 1, 99);
    admit(&mut pool, parent.clone()).unwrap();
    admit(&mut pool, one_of(0, &[coin(&parent, 0)], 90, 9)).unwrap();
    let child = one_of(0, &[coin(&parent, 0)], 90, 9);
    let other = one_of(1, &theirs[..1], 1, 99);
    let dropped = admit(&mut pool, other).unwrap();
    assert_eq!(dropped, [(child.id(), Some(Refusal::Evicted))]);
    assert_eq!(admit(&mut pool, child), Err(Refusal::Full));
    check_consistent(&pool);
}

#[test]
fn owners_of_coins_take_turns_with_accounts() {
    let (mut pool, _, [mine, theirs]) = with_coins(limits());
    let ours: Vec<Transaction> = (0..3).map(|nth| one_of(0, &mine[nth..=nth], 20, 80)).collect();
    let others: Vec<Transaction> =
        (0..2).map(|nth| one_of(1, &theirs[nth..=nth], 19, 81)).collect();
    for tx in ours.iter().chain(&others) {
        admit(&mut pool, tx.clone()).unwrap();
    }
    let order = selected_whole(&pool, &[], ROOM);
    assert_eq!(order, [&ours[0], &others[0], &ours[1], &others[1], &ours[2]].map(Clone::clone));
}

/// Signers that a block tells judge what coins pay for as well.
#[test]
fn coins_need_their_owners_signers() {
    let (mut pool, mut state, [mine, _]) = with_coins(limits());
    let alone = one_of(0, &mine[..1], 5, 95);
    admit(&mut pool, alone.clone()).unwrap();
    let by_two = |who| by_several(spend(0, &mine[1..2], 5, &[(0, 95)]), who);
    assert_eq!(admit(&mut pool, by_two(&[7, 8])), Err(Refusal::NotMultiSig));
    let set = signed(change(0, 1, 1, &[7, 8]), 0);
    let dropped = pool.on_executed(&state.execute(&block(2, vec![set], vec![])));
    assert_eq!(dropped, [(alone.id(), Some(Refusal::NeedsMultiSig))]);
    assert_eq!(admit(&mut pool, by_two(&[7, 9])), Err(Refusal::WrongSigners));
    admit(&mut pool, by_two(&[7, 8])).unwrap();

    // A copy with other keys, in a block, spends nothing and gets nothing dropped.
    let forged = block(3, vec![by_two(&[7, 9])], vec![]);
    assert_eq!(selected_whole(&pool, [&forged], ROOM), [by_two(&[7, 8])]);
    assert_eq!(pool.on_executed(&state.execute(&forged)), []);
    let built = block(4, selected_whole(&pool, &[], ROOM), vec![]);
    assert_eq!(pool.on_executed(&state.execute(&built)), [(by_two(&[7, 8]).id(), None)]);
}
