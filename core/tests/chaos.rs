//! Random short runs of a small cluster: losses, duplicates, reordering, partitions, crashes that lose
//! what was not yet durable, slow disks, skewed clocks and a Byzantine twin. Afterwards everything
//! works, and the chain must grow.
//!
//! Checked in every run: no panic, one block per height, no honest validator blamed, no refused
//! signature, no busy loop, progress after the faults end. A failure names its seed.
//! `CHAOS_SEEDS=100..200` tries other seeds than the fixed ones.

use std::collections::{BTreeMap, VecDeque};

use quorate_core::{
    certificate::Certificate,
    codec::Bounded,
    committee::{Committee, Member},
    config::{Config, Genesis, Parameters},
    crypto::{PublicKey, Signature, SignatureCheck, Verifier},
    effect::{Effect, Effects, Input, PeerCommand, Recipients},
    event::Event,
    execution::ExecutionState,
    job::{self, Job},
    message::{BlockResponse, Message},
    random::{Rng, Seed},
    replica::Replica,
    signer::{Pledge, SignState},
    store::{Record, SignerRecord, Stored},
    time::{Instant, Now, Span, UnixMillis},
    types::{ChainId, Digest, Height, PeerId, Seq, Stake, ValidatorId, View},
    vote::{SigningContext, Statement, Vote},
};

const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLI;

/// How long faults last.
const FAULTS: u64 = 12 * SECOND;
/// How long the cluster may take to grow again.
const HEALING: u64 = 90 * SECOND;
/// How much it must grow.
const GROWTH: u64 = 12;
/// More steps than any run takes that does not spin.
const STEPS_MAX: u64 = 3_000_000;

/// Signatures that take no time: a key signs by naming itself and the message.
struct Plain;

impl Plain {
    fn sign(key: &PublicKey, message: &Digest) -> Signature {
        let mut raw = [0; 64];
        raw[..32].copy_from_slice(key.get());
        raw[32..].copy_from_slice(message.get());
        Signature::new(raw)
    }
}

impl Verifier for Plain {
    fn verify(&mut self, checks: &[SignatureCheck]) -> Vec<bool> {
        checks.iter().map(|one| Self::sign(&one.key, &one.message) == one.signature).collect()
    }
}

/// What is appended to a node's log.
enum Entry {
    Write(Seq, Vec<Record>),
    Pledge(Pledge),
}

/// One process. A Byzantine validator is two of them with the same key and name.
struct Node {
    validator: usize,
    config: Config,
    key: PublicKey,
    replica: Option<Replica>,
    stored: Stored,
    sign_state: SignState,
    state: ExecutionState,
    executed: Height,
    /// Not durable yet.
    log: VecDeque<Entry>,
    /// How many entries the flush under way covers.
    flushing: usize,
    finalized: Vec<(Height, Digest)>,
    skew: u64,
    life: u64,
    wakeup: Option<u64>,
}

/// What happens next to a node.
enum Action {
    Input(Input),
    Flushed,
    Start,
}

struct Chaos {
    seed: u64,
    rng: Rng,
    nodes: Vec<Node>,
    genesis: Genesis,
    committee: Committee,
    context: SigningContext,
    byzantine: Vec<usize>,
    queue: BTreeMap<(u64, u64), (usize, Option<u64>, Action)>,
    now: u64,
    ticket: u64,
    steps: u64,
    faulty: bool,
    loss: u64,
    delay: u64,
    disk: u64,
    jobs: u64,
    side: Vec<u64>,
    heard: Vec<(usize, Message)>,
}

fn peer(validator: usize) -> PeerId {
    let mut raw = [0; 32];
    raw[0] = u8::try_from(validator).expect("few") + 1;
    PeerId::new(raw)
}

fn key(validator: usize) -> PublicKey {
    PublicKey::new([u8::try_from(validator).expect("few") + 1; 32])
}

