//! A small cluster on one queue: the protocol end to end, without the simulator.
//!
//! Every message takes the same time, disks and jobs are instant, signatures are real. What is shown
//! here is that the machines fit together; faults are the simulator's business.

use std::collections::BTreeMap;

use quorate_core::{
    committee::{Committee, Member},
    config::{Config, Genesis, Parameters},
    crypto::{Ed25519, SecretKey},
    effect::{Effect, Effects, Input, Recipients},
    event::Event,
    execution::ExecutionState,
    job,
    random::Seed,
    replica::Replica,
    signer::SignState,
    store::{Recovered, SignerRecord, Stored},
    time::{Instant, Now, Span, UnixMillis},
    types::{ChainId, Digest, Height, PeerId, Stake, ValidatorId},
    vote::{SigningContext, Vote},
};

/// One validator and what its driver keeps.
struct Node {
    config: Config,
    key: SecretKey,
    replica: Option<Replica>,
    stored: Stored,
    sign_state: SignState,
    state: ExecutionState,
    finalized: Vec<(Height, Digest, u64)>,
    life: u64,
}

/// All of them, and what is under way between them.
struct Cluster {
    nodes: Vec<Node>,
    committee: Committee,
    context: SigningContext,
    queue: BTreeMap<(u64, u64), (usize, u64, Input)>,
    wakeups: Vec<Option<u64>>,
    now: u64,
    ticket: u64,
    delay: u64,
}

fn peer(place: usize) -> PeerId {
    let mut raw = [0; 32];
    raw[0] = u8::try_from(place).expect("few nodes");
    PeerId::new(raw)
}

fn genesis(keys: &[SecretKey]) -> Genesis {
    let member = |(place, key): (usize, &SecretKey)| Member {
        validator: ValidatorId::new(u32::try_from(place).expect("few nodes")),
        key: key.public(),
        peer: peer(place),
        weight: Stake::new(1),
    };
    Genesis {
        chain_id: ChainId::new(7),
        timestamp: UnixMillis::new(1_000),
        validators: keys.iter().enumerate().map(member).collect(),
        accounts: Vec::new(),
        parameters: Parameters { idle_block_interval: Span::ZERO, ..Parameters::default() },
    }
}

impl Cluster {
    fn new(size: u8, delay: Span) -> Self {
        let keys: Vec<SecretKey> = (0..size).map(|n| SecretKey::from_seed([n + 1; 32])).collect();
        let genesis = genesis(&keys);
        let committee = genesis.committee().expect("valid");
        let context = SigningContext {
            chain_id: genesis.chain_id,
            genesis: genesis.digest(),
            committee: committee.digest(),
        };
        let nodes: Vec<Node> = keys
            .into_iter()
            .enumerate()
            .map(|(place, key)| {
                let config = Config {
                    genesis: genesis.clone(),
                    validator: Some(ValidatorId::new(u32::try_from(place).expect("few"))),
                    peer: peer(place),
                };
                Node {
                    config,
                    key,
                    replica: None,
                    stored: Stored::default(),
                    sign_state: SignState::default(),
                    state: ExecutionState::new(&genesis),
                    finalized: Vec::new(),
                    life: 0,
                }
            })
            .collect();
        let wakeups = vec![None; nodes.len()];
        let mut cluster = Self {
            nodes,
            committee,
            context,
            queue: BTreeMap::new(),
            wakeups,
            now: 0,
            ticket: 0,
            delay: delay.nanos(),
        };
        for place in 0..cluster.nodes.len() {
            cluster.start(place);
        }
        cluster
    }

    fn start(&mut self, place: usize) {
        let node = &mut self.nodes[place];
        node.life += 1;
        let recovered: Recovered = node
            .stored
            .recover(SignerRecord::Intact(node.sign_state.clone()), node.state.checkpoints());
        let seed = Seed::from_number(u64::try_from(place).expect("few"));
        node.replica = Some(Replica::new(node.config.clone(), recovered, seed));
        self.wakeups[place] = Some(self.now);
    }

    fn kill(&mut self, place: usize) {
        self.nodes[place].replica = None;
        self.wakeups[place] = None;
    }

    fn push(&mut self, at: u64, place: usize, input: Input) {
        self.ticket += 1;
        let life = self.nodes[place].life;
        self.queue.insert((at, self.ticket), (place, life, input));
    }

    fn run_until(&mut self, end: u64) {
        loop {
            let message = self.queue.first_key_value().map(|((at, _), _)| *at);
            let wakeup = self.wakeups.iter().flatten().min().copied();
            let Some(next) = message.into_iter().chain(wakeup).min().filter(|at| *at <= end) else {
                self.now = end;
                return;
            };
            self.now = next.max(self.now);
            if message == Some(next) {
                let (_, (place, life, input)) = self.queue.pop_first().expect("looked at");
                if self.nodes[place].life == life || matches!(input, Input::Received { .. }) {
                    self.step(place, input);
                }
            } else {
                let place =
                    self.wakeups.iter().position(|at| *at == Some(next)).expect("the least");
                self.step(place, Input::Tick);
            }
        }
    }

