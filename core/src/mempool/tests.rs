//! The machine at its boundary: what it asks, reports, sends and complains about.

use super::*;
use crate::{
    codec,
    config::Parameters,
    effect::{Effect, PeerCommand},
    execution::{
        ExecutionState,
        fixtures::{CHAIN, block, body, genesis, signed, transfer},
    },
    job::Job,
    random::Seed,
    time::{Span, UnixMillis},
};

const PEER: PeerId = PeerId::new([7; 32]);

struct Bench {
    mempool: Mempool,
    jobs: JobIds,
    fx: Effects,
}

impl Bench {
    fn new(limits: Limits) -> Self {
        let mempool = Mempool::new(CHAIN, limits, Height::ZERO, &Seed::from_number(1));
        Self { mempool, jobs: JobIds::new(), fx: Effects::new() }
    }

    fn submit(&mut self, tx: Transaction) -> Vec<String> {
        self.mempool.on_submitted(at(0), tx, &mut self.jobs, &mut self.fx);
        self.told()
    }

    fn gossip(&mut self, txs: Vec<Transaction>) -> Vec<String> {
        self.mempool.on_gossip(at(0), PEER, txs, &mut self.jobs, &mut self.fx);
        self.told()
    }

    fn checked(&mut self, millis: u64, id: u64, good: &[bool]) -> Vec<String> {
        let id = JobId::new(id);
        self.mempool.on_checked(at(millis), id, good.to_vec(), &mut self.jobs, &mut self.fx);
        self.told()
    }

    fn tick(&mut self, millis: u64) -> Vec<String> {
        self.mempool.on_tick(at(millis), &mut self.fx);
        self.told()
    }

    fn deadline(&self) -> Option<u64> {
        let (due, timer) = self.mempool.next_deadline()?;
        assert_eq!(timer, Timer::Gossip);
        Some(due.since(Instant::ZERO).millis())
    }

    /// The effects since the last look, one line each.
    fn told(&mut self) -> Vec<String> {
        let line = |effect| match effect {
            Effect::Run(Job::CheckTransactions { id, transactions }) => {
                format!("check {} of {}", transactions.len(), id.get())
            }
            Effect::Report(Event::TransactionAdmitted(_)) => "admitted".to_owned(),
            Effect::Report(Event::TransactionRefused(_, why)) => why.name().to_owned(),
            Effect::Peer(PeerCommand::Penalize(PEER, PeerFault::BadTransaction)) => {
                "penalize".to_owned()
            }
            Effect::Send { to: Recipients::Committee, message: Message::Transactions(txs) } => {
                format!("send {}", txs.len())
            }
            other => panic!("the mempool does not {other:?}"),
        };
        self.fx.drain().map(line).collect()
    }
}

fn at(millis: u64) -> Now {
    let mono = Instant::ZERO.plus(Span::from_millis(millis));
    Now { mono, wall: UnixMillis::new(millis) }
}

fn limits() -> Limits {
    Limits::of(&Parameters::default())
}

fn pay(payer: u8, nonce: u64) -> Transaction {
    transfer(payer, nonce, 5, &[(9, 1)])
}

const NOTHING: [&str; 0] = [];

#[test]
fn clients_transaction_is_checked_admitted_and_passed_on() {
    let mut bench = Bench::new(limits());
    assert_eq!(bench.submit(pay(0, 0)), ["check 1 of 0"]);
    assert_eq!(bench.submit(pay(0, 1)), ["check 1 of 1"]);
    assert_eq!((bench.mempool.len(), bench.mempool.unchecked()), (0, 2));
    assert_eq!(bench.deadline(), None);
    assert_eq!(bench.checked(10, 0, &[true]), ["admitted"]);
    assert_eq!(bench.checked(12, 1, &[true]), ["admitted"]);
    assert_eq!((bench.mempool.len(), bench.mempool.unchecked()), (2, 0));
    assert_eq!(bench.deadline(), Some(15), "five milliseconds after the first");
    assert_eq!(bench.tick(14), NOTHING);
    assert_eq!(bench.tick(15), ["send 2"], "the second comes along");
    assert_eq!(bench.deadline(), Some(2_015), "again, in case it was lost");
    assert_eq!(bench.tick(2_015), ["send 2"]);
    assert_eq!(bench.deadline(), Some(6_015), "ever more rarely");
}