impl Chaos {
    fn new(seed: u64) -> Self {
        let mut rng = Seed::from_number(seed).fork("chaos", 0).rng();
        let size = [4, 4, 5, 7][pick(&mut rng, 4)];
        let weight = |rng: &mut Rng| if seed.is_multiple_of(3) { 1 + rng.below(3) } else { 1 };
        let validators: Vec<Member> = (0..size)
            .map(|place| Member {
                validator: ValidatorId::new(u32::try_from(place).expect("few")),
                key: key(place),
                peer: peer(place),
                weight: Stake::new(weight(&mut rng)),
            })
            .collect();
        let idle = Span::from_millis([0, 50, 200][pick(&mut rng, 3)]);
        let genesis = Genesis {
            chain_id: ChainId::new(7),
            timestamp: UnixMillis::new(1_000),
            validators,
            accounts: Vec::new(),
            parameters: Parameters { idle_block_interval: idle, ..Parameters::default() },
        };
        let committee = genesis.committee().expect("valid");
        let context = SigningContext {
            chain_id: genesis.chain_id,
            genesis: genesis.digest(),
            committee: committee.digest(),
        };
        // Byzantine weight stays below a third.
        let mut byzantine = Vec::new();
        let mut weight = Stake::ZERO;
        for place in 0..size {
            let more = weight.plus(genesis.validators[place].weight);
            if seed.is_multiple_of(2) && committee.is_tolerable(more) {
                byzantine.push(place);
                weight = more;
            }
        }
        let mut chaos = Self {
            seed,
            nodes: Vec::new(),
            genesis,
            committee,
            context,
            queue: BTreeMap::new(),
            now: 0,
            ticket: 0,
            steps: 0,
            faulty: true,
            loss: [0, 5, 20, 50][pick(&mut rng, 4)],
            delay: MILLI * [2, 20, 80, 200][pick(&mut rng, 4)],
            disk: MILLI * [0, 2, 15, 100][pick(&mut rng, 4)],
            jobs: MILLI * [0, 1, 10][pick(&mut rng, 3)],
            side: Vec::new(),
            heard: Vec::new(),
            byzantine,
            rng,
        };
        for validator in 0..size {
            let copies = if chaos.byzantine.contains(&validator) { 2 } else { 1 };
            for _ in 0..copies {
                chaos.add(validator);
            }
        }
        chaos.side = vec![0; chaos.nodes.len()];
        for place in 0..chaos.nodes.len() {
            chaos.start(place);
        }
        chaos
    }

    fn add(&mut self, validator: usize) {
        let config = Config {
            genesis: self.genesis.clone(),
            validator: Some(ValidatorId::new(u32::try_from(validator).expect("few"))),
            peer: peer(validator),
        };
        self.nodes.push(Node {
            validator,
            config,
            key: key(validator),
            replica: None,
            stored: Stored::default(),
            sign_state: SignState::default(),
            state: ExecutionState::new(&self.genesis),
            executed: Height::ZERO,
            log: VecDeque::new(),
            flushing: 0,
            finalized: Vec::new(),
            skew: self.rng.below(500),
            life: 0,
            wakeup: None,
        });
    }

    fn is_honest(&self, place: usize) -> bool {
        !self.byzantine.contains(&self.nodes[place].validator)
    }

    fn start(&mut self, place: usize) {
        let node = &mut self.nodes[place];
        if node.replica.is_some() {
            return;
        }
        node.life += 1;
        for (height, archived) in node.stored.archive.range(node.executed.next()..) {
            let _ = node.state.execute(&archived.block);
            node.executed = *height;
        }
        let computed = node.state.checkpoints();
        let recovered =
            node.stored.recover(SignerRecord::Intact(node.sign_state.clone()), computed);
        let seed = Seed::from_number(self.seed)
            .fork("life", node.life)
            .fork("node", u64::try_from(place).expect("few"));
        node.replica = Some(Replica::new(node.config.clone(), recovered, seed));
        node.wakeup = Some(self.now);
    }

    /// The process dies. Of what was not yet durable any prefix may have reached the disk.
    fn crash(&mut self, place: usize) {
        let kept = pick(&mut self.rng, self.nodes[place].log.len() + 1);
        let node = &mut self.nodes[place];
        node.replica = None;
        node.wakeup = None;
        node.flushing = 0;
        let log = std::mem::take(&mut node.log);
        for entry in log.into_iter().take(kept) {
            match entry {
                Entry::Write(_, batch) => batch.iter().for_each(|one| node.stored.apply(one)),
                Entry::Pledge(pledge) => {
                    node.sign_state.record(&pledge).expect("never refused");
                }
            }
        }
    }

