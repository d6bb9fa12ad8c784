//! The smallest world in which real replicas run under all checkers.
//!
//! Perfect clocks, a disk on which every write is durable at once, a network of one constant delay
//! whose links can be cut. What it observes is what the simulator's world observes, so a checker that
//! cries wolf on the real protocol, or sleeps through a real offence, shows here without any of the
//! world's machinery.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use quorate_core::{
    checkpoint::Checkpoint,
    committee::Member,
    config::{Config, Genesis, GenesisAccount, Parameters},
    crypto::{Ed25519, SecretKey, SignatureCheck, Verifier},
    effect::{Effect, Effects, Input, PeerCommand, PeerEvent, Recipients},
    execution::ExecutionState,
    job::{self, Job, JobResult},
    message::Message,
    random::Seed,
    replica::Replica,
    signer::SignState,
    store::{SignerRecord, Stored},
    time::{Instant, Now, UnixMillis},
    transaction::{Address, Output, Transaction, TransactionBody, TransactionKind},
    types::{ChainId, Height, PeerId, Seq, Stake, ValidatorId},
    vote::{SigningContext, Vote},
};
use quorate_sim::{
    byzantine::{Behaviours, Context, Outgoing},
    check::{Checks, Lapse, Violation},
    scenario::Scenario,
    trace::{NodeIndex, Observation, Parcel, Recorder, What},
};

const MILLI: u64 = 1_000_000;

/// How long every message takes.
const DELAY: u64 = 5 * MILLI;

/// How long the disk takes to answer.
const DISK: u64 = MILLI / 5;

/// How long a job takes.
const JOB: u64 = MILLI / 20;

/// Where wall clocks begin.
const WALL: u64 = 1_700_000_000_000;

/// Remembers answers, so a vote is checked once and not by everybody.
#[derive(Default)]
struct Memo(BTreeMap<SignatureCheck, bool>);

impl Verifier for Memo {
    fn verify(&mut self, checks: &[SignatureCheck]) -> Vec<bool> {
        let unknown: Vec<SignatureCheck> =
            checks.iter().filter(|check| !self.0.contains_key(check)).copied().collect();
        let answers = Ed25519.verify(&unknown);
        self.0.extend(unknown.into_iter().zip(answers));
        checks.iter().map(|check| self.0[check]).collect()
    }
}

struct Node {
    name: NodeIndex,
    replica: Replica,
    stored: Stored,
    sign_state: SignState,
    execution: ExecutionState,
    behaviours: Behaviours,
    up: bool,
    life: u32,
    last_seq: Seq,
    last_mono: u64,
    observed: u64,
}

/// A cluster under all checkers.
pub(crate) struct Cluster {
    pub(crate) now: u64,
    pub(crate) checks: Checks,
    genesis: Genesis,
    context: SigningContext,
    keys: Vec<SecretKey>,
    nodes: Vec<Node>,
    /// Inputs to come: by time and place in line, with the node and its life.
    queue: BTreeMap<(u64, u64), (usize, u32, Input)>,
    places: u64,
    /// Directed links that lose everything, between places in `nodes`.
    cut: BTreeSet<(usize, usize)>,
    memo: Memo,
    rng: quorate_core::random::Rng,
    violation: Option<Violation>,
    signatures: u64,
    recorder: Recorder,
}

impl Cluster {
    /// `n0` to `n{size - 1}` of equal weight, with a second replica for each of `twins`.
    pub(crate) fn new(size: u32, twins: &[u32]) -> Self {
        let keys: Vec<SecretKey> = (0..size)
            .map(|number| SecretKey::from_seed([u8::try_from(number).expect("a few") + 1; 32]))
            .collect();
        let member = |(number, key): (u32, &SecretKey)| Member {
            validator: ValidatorId::new(number),
            key: key.public(),
            peer: peer(number),
            weight: Stake::new(1),
        };
        let genesis = Genesis {
            chain_id: ChainId::new(1),
            timestamp: UnixMillis::new(WALL),
            validators: (0..size).zip(&keys).map(member).collect(),
            accounts: vec![GenesisAccount {
                address: Address::of_key(&client().public()),
                balance: 1_000_000,
            }],
            parameters: Parameters::default(),
        };
        let checks = Checks::of_scenario(&Scenario::quiet("checkers", size), genesis.clone());
        let context = checks.scene().context.clone();
        let mut cluster = Self {
            now: 0,
            checks,
            genesis,
            context,
            keys,
            nodes: Vec::new(),
            queue: BTreeMap::new(),
            places: 0,
            cut: BTreeSet::new(),
            memo: Memo::default(),
            rng: Seed::from_number(5).rng(),
            violation: None,
            signatures: 0,
            recorder: Recorder::default(),
        };
        let names = (0..size).map(NodeIndex::new);
        let seconds = twins.iter().map(|number| NodeIndex::new(*number).twin());
        for name in names.chain(seconds) {
            cluster.add(name);
        }
        for number in twins {
            cluster.checks.honesty_mut().enter(*number, Lapse::Twin);
        }
        for place in 0..cluster.nodes.len() {
            cluster.boot(place);
        }
        cluster
    }