#[test]
fn executed_transaction_is_passed_on_no_more() {
    let mut bench = Bench::new(limits());
    let mut state = ExecutionState::new(&genesis(&[100], &[1]));
    bench.submit(pay(0, 0));
    bench.checked(0, 0, &[true]);
    bench.tick(5);
    let room = Room { height: Height::new(1), bytes_max: 10_000, transactions_max: 10 };
    let built = bench.mempool.build(&[], room);
    assert_eq!(&*built.transactions, [pay(0, 0)]);
    let done = state.execute(&block(1, built.transactions.into_inner(), vec![]));
    bench.mempool.on_executed(&done, &mut bench.fx);
    assert_eq!(bench.told(), NOTHING);
    assert!(bench.mempool.is_empty() && !bench.mempool.has_ready());
    assert_eq!((bench.mempool.bytes(), bench.deadline()), (0, None));
    assert_eq!(bench.submit(pay(0, 0)), ["duplicate"]);
    assert_eq!(bench.submit(transfer(0, 0, 6, &[(9, 1)])), ["nonce-used"]);
    assert_eq!(bench.gossip(vec![pay(0, 0)]), NOTHING);
}

#[test]
fn executed_while_being_checked_is_not_admitted() {
    let mut bench = Bench::new(limits());
    let mut state = ExecutionState::new(&genesis(&[100], &[1]));
    bench.submit(pay(0, 0));
    let done = state.execute(&block(1, vec![pay(0, 0)], vec![]));
    bench.mempool.on_executed(&done, &mut bench.fx);
    assert_eq!(bench.checked(0, 0, &[true]), ["duplicate"]);
}

#[test]
fn gossip_is_checked_in_batches_and_not_passed_on() {
    let mut bench = Bench::new(limits());
    let many: Vec<Transaction> =
        (0..=255).flat_map(|payer| (0..4).map(move |nonce| pay(payer, nonce))).collect();
    let asked = bench.gossip(many);
    assert_eq!(asked, ["check 256 of 0", "check 256 of 1", "check 256 of 2", "check 256 of 3"]);
    assert_eq!(bench.submit(pay(1, 4)), NOTHING, "it waits for a free job");
    assert_eq!(bench.checked(0, 2, &[true; 256]), NOTHING, "those before have no answer");
    let told = bench.checked(0, 0, &[true; 256]);
    assert_eq!((told.len(), &*told[256]), (257, "check 1 of 4"));
    assert_eq!(bench.deadline(), None);
}

#[test]
fn faulty_peer_is_complained_about_once_a_message() {
    let mut bench = Bench::new(limits());
    let mut elsewhere = body(0, 0, 5, &[(9, 1)]);
    elsewhere.chain_id = crate::types::ChainId::new(8);
    let bad =
        vec![signed(elsewhere, 0), transfer(0, 0, 5, &[]), signed(body(0, 0, 5, &[(9, 1)]), 1)];
    assert_eq!(bench.gossip(bad), ["penalize"]);
    assert_eq!(bench.gossip(vec![pay(0, 0), pay(0, 1), pay(0, 2)]), ["check 3 of 0"]);
    assert_eq!(bench.checked(0, 0, &[false, true, false]), ["admitted", "penalize"]);
    assert_eq!(bench.checked(0, 0, &[false, true, false]), NOTHING, "a repeated answer");
}

#[test]
fn honest_peer_with_old_news_is_not_complained_about() {
    let mut bench = Bench::new(limits());
    bench.submit(pay(0, 0));
    bench.checked(0, 0, &[true]);
    let far = pay(1, 5_000);
    let cheap = transfer(0, 0, 5, &[(8, 1)]);
    assert_eq!(bench.gossip(vec![pay(0, 0), far, cheap]), NOTHING);
}