    fn push(&mut self, at: u64, place: usize, life: Option<u64>, action: Action) {
        self.ticket += 1;
        self.queue.insert((at, self.ticket), (place, life, action));
    }

    fn run_until(&mut self, end: u64) {
        loop {
            let message = self.queue.first_key_value().map(|((at, _), _)| *at);
            let wakeup = self.nodes.iter().filter_map(|node| node.wakeup).min();
            let Some(next) = message.into_iter().chain(wakeup).min().filter(|at| *at <= end) else {
                self.now = self.now.max(end);
                return;
            };
            self.now = next.max(self.now);
            if message == Some(next) {
                let (_, (place, life, action)) = self.queue.pop_first().expect("looked at");
                if life.is_none_or(|life| life == self.nodes[place].life) {
                    self.act(place, action);
                }
            } else {
                let due = |node: &Node| node.wakeup == Some(next);
                let place = self.nodes.iter().position(due).expect("the least");
                self.step(place, Input::Tick);
            }
        }
    }

    fn act(&mut self, place: usize, action: Action) {
        match action {
            Action::Input(input) => self.step(place, input),
            Action::Start => self.start(place),
            Action::Flushed => self.flushed(place),
        }
    }

    fn flush(&mut self, place: usize) {
        let node = &mut self.nodes[place];
        if node.flushing == 0 && !node.log.is_empty() {
            node.flushing = node.log.len();
            let at = self.now + self.disk / 2 + self.rng.below(self.disk / 2 + 1);
            let life = Some(self.nodes[place].life);
            self.push(at, place, life, Action::Flushed);
        }
    }

    fn flushed(&mut self, place: usize) {
        let node = &mut self.nodes[place];
        if node.replica.is_none() {
            return;
        }
        let count = std::mem::take(&mut node.flushing);
        let signer = self.committee.index_of_key(&node.key).expect("a member");
        let done: Vec<Entry> = node.log.drain(..count).collect();
        let mut inputs = Vec::new();
        for entry in done {
            match entry {
                Entry::Write(upto, batch) => {
                    batch.iter().for_each(|one| node.stored.apply(one));
                    inputs.push(Input::Written { upto });
                }
                Entry::Pledge(pledge) => {
                    node.sign_state.record(&pledge).expect("never asked for a refused signature");
                    let statement = pledge.promise();
                    let signature = Plain::sign(&node.key, &self.context.message(&statement));
                    inputs.push(Input::Pledged(Vote { statement, signer, signature }));
                }
            }
        }
        for input in inputs {
            let life = Some(self.nodes[place].life);
            self.push(self.now, place, life, Action::Input(input));
        }
        self.flush(place);
    }

    fn step(&mut self, place: usize, input: Input) {
        let Some(mut replica) = self.nodes[place].replica.take() else { return };
        self.steps += 1;
        assert!(self.steps < STEPS_MAX, "seed {}: somebody spins at {}", self.seed, self.now);
        self.now += 1;
        let now = Now {
            mono: Instant::from_nanos(self.now),
            wall: UnixMillis::new(1_000 + self.nodes[place].skew + self.now / MILLI),
        };
        let mut fx = Effects::new();
        replica.step(now, input, &mut fx);
        let effects: Vec<Effect> = fx.drain().collect();
        let node = &mut self.nodes[place];
        node.wakeup = replica.next_wakeup().map(|(at, _)| at.nanos().max(self.now + 1));
        node.replica = Some(replica);
        for effect in effects {
            self.perform(place, effect);
        }
        self.flush(place);
    }