    fn add(&mut self, name: NodeIndex) {
        let stored = Stored::default();
        let replica = self.replica(name, &stored, &SignState::default(), Vec::new(), 0);
        self.nodes.push(Node {
            name,
            replica,
            stored,
            sign_state: SignState::default(),
            execution: ExecutionState::new(&self.genesis),
            behaviours: Behaviours::new(),
            up: false,
            life: 0,
            last_seq: Seq::ZERO,
            last_mono: 0,
            observed: 0,
        });
    }

    fn replica(
        &self,
        name: NodeIndex,
        stored: &Stored,
        signed: &SignState,
        computed: Vec<Checkpoint>,
        life: u32,
    ) -> Replica {
        let config = Config {
            genesis: self.genesis.clone(),
            validator: Some(ValidatorId::new(name.number())),
            peer: peer(name.number()),
        };
        let recovered = stored.recover(SignerRecord::Intact(signed.clone()), computed);
        let entity = u64::from(name.number()) * 2 + u64::from(name.is_twin());
        let seed = Seed::from_number(1).fork("replica", entity).fork("life", u64::from(life));
        Replica::new(config, recovered, seed)
    }

    /// The node misbehaves.
    pub(crate) fn misbehave(&mut self, number: u32, behaviours: Behaviours) {
        let place = self.place(NodeIndex::new(number));
        self.nodes[place].behaviours = behaviours;
        self.checks.honesty_mut().enter(number, Lapse::Byzantine);
    }

    /// Starts a node, for the first time or again.
    pub(crate) fn boot(&mut self, place: usize) {
        let node = &self.nodes[place];
        let (name, life, survived) = (node.name, node.life, node.last_seq);
        let head = node.stored.archive.last_key_value();
        let height = head.map_or(Height::ZERO, |(height, _)| *height);
        self.note(place, What::Started { life, height, survived, torn_bytes: 0, amnesiac: false });
        self.replay(place);
        let node = &self.nodes[place];
        let computed = node.execution.checkpoints();
        let replica = self.replica(name, &node.stored, &node.sign_state, computed, life);
        let node = &mut self.nodes[place];
        node.replica = replica;
        node.up = true;
        self.nodes[place].last_seq = Seq::ZERO;
        for other in 0..self.nodes.len() {
            let (own, their) = (name.number(), self.nodes[other].name.number());
            if own != their && self.nodes[other].up {
                self.later(1, place, Input::Peer(PeerEvent::Connected(peer(their))));
                self.later(1, other, Input::Peer(PeerEvent::Connected(peer(own))));
            }
        }
    }

    /// Executes what is final and was not executed before the crash.
    fn replay(&mut self, place: usize) {
        loop {
            let node = &mut self.nodes[place];
            let Some(archived) = node.stored.archive.get(&node.execution.height().next()) else {
                return;
            };
            let block = Arc::clone(&archived.block);
            let result = Arc::new(node.execution.execute(&block));
            self.note(place, What::Executed { block, result, replayed: true });
        }
    }

    /// Kills a node. Nothing on its disk is lost.
    pub(crate) fn kill(&mut self, place: usize) {
        let node = &mut self.nodes[place];
        node.up = false;
        node.life += 1;
        self.note(place, What::Killed);
    }

    /// A node's place among all nodes.
    pub(crate) fn place(&self, name: NodeIndex) -> usize {
        self.nodes.iter().position(|node| node.name == name).expect("a node of this cluster")
    }

    /// Nothing passes between nodes of different groups; twins are named as themselves.
    pub(crate) fn partition(&mut self, groups: &[&[NodeIndex]]) {
        self.cut.clear();
        let group = |node: &Node| groups.iter().position(|group| group.contains(&node.name));
        for (a, from) in self.nodes.iter().enumerate() {
            for (b, to) in self.nodes.iter().enumerate() {
                if group(from) != group(to) {
                    self.cut.insert((a, b));
                }
            }
        }
    }