#[test]
fn client_is_told_why() {
    let mut bench = Bench::new(Limits { transaction_bytes_max: 300, ..limits() });
    let mut version = body(0, 0, 5, &[(9, 1)]);
    version.version = 2;
    let mut expired = body(0, 0, 5, &[(9, 1)]);
    expired.valid_until = Height::ZERO;
    assert_eq!(bench.submit(signed(version, 0)), ["unknown-version"]);
    assert_eq!(bench.submit(signed(expired, 0)), ["expired"]);
    assert_eq!(bench.submit(transfer(0, 0, 5, &[(9, 0)])), ["malformed"]);
    assert_eq!(bench.submit(transfer(0, 0, 5, &[(9, 1); 9])), ["too-large"]);
    assert_eq!(bench.submit(signed(body(0, 0, 5, &[(9, 1)]), 1)), ["wrong-keys"]);
    assert_eq!(bench.submit(pay(0, 0)), ["check 1 of 0"]);
    assert_eq!(bench.submit(pay(0, 0)), ["duplicate"], "it is being checked");
    assert_eq!(bench.checked(0, 0, &[false]), ["bad-signature"]);
    assert_eq!(bench.submit(pay(0, 0)), ["check 1 of 1"], "nothing is held against it");
}

/// What is beyond a peer's ration is not even looked at, so it is no fault either.
#[test]
fn peer_has_a_ration() {
    let ration = Limits { peer_bytes_per_second: 206_000, peer_bytes_burst: 500, ..limits() };
    let mut bench = Bench::new(ration);
    let bad = transfer(2, 0, 5, &[]);
    assert_eq!(bench.gossip(vec![pay(0, 0), pay(0, 1), bad.clone()]), ["check 2 of 0"]);
    assert_eq!(bench.submit(pay(0, 2)), ["check 1 of 1"], "clients need none");
    assert_eq!(bench.gossip(vec![pay(0, 2)]), NOTHING);
    bench.mempool.on_gossip(at(1), PEER, vec![bad], &mut bench.jobs, &mut bench.fx);
    assert_eq!(bench.told(), ["penalize"], "a millisecond later there is some again");
}

/// Peers and clients that never stop, with whatever pays best: never more is held than the limits.
#[test]
fn flood_stays_within_every_bound() {
    let tight = Limits {
        bytes_max: 50_000,
        transactions_max: 1_000,
        unchecked_bytes_max: 30_000,
        unchecked_source_bytes_max: 12_000,
        ..limits()
    };
    let mut bench = Bench::new(tight);
    let mut job = 0;
    for round in 0..60u64 {
        for payer in 0..200u8 {
            let who = u64::from(payer);
            let fee = (round * 7 + who * 13) % 400 + round;
            let outputs = vec![(9, 1); usize::try_from(1 + (who + round) % 5).unwrap()];
            let tx = transfer(payer, (round + who) % 20, fee, &outputs);
            let from = PeerId::new([payer % 5; 32]);
            bench.mempool.on_gossip(at(round), from, vec![tx], &mut bench.jobs, &mut bench.fx);
            assert!(bench.mempool.unchecked_bytes() <= tight.unchecked_bytes_max);
            assert!(bench.mempool.bytes() <= tight.bytes_max, "{}", bench.mempool.bytes());
            assert!(bench.mempool.len() <= tight.transactions_max);
        }
        let asked: Vec<(JobId, usize)> = bench
            .fx
            .drain()
            .filter_map(|effect| match effect {
                Effect::Run(Job::CheckTransactions { id, transactions }) => {
                    Some((id, transactions.len()))
                }
                _ => None,
            })
            .collect();
        for (id, count) in asked {
            job += 1;
            let good = vec![true; count];
            bench.mempool.on_checked(at(round), id, good, &mut bench.jobs, &mut bench.fx);
            assert!(bench.mempool.bytes() <= tight.bytes_max, "{}", bench.mempool.bytes());
        }
    }
    assert!(job > 60, "only {job} jobs were asked for");
    assert!(bench.mempool.bytes() > 40_000, "the flood was no flood: {}", bench.mempool.bytes());
}

/// Anyone can put another signature under somebody's transaction; that must not stop the real one.
#[test]
fn forged_copy_does_not_stand_in_the_way() {
    let mut bench = Bench::new(limits());
    let mut forged = pay(0, 0);
    let mut signatures = forged.signatures.into_inner();
    signatures[0].signature = crate::crypto::Signature::new([1; 64]);
    forged.signatures = Bounded::new(signatures);
    assert_eq!(forged.id(), pay(0, 0).id());
    assert_eq!(bench.gossip(vec![forged]), ["check 1 of 0"]);
    assert_eq!(bench.submit(pay(0, 0)), ["check 1 of 1"]);
    assert_eq!(bench.checked(0, 0, &[false]), ["penalize"]);
    assert_eq!(bench.checked(0, 1, &[true]), ["admitted"]);
}