    fn perform(&mut self, place: usize, effect: Effect) {
        match effect {
            Effect::Send { to, message } => self.send(place, &to, &message),
            Effect::Write { seq, batch } => {
                self.nodes[place].log.push_back(Entry::Write(seq, batch));
            }
            Effect::Pledge { pledge, .. } => {
                self.nodes[place].log.push_back(Entry::Pledge(pledge));
            }
            Effect::Run(job) => {
                let node = &mut self.nodes[place];
                if let Job::Execute { block } = &job {
                    node.executed = block.header().height;
                }
                let result = job::run(&job, &mut Plain, &mut node.state, &node.stored);
                let at = self.now + self.rng.below(self.jobs + 1);
                let life = Some(self.nodes[place].life);
                self.push(at, place, life, Action::Input(Input::Finished(result)));
            }
            Effect::Peer(PeerCommand::Penalize(accused, fault)) => {
                let innocent = !self.byzantine.iter().any(|one| peer(*one) == accused);
                assert!(
                    !(innocent && self.is_honest(place)),
                    "seed {}: {place} blames {accused:?} for {fault:?}",
                    self.seed
                );
            }
            Effect::Report(Event::Finalized { height, block, .. }) => {
                self.nodes[place].finalized.push((height, block));
            }
            Effect::Report(Event::SafetyHalt { height }) => {
                panic!("seed {}: {place} halts at {height}", self.seed)
            }
            Effect::Report(Event::Evidence(evidence)) => {
                let member = self.committee.member(evidence.signer()).expect("a member");
                let guilty = self.byzantine.iter().any(|one| peer(*one) == member.peer);
                assert!(guilty, "seed {}: false evidence {evidence:?}", self.seed);
            }
            Effect::Report(_) => {}
        }
    }

    fn send(&mut self, place: usize, to: &Recipients, message: &Message) {
        for target in 0..self.nodes.len() {
            let name = peer(self.nodes[target].validator);
            let meant = match to {
                Recipients::Committee => {
                    self.nodes[target].validator != self.nodes[place].validator
                }
                Recipients::One(one) => *one == name,
                Recipients::Some(some) => some.contains(&name),
            };
            if meant {
                self.transmit(place, target, message.clone());
            }
        }
    }

    fn transmit(&mut self, place: usize, target: usize, mut message: Message) {
        let from = peer(self.nodes[place].validator);
        let mut copies = 1;
        if self.faulty {
            let apart = self.side[place] != self.side[target];
            if apart || self.rng.below(100) < self.loss {
                return;
            }
            copies += self.rng.below(10) / 9;
        }
        if !self.is_honest(place) {
            if self.rng.below(10) == 0 {
                return;
            }
            if self.rng.below(8) == 0 {
                message = self.twisted(message);
            }
            if self.heard.len() < 400 {
                self.heard.push((place, message.clone()));
            }
        }
        for _ in 0..copies {
            let at = self.now + self.delay / 2 + self.rng.below(self.delay + 1);
            let input = Input::Received { from, message: message.clone() };
            self.push(at, target, None, Action::Input(input));
        }
    }

    /// What a Byzantine validator makes of a message.
    fn twisted(&mut self, message: Message) -> Message {
        if self.rng.below(4) == 0 && !self.heard.is_empty() {
            let place = pick(&mut self.rng, self.heard.len());
            return self.heard[place].1.clone();
        }
        let garbage = Signature::new([9; 64]);
        let view = View::new([0, 1, 5, u64::MAX, u64::MAX - 1][pick(&mut self.rng, 5)]);
        let extreme = self.rng.below(2) == 0;
        match message {
            Message::Vote(mut vote) => {
                vote.signature = garbage;
                if let Statement::Nullify { view: old, .. } = &mut vote.statement
                    && extreme
                {
                    *old = view;
                }
                Message::Vote(vote)
            }
            Message::Votes(votes) => {
                let mut votes: Vec<Vote> = votes.into_inner();
                votes.iter_mut().for_each(|vote| vote.signature = garbage);
                Message::Votes(Bounded::new(votes))
            }
            Message::Certificates(certificates) => {
                let mut certificates: Vec<Certificate> = certificates.into_inner();
                for certificate in &mut certificates {
                    let count = certificate.signatures.len();
                    certificate.signatures = Bounded::new(vec![garbage; count]);
                    if extreme {
                        match &mut certificate.statement {
                            Statement::Nullify { view: old, .. } => *old = view,
                            Statement::Notarize(old) | Statement::Finalize(old) => old.view = view,
                        }
                    }
                }
                Message::Certificates(Bounded::new(certificates))
            }
            Message::Status(mut status) => {
                status.view = view;
                status.finalized_view = if extreme { view } else { View::ZERO };
                Message::Status(status)
            }
            Message::CertificateRequest(mut request) => {
                request.view = view;
                Message::CertificateRequest(request)
            }
            Message::BlockResponse(response) => Message::BlockResponse(match self.rng.below(3) {
                0 => BlockResponse { id: response.id, ..BlockResponse::default() },
                1 => BlockResponse { finalization: None, ..response },
                _ => BlockResponse {
                    links: Bounded::default(),
                    proofs: Bounded::default(),
                    ..response
                },
            }),
            other => other,
        }
    }