    /// Runs until `until` nanoseconds of world time, or the first violation.
    pub(crate) fn run(&mut self, until: u64) -> Result<(), Violation> {
        while self.violation.is_none() {
            let input = self.queue.keys().next().map(|(at, _)| *at);
            let wake = (0..self.nodes.len()).filter_map(|place| self.wakeup(place)).min();
            let Some(next) = input.into_iter().chain(wake.map(|(at, _)| at)).min() else { break };
            if next > until {
                break;
            }
            self.now = self.now.max(next);
            match wake {
                Some((at, place)) if input.is_none_or(|input| at < input) => {
                    let (_, timer) = self.nodes[place].replica.next_wakeup().expect("it was asked");
                    self.note(place, What::Woke(timer));
                    self.step(place, Input::Tick);
                }
                _ => {
                    let ((_, _), (place, life, input)) =
                        self.queue.pop_first().expect("it was just looked at");
                    let node = &self.nodes[place];
                    if node.up && node.life == life {
                        self.step(place, input);
                    }
                }
            }
        }
        self.now = self.now.max(until);
        match self.violation.take() {
            Some(violation) => Err(violation),
            None => Ok(()),
        }
    }

    /// Runs until just after somebody has signed something, or the first violation.
    pub(crate) fn run_to_signature(&mut self) -> Result<(), Violation> {
        let before = self.signatures;
        while self.signatures == before {
            self.run(self.now + DISK)?;
        }
        Ok(())
    }

    fn wakeup(&self, place: usize) -> Option<(u64, usize)> {
        let node = &self.nodes[place];
        let (at, _) = node.replica.next_wakeup().filter(|_| node.up)?;
        Some((at.nanos().max(self.now), place))
    }

    /// A client hands a transfer to a node.
    pub(crate) fn submit(&mut self, place: usize, nonce: u64) {
        let to = Address::of_key(&self.keys[0].public());
        let body = TransactionBody::new(
            ChainId::new(1),
            Address::of_key(&client().public()),
            nonce,
            1,
            Height::new(1_000_000),
            TransactionKind::transfer(vec![Output::native(to, 5)]),
        );
        let transaction = Transaction::signed(body, &client());
        self.note(
            place,
            What::Submitted { transaction: transaction.id(), fee: transaction.body.fee },
        );
        self.later(0, place, Input::Submitted(transaction));
    }

    fn later(&mut self, delay: u64, place: usize, input: Input) {
        self.places += 1;
        let life = self.nodes[place].life;
        self.queue.insert((self.now + delay, self.places), (place, life, input));
    }

    fn note(&mut self, place: usize, what: What) {
        self.signatures += u64::from(matches!(what, What::Signed(_)));
        let node = &mut self.nodes[place];
        node.observed += 1;
        let observation = Observation { at: self.now, node: node.name, seq: node.observed, what };
        self.recorder.observe(&observation);
        if self.violation.is_none()
            && let Err(violation) = self.checks.observe(&observation)
        {
            self.violation = Some(violation);
        }
    }

    fn step(&mut self, place: usize, input: Input) {
        if let Input::Received { from, message } = &input {
            let message = Arc::new(message.clone());
            let number = (0u32..).find(|number| peer(*number) == *from).expect("a member");
            self.misuse(place, |behaviours, context| {
                behaviours.overhear(context, number, &message);
            });
            let from = NodeIndex::new(number);
            self.note(place, What::Delivered { from, parcel: Parcel::new(message) });
        }
        let node = &mut self.nodes[place];
        node.last_mono = self.now.max(node.last_mono + 1);
        let now = Now {
            mono: Instant::from_nanos(node.last_mono),
            wall: UnixMillis::new(WALL + self.now / MILLI),
        };
        let mut effects = Effects::new();
        node.replica.step(now, input, &mut effects);
        for effect in effects.drain() {
            self.on_effect(place, effect);
        }
        let held = self.nodes[place].replica.footprint();
        self.note(place, What::Holds(held));
    }