    fn step(&mut self, place: usize, input: Input) {
        let Some(mut replica) = self.nodes[place].replica.take() else { return };
        self.now += 1;
        let now = Now {
            mono: Instant::from_nanos(self.now),
            wall: UnixMillis::new(1_000 + self.now / 1_000_000),
        };
        let mut fx = Effects::new();
        replica.step(now, input, &mut fx);
        let effects: Vec<Effect> = fx.drain().collect();
        self.wakeups[place] = replica.next_wakeup().map(|(at, _)| at.nanos().max(self.now + 1));
        self.nodes[place].replica = Some(replica);
        for effect in effects {
            self.perform(place, effect);
        }
    }

    fn perform(&mut self, place: usize, effect: Effect) {
        match effect {
            Effect::Send { to, message } => {
                let all = 0..self.nodes.len();
                let targets: Vec<usize> = match to {
                    Recipients::Committee => all.filter(|other| *other != place).collect(),
                    Recipients::One(one) => all.filter(|other| peer(*other) == one).collect(),
                    Recipients::Some(some) => {
                        all.filter(|other| some.contains(&peer(*other))).collect()
                    }
                };
                for target in targets {
                    let from = peer(place);
                    let message = message.clone();
                    self.push(self.now + self.delay, target, Input::Received { from, message });
                }
            }
            Effect::Write { seq, batch } => {
                for record in &batch {
                    self.nodes[place].stored.apply(record);
                }
                self.push(self.now, place, Input::Written { upto: seq });
            }
            Effect::Pledge { pledge, .. } => {
                let index = self.committee.index_of_key(&self.nodes[place].key.public());
                let node = &mut self.nodes[place];
                node.sign_state
                    .record(&pledge)
                    .expect("the core never asks for a refused signature");
                let statement = pledge.promise();
                let signature = node.key.sign(&self.context.message(&statement));
                let signer = index.expect("a member");
                let vote = Vote { statement, signer, signature };
                self.push(self.now, place, Input::Pledged(vote));
            }
            Effect::Run(job) => {
                let node = &mut self.nodes[place];
                let result = job::run(&job, &mut Ed25519, &mut node.state, &node.stored);
                self.push(self.now, place, Input::Finished(result));
            }
            Effect::Peer(command) => panic!("an honest cluster has no faulty peers: {command:?}"),
            Effect::Report(Event::Finalized { height, block, .. }) => {
                let now = self.now;
                self.nodes[place].finalized.push((height, block, now));
            }
            Effect::Report(_) => {}
        }
    }

    /// The lowest finalized height of the nodes that are up.
    fn height(&self) -> u64 {
        let heights = self.nodes.iter().filter_map(|node| node.replica.as_ref());
        heights.map(|replica| replica.finalized_height().get()).min().expect("somebody is up")
    }

    fn assert_agreement(&self) {
        let mut blocks: BTreeMap<Height, Digest> = BTreeMap::new();
        for node in &self.nodes {
            for (height, block, _) in &node.finalized {
                assert_eq!(*blocks.entry(*height).or_insert(*block), *block, "height {height}");
            }
        }
    }
}

const SECOND: u64 = 1_000_000_000;

#[test]
fn four_validators_finalize_blocks_every_two_delays() {
    let mut cluster = Cluster::new(4, Span::from_millis(20));
    cluster.run_until(10 * SECOND);
    cluster.assert_agreement();
    // A block every 40 ms and three delays to finality.
    assert!(cluster.height() >= 10_000 / 40 - 4, "height {}", cluster.height());
}

#[test]
fn two_of_seven_leaders_may_be_dead() {
    let mut cluster = Cluster::new(7, Span::from_millis(20));
    cluster.run_until(SECOND);
    let before = cluster.height();
    cluster.kill(2);
    cluster.kill(5);
    cluster.run_until(30 * SECOND);
    cluster.assert_agreement();
    assert!(cluster.height() > before + 100, "height {} after {before}", cluster.height());
    cluster.start(2);
    cluster.start(5);
    cluster.run_until(40 * SECOND);
    cluster.assert_agreement();
    let heights: Vec<u64> = cluster
        .nodes
        .iter()
        .map(|node| node.replica.as_ref().expect("up").finalized_height().get())
        .collect();
    assert!(heights.iter().all(|height| height.abs_diff(heights[0]) <= 2), "{heights:?}");
}

#[test]
fn everybody_may_crash_at_once() {
    let mut cluster = Cluster::new(4, Span::from_millis(20));
    for round in 1..=20 {
        cluster.run_until(cluster.now + SECOND + round * 7_000_000);
        for place in 0..4 {
            cluster.kill(place);
        }
        cluster.run_until(cluster.now + SECOND);
        cluster.queue.clear();
        for place in 0..4 {
            cluster.start(place);
        }
    }
    let before = cluster.height();
    cluster.run_until(cluster.now + 10 * SECOND);
    cluster.assert_agreement();
    assert!(cluster.height() > before + 50, "height {} after {before}", cluster.height());
}