    /// The lowest and the highest delivered height of the honest nodes that are up.
    fn heights(&self) -> (u64, u64) {
        let heights: Vec<u64> = (0..self.nodes.len())
            .filter(|place| self.is_honest(*place))
            .filter_map(|place| self.nodes[place].replica.as_ref())
            .map(|replica| replica.finalized_height().get())
            .collect();
        (*heights.iter().min().expect("somebody"), *heights.iter().max().expect("somebody"))
    }

    fn assert_agreement(&self) {
        let mut blocks: BTreeMap<Height, Digest> = BTreeMap::new();
        for place in (0..self.nodes.len()).filter(|place| self.is_honest(*place)) {
            for (height, block) in &self.nodes[place].finalized {
                let known = *blocks.entry(*height).or_insert(*block);
                assert_eq!(known, *block, "seed {}: fork at {height}", self.seed);
            }
        }
    }

    /// One random fault.
    fn disturb(&mut self) {
        let place = pick(&mut self.rng, self.nodes.len());
        match self.rng.below(6) {
            0 | 1 => self.crash_and_restart(place),
            2 => (0..self.nodes.len()).for_each(|place| self.crash_and_restart(place)),
            3 => {
                for place in 0..self.nodes.len() {
                    self.side[place] = self.rng.below(2);
                }
            }
            4 => self.side.fill(0),
            _ => {}
        }
    }

    fn crash_and_restart(&mut self, place: usize) {
        if self.nodes[place].replica.is_some() {
            self.crash(place);
            let down = 1 + self.rng.below(3 * SECOND);
            self.push(self.now + down, place, None, Action::Start);
        }
    }

    fn run(&mut self) {
        while self.now < FAULTS {
            let pause = 10 * MILLI + self.rng.below(1_500 * MILLI);
            self.run_until(self.now + pause);
            self.disturb();
        }
        self.faulty = false;
        self.side.fill(0);
        for place in 0..self.nodes.len() {
            self.start(place);
        }
        let (_, highest) = self.heights();
        let deadline = self.now + HEALING;
        while self.heights().0 < highest + GROWTH {
            assert!(
                self.now < deadline,
                "seed {}: heights {:?} {} s after the faults ended, at {highest} then; views {:?}",
                self.seed,
                self.heights(),
                HEALING / SECOND,
                self.nodes
                    .iter()
                    .map(|node| node.replica.as_ref().map(Replica::view))
                    .collect::<Vec<_>>()
            );
            self.run_until(self.now + SECOND);
        }
        self.assert_agreement();
    }
}

fn pick(rng: &mut Rng, count: usize) -> usize {
    let bound = u64::try_from(count).expect("few");
    usize::try_from(rng.below(bound)).expect("below a small count")
}

#[test]
fn any_short_chaos_is_survived() {
    #[expect(clippy::disallowed_methods, reason = "a test may be told which seeds to run")]
    let seeds = std::env::var("CHAOS_SEEDS").ok().and_then(|range| {
        let (from, to) = range.split_once("..")?;
        Some(from.parse::<u64>().ok()?..to.parse::<u64>().ok()?)
    });
    let mut failed = Vec::new();
    for seed in seeds.unwrap_or(0..60) {
        let run = std::panic::catch_unwind(|| Chaos::new(seed).run());
        if run.is_err() {
            failed.push(seed);
        }
    }
    assert!(failed.is_empty(), "seeds {failed:?}");
}