    fn on_effect(&mut self, place: usize, effect: Effect) {
        match effect {
            Effect::Send { to, message } => self.on_send(place, &to, message),
            Effect::Write { seq, batch } => {
                let node = &mut self.nodes[place];
                batch.iter().for_each(|record| node.stored.apply(record));
                node.last_seq = seq;
                self.note(place, What::Wrote { seq, records: Arc::new(batch) });
                self.note(place, What::Durable { upto: seq });
                self.later(DISK, place, Input::Written { upto: seq });
            }
            Effect::Pledge { seq, pledge } => {
                let node = &mut self.nodes[place];
                node.sign_state.record(&pledge).expect("an honest core asks for nothing else");
                node.last_seq = seq;
                let (number, statement) = (node.name.number(), pledge.promise());
                self.note(place, What::PledgeAppended { seq, pledge: Box::new(pledge) });
                self.note(place, What::Durable { upto: seq });
                self.note(place, What::SignStateDurable(Box::new(statement)));
                let key = &self.keys[usize::try_from(number).expect("a few")];
                let signer = self.checks.scene().actor(number).expect("a member").index;
                let signature = key.sign(&self.context.message(&statement));
                let vote = Vote { statement, signer, signature };
                self.note(place, What::Signed(Box::new(vote)));
                self.later(DISK, place, Input::Pledged(vote));
            }
            Effect::Run(job) => self.on_job(place, &job),
            Effect::Peer(PeerCommand::Penalize(peer, fault)) => {
                self.note(place, What::Penalized { peer, fault });
            }
            Effect::Report(event) => self.note(place, What::Reported(Arc::new(event))),
        }
    }

    fn on_job(&mut self, place: usize, job: &Job) {
        let node = &mut self.nodes[place];
        let result = job::run(job, &mut self.memo, &mut node.execution, &node.stored);
        if let (Job::Execute { block }, JobResult::Executed(executed)) = (job, &result) {
            let (height, total) = (executed.height, node.execution.supply().total());
            let (block, result) = (Arc::clone(block), Arc::new(executed.clone()));
            self.note(place, What::Executed { block, result, replayed: false });
            self.note(place, What::Supply { height, total });
        }
        self.later(JOB, place, Input::Finished(result));
    }

    fn on_send(&mut self, place: usize, to: &Recipients, message: Message) {
        let own = self.nodes[place].name.number();
        let numbers = (0u32..).take(self.keys.len());
        let to: Vec<u32> = match to {
            Recipients::Committee => numbers.filter(|number| *number != own).collect(),
            Recipients::One(one) => numbers.filter(|number| peer(*number) == *one).collect(),
            Recipients::Some(some) => {
                numbers.filter(|number| some.contains(&peer(*number))).collect()
            }
        };
        let outgoing = Outgoing::new(to, message);
        let edited = self.misuse(place, |behaviours, context| behaviours.edit(context, outgoing));
        for one in edited {
            let parcel = Parcel::new(Arc::clone(&one.message));
            self.note(place, What::Sent { to: one.to.clone().into(), parcel });
            for receiver in 0..self.nodes.len() {
                let number = self.nodes[receiver].name.number();
                if one.to.contains(&number) && !self.cut.contains(&(place, receiver)) {
                    let message = one.message.as_ref().clone();
                    let input = Input::Received { from: peer(own), message };
                    self.later(DELAY + one.delay, receiver, input);
                }
            }
        }
    }

    fn misuse<T>(
        &mut self,
        place: usize,
        act: impl FnOnce(&mut Behaviours, &mut Context<'_>) -> T,
    ) -> T {
        let node = &mut self.nodes[place];
        let own = node.name.number();
        let scene = self.checks.scene();
        let peers: Vec<u32> =
            (0u32..).take(self.keys.len()).filter(|number| *number != own).collect();
        let key = &self.keys[usize::try_from(own).expect("a few")];
        let mut context = Context {
            now: self.now,
            view: node.replica.view(),
            height: node.replica.finalized_height(),
            epoch: quorate_core::types::Epoch::ZERO,
            own,
            index: scene.actor(own).expect("a member").index,
            committee: scene.committee(),
            signing: &self.context,
            key: &|digest| key.sign(digest),
            peers: &peers,
            rng: &mut self.rng,
        };
        act(&mut node.behaviours, &mut context)
    }

    /// The finalized height of every node, in order.
    pub(crate) fn heights(&self) -> Vec<u64> {
        self.nodes.iter().map(|node| node.replica.finalized_height().get()).collect()
    }

    /// The hash of everything observed.
    pub(crate) fn hash(&self) -> quorate_core::types::Digest {
        self.recorder.hash()
    }
}

/// A validator's name on the network.
fn peer(number: u32) -> PeerId {
    let mut raw = [0; 32];
    raw[..4].copy_from_slice(&number.to_le_bytes());
    PeerId::new(raw)
}

/// The client's key.
fn client() -> SecretKey {
    SecretKey::from_seed([200; 32])
}