#[test]
fn each_source_has_its_own_quota() {
    let quota = Limits { unchecked_source_bytes_max: 500, unchecked_bytes_max: 900, ..limits() };
    let mut bench = Bench::new(quota);
    bench.gossip(vec![pay(0, 0), pay(0, 1), pay(0, 2)]);
    assert_eq!((bench.mempool.unchecked(), bench.mempool.unchecked_bytes()), (2, 428));
    assert_eq!(bench.submit(pay(1, 0)), ["check 1 of 1"], "clients have their own");
    assert_eq!(bench.submit(pay(1, 1)), ["check 1 of 2"]);
    assert_eq!(bench.submit(pay(1, 2)), ["busy"]);
    bench.checked(0, 0, &[true, true]);
    bench.checked(0, 1, &[true]);
    assert_eq!(bench.submit(pay(1, 2)), ["check 1 of 3"]);
}

/// A node above the genesis takes the lowest nonce it holds to be a payer's next one, so a client that sends
/// its nonces in order must not see a later one here before the earlier.
#[test]
fn admitted_in_the_order_of_submission() {
    let mut bench = Bench::new(limits());
    for nonce in 0..4 {
        bench.submit(pay(0, nonce));
    }
    assert_eq!(bench.submit(pay(0, 4)), NOTHING, "four jobs are under way");
    assert_eq!(bench.checked(0, 2, &[true]), NOTHING);
    assert_eq!(bench.checked(0, 1, &[false]), NOTHING);
    assert_eq!(bench.checked(0, 2, &[false]), NOTHING, "the first answer counts");
    assert_eq!((bench.mempool.len(), bench.mempool.unchecked()), (0, 5));
    assert_eq!(
        bench.checked(0, 0, &[true]),
        ["admitted", "bad-signature", "admitted", "check 1 of 4"]
    );
    assert_eq!(bench.checked(0, 2, &[true]), NOTHING, "answered before");
    assert_eq!(bench.checked(0, 4, &[true]), NOTHING);
    assert_eq!(bench.checked(0, 3, &[true]), ["admitted", "admitted"]);
    assert_eq!((bench.mempool.len(), bench.mempool.unchecked()), (4, 0));
}

#[test]
fn evicted_transaction_is_reported_to_its_client() {
    let mut bench = Bench::new(Limits { transactions_max: 1, ..limits() });
    bench.submit(pay(0, 0));
    assert_eq!(bench.checked(0, 0, &[true]), ["admitted"]);
    assert_eq!(bench.submit(transfer(1, 0, 50, &[(9, 1)])), ["check 1 of 1"]);
    assert_eq!(bench.checked(0, 1, &[true]), ["admitted", "evicted"]);
    assert_eq!(bench.tick(5), ["send 1"], "the evicted one is not passed on");
}

#[test]
fn long_outbox_is_sent_in_several_messages() {
    let mut bench = Bench::new(limits());
    let wide = |nonce| transfer(0, nonce, 5, &[(9, 1); 256]);
    for nonce in 0..60 {
        bench.submit(wide(nonce));
        bench.checked(0, nonce, &[true]);
    }
    // 512 KiB hold forty-nine of these.
    assert_eq!(bench.tick(5), ["send 49", "send 11"]);
}

#[test]
fn machine_survives_its_encoding() {
    let mut bench = Bench::new(limits());
    let mut state = ExecutionState::new(&genesis(&[100, 100], &[1]));
    for (id, tx) in [(0, pay(0, 0)), (1, pay(1, 0)), (2, pay(1, 1))] {
        bench.submit(tx);
        bench.checked(id, id, &[true]);
    }
    bench.tick(6);
    let done = state.execute(&block(1, vec![pay(1, 0)], vec![]));
    bench.mempool.on_executed(&done, &mut bench.fx);
    bench.submit(pay(0, 1));
    bench.gossip(vec![pay(0, 2)]);
    let copy: Mempool = codec::decode(&codec::encode(&bench.mempool), 1 << 20).unwrap();
    assert_eq!(copy, bench.mempool);
}
