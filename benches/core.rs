//! What one validator pays: a step for each kind of input, gathering votes, signatures, encodings.
//!
//! Steps are timed in a validator on a chain of empty blocks whose peers are played by the bench. What it
//! asks for is answered at once and is not in the figures: `step/notarize` is the state machine alone. No
//! step looks at a signature, so the votes of the played peers carry blank ones. Each figure holds one
//! reading of the clock, some tens of nanoseconds.

use std::{collections::VecDeque, hint::black_box, sync::Arc, time::Duration};

use criterion::{
    Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
    measurement::{Measurement, WallTime},
};
use quorate_core::{
    block::{Block, Candidate, Header, Payload, root_id},
    certificate::Certificate,
    codec::Bounded,
    config::Parameters,
    crypto::{Ed25519, Signature, SignatureCheck, Verifier},
    effect::{Effect, Effects, Input},
    execution::ExecutionState,
    job::{Job, JobResult},
    leader::LeaderSchedule,
    message::{BlockResponse, Body, Justify, Message, Proposal, Status},
    random::Seed,
    replica::Replica,
    store::Recovered,
    testing::{
        cast::{Cast, account_key},
        corpus,
    },
    time::{Instant, Now, Span, UnixMillis},
    transaction::Transaction,
    types::{Digest, Epoch, Height, ValidatorIndex, View},
    vote::{Kind, Statement, Vote},
};

/// The validator whose steps are timed.
const OURS: ValidatorIndex = ValidatorIndex::new(0);
/// Views before the clock is read: timers, windows and maps have their usual sizes then.
const SETTLING: u64 = 100;
/// Simulated time between two steps: a view of 7 validators takes about two milliseconds.
const PAUSE: Span = Span::from_micros(50);
/// Transactions in the block that is encoded.
const TRANSACTIONS: u64 = 1_000;

/// What a step is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Proposal,
    Notarize,
    Nullify,
    Finalize,
    Certificate,
    Status,
    Tick,
    Written,
    Pledged,
    Finished,
}

/// Every kind of step, its name, and the manner of view that has it.
const STEPS: [(Step, &str, Manner); 10] = [
    (Step::Proposal, "proposal", Manner::Votes),
    (Step::Notarize, "notarize", Manner::Votes),
    (Step::Nullify, "nullify", Manner::Nullify),
    (Step::Finalize, "finalize", Manner::Votes),
    (Step::Certificate, "certificate", Manner::Certificates),
    (Step::Status, "status", Manner::Votes),
    (Step::Tick, "tick", Manner::Votes),
    (Step::Written, "written", Manner::Votes),
    (Step::Pledged, "pledged", Manner::Votes),
    (Step::Finished, "finished", Manner::Votes),
];

/// How the played peers end a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// A proposal, then votes of both kinds.
    Votes,
    /// A proposal, then certificates instead of votes.
    Certificates,
    /// Nullify votes and no proposal, and then a view with votes.
    Nullify,
}

/// Which steps the clock runs for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watch {
    /// None.
    Off,
    /// Those of one kind.
    On(Step),
    /// All of them.
    All,
    /// From the first Notarize vote of a view after its proposal to the certificate.
    Gathering,
}

/// One validator, and the chain that is played to it.
struct Chain {
    cast: Cast,
    schedule: LeaderSchedule,
    replica: Replica,
    state: ExecutionState,
    answers: VecDeque<Input>,
    fx: Effects,
    now: Instant,
    view: View,
    /// The candidate to build on: its view, its id and its header; the root has no header.
    parent: (View, Digest, Option<Header>),
    notarization: Option<Certificate>,
    /// What the validator itself proposed last.
    proposed: Option<Arc<Proposal>>,
    watch: Watch,
    gathering: bool,
    steps: u64,
    time: Duration,
}

impl Chain {
    fn new(validators: usize) -> Self {
        let parameters = Parameters { idle_block_interval: Span::ZERO, ..Parameters::default() };
        let cast = Cast::with_parameters(&vec![1; validators], parameters);
        let (genesis, committee) = (cast.genesis(), cast.committee());
        let root = root_id(Epoch::ZERO, genesis.digest(), committee.digest());
        let mut chain = Self {
            schedule: LeaderSchedule::new(committee, &genesis.epoch_seed()),
            replica: Replica::new(
                cast.config(OURS.get()),
                Recovered::nothing(),
                Seed::from_number(1),
            ),
            state: ExecutionState::new(genesis),
            answers: VecDeque::new(),
            fx: Effects::new(),
            now: Instant::ZERO,
            view: View::new(1),
            parent: (View::ZERO, root, None),
            notarization: None,
            proposed: None,
            watch: Watch::Off,
            gathering: false,
            steps: 0,
            time: Duration::ZERO,
            cast,
        };
        chain.input(Step::Tick, Input::Tick);
        for _ in 0..SETTLING {
            chain.pass(Manner::Votes);
        }
        chain
    }

    /// The time of so many of the watched steps.
    fn time_steps(&mut self, watch: Watch, manner: Manner, steps: u64) -> Duration {
        (self.watch, self.steps, self.time) = (watch, 0, Duration::ZERO);
        while self.steps < steps {
            self.pass(manner);
        }
        // A view has several such steps: what it has too many counts for as much as the others.
        self.time.mul_f64(ratio(steps, self.steps))
    }

    /// The time of the watched steps of so many views.
    fn time_views(&mut self, watch: Watch, views: u64) -> Duration {
        (self.watch, self.time) = (watch, Duration::ZERO);
        for _ in 0..views {
            self.pass(Manner::Votes);
        }
        self.time
    }

    /// Plays one view to its end, or two if the first is given up.
    fn pass(&mut self, manner: Manner) {
        for signer in self.others() {
            self.receive(signer, Message::Status(self.status()));
        }
        self.input(Step::Tick, Input::Tick);
        if manner == Manner::Nullify {
            for signer in self.others() {
                self.receive(signer, Message::Vote(vote(signer, nullify(self.view))));
            }
            self.enter_next();
        }
        let proposal = self.propose();
        let candidate = *proposal.notarize.statement.candidate().expect("of a candidate");
        let statements = [Statement::Notarize(candidate), Statement::Finalize(candidate)];
        let notarization = self.certificate(statements[0]);
        for statement in statements {
            if manner == Manner::Certificates {
                let certificate = self.certificate(statement);
                let message = Message::Certificates(Bounded::new(vec![certificate]));
                self.receive(ValidatorIndex::new(1), message);
                continue;
            }
            self.gathering = statement.kind() == Kind::Notarize;
            let leader = self.gathering.then_some(proposal.notarize.signer);
            for signer in self.others().filter(|signer| Some(*signer) != leader) {
                self.receive(signer, Message::Vote(vote(signer, statement)));
                self.gathering &= self.replica.view() == self.view;
            }
        }
        self.parent = (self.view, candidate.id(), Some(proposal.body.header().clone()));
        self.notarization = Some(notarization);
        self.enter_next();
    }

    fn enter_next(&mut self) {
        self.view = self.view.next();
        assert_eq!(self.replica.view(), self.view, "the validator follows the chain");
    }

    /// The proposal of the view's leader: one that the validator is given, or its own.
    fn propose(&mut self) -> Arc<Proposal> {
        let leader = self.schedule.leader(self.view);
        if leader == OURS {
            let own = self.proposed.take().expect("the leader proposes on entering its view");
            assert_eq!(own.notarize.statement.view(), self.view, "it is this view's");
            return own;
        }
        let (parent_view, parent_id, parent) = self.parent.clone();
        let block = self.block(leader, parent.as_ref());
        let candidate = Candidate {
            epoch: Epoch::ZERO,
            view: self.view,
            parent_view,
            parent_id,
            block: block.digest(),
        };
        let skipped = (parent_view.get() + 1..self.view.get()).map(View::new);
        let skips = skipped.map(|view| self.certificate(nullify(view))).collect();
        let proposal = Arc::new(Proposal {
            notarize: vote(leader, Statement::Notarize(candidate)),
            body: Body::Full(block),
            justify: Justify { parent: self.notarization.clone(), skips: Bounded::new(skips) },
        });
        self.receive(leader, Message::Proposal(Arc::clone(&proposal)));
        proposal
    }

    fn block(&self, proposer: ValidatorIndex, parent: Option<&Header>) -> Arc<Block> {
        let genesis = self.cast.genesis();
        let payload = Payload::default();
        let parent_digest = parent.map_or(genesis.digest(), |header| {
            Block::new(header.clone(), Payload::default()).digest()
        });
        let parent_time = parent.map_or(genesis.timestamp, |header| header.timestamp);
        let header = Header {
            chain_id: genesis.chain_id,
            epoch: Epoch::ZERO,
            height: parent.map_or(Height::ZERO, |header| header.height).next(),
            parent: parent_digest,
            origin_view: self.view,
            proposer,
            payload_root: payload.root(),
            payload_len: payload.encoded_len(),
            timestamp: parent_time.plus_millis(1),
            evidence_root: payload.evidence_root(),
            next_committee: None,
        };
        Arc::new(Block::new(header, payload))
    }

    fn status(&self) -> Status {
        Status {
            epoch: Epoch::ZERO,
            view: self.view,
            finalized_view: self.parent.0,
            finalized_height: self.replica.finalized_height(),
            finalized_id: self.parent.1,
            checkpoint: Height::ZERO,
        }
    }

    fn others(&self) -> impl Iterator<Item = ValidatorIndex> + use<> {
        let size = u16::try_from(self.cast.committee().size()).expect("a small committee");
        (0..size).map(ValidatorIndex::new).filter(|signer| *signer != OURS)
    }

    /// A certificate by everybody else.
    fn certificate(&self, statement: Statement) -> Certificate {
        let votes = self.others().map(|signer| vote(signer, statement)).collect();
        Certificate::from_votes(statement, votes)
    }

    fn receive(&mut self, signer: ValidatorIndex, message: Message) {
        let step = match &message {
            Message::Proposal(_) => Step::Proposal,
            Message::Vote(vote) => match vote.statement.kind() {
                Kind::Notarize => Step::Notarize,
                Kind::Nullify => Step::Nullify,
                Kind::Finalize => Step::Finalize,
            },
            Message::Certificates(_) => Step::Certificate,
            _ => Step::Status,
        };
        let from = self.cast.committee().member(signer).expect("a member").peer;
        self.input(step, Input::Received { from, message });
    }

    /// Gives the validator an input, and then the answers to everything it asks for.
    fn input(&mut self, step: Step, input: Input) {
        self.step(step, input);
        while let Some(answer) = self.answers.pop_front() {
            let step = match &answer {
                Input::Written { .. } => Step::Written,
                Input::Pledged(_) => Step::Pledged,
                _ => Step::Finished,
            };
            self.step(step, answer);
        }
    }

    fn step(&mut self, step: Step, input: Input) {
        self.now = self.now.plus(PAUSE);
        let wall = UnixMillis::new(2_000 + self.now.since(Instant::ZERO).millis());
        let now = Now { mono: self.now, wall };
        let watched = match self.watch {
            Watch::Off => false,
            Watch::On(one) => one == step,
            Watch::All => true,
            Watch::Gathering => self.gathering && matches!(step, Step::Notarize | Step::Finished),
        };
        if watched {
            let begun = WallTime.start();
            self.replica.step(now, black_box(input), &mut self.fx);
            self.time += WallTime.end(begun);
            self.steps += 1;
        } else {
            self.replica.step(now, input, &mut self.fx);
        }
        let mut fx = std::mem::take(&mut self.fx);
        for effect in fx.drain() {
            self.perform(effect);
        }
        self.fx = fx;
    }

    /// Does what is asked for, as a driver would whose disk and threads take no time.
    fn perform(&mut self, effect: Effect) {
        let answer = match effect {
            Effect::Write { seq, .. } => Input::Written { upto: seq },
            Effect::Pledge { pledge, .. } => Input::Pledged(vote(OURS, pledge.promise())),
            Effect::Run(Job::Verify { id, checks }) => {
                Input::Finished(JobResult::Verified { id, good: vec![true; checks.len()] })
            }
            Effect::Run(Job::CheckBlock { id, checks, .. }) => {
                let good = vec![true; checks.len()];
                Input::Finished(JobResult::BlockChecked { id, good, fault: None })
            }
            Effect::Run(Job::Execute { block }) => {
                Input::Finished(JobResult::Executed(self.state.execute(&block)))
            }
            Effect::Run(job) => panic!("nobody asks for blocks or transactions: {job:?}"),
            Effect::Peer(command) => panic!("the played peers are honest: {command:?}"),
            Effect::Send { message: Message::Proposal(proposal), .. } => {
                self.proposed = Some(proposal);
                return;
            }
            Effect::Send { .. } | Effect::Report(_) => return,
        };
        self.answers.push_back(answer);
    }
}

fn nullify(view: View) -> Statement {
    Statement::Nullify { epoch: Epoch::ZERO, view }
}

fn vote<S>(signer: ValidatorIndex, statement: S) -> Vote<S> {
    Vote { statement, signer, signature: Signature::new([0; 64]) }
}

fn ratio(wanted: u64, had: u64) -> f64 {
    let exact = |number: u64| f64::from(u32::try_from(number).expect("fewer than 2^32 steps"));
    exact(wanted) / exact(had)
}

fn steps(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("step");
    group
        .sample_size(10)
        .sampling_mode(SamplingMode::Flat)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1_000));
    for (step, name, manner) in STEPS {
        let mut chain = Chain::new(7);
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|steps| chain.time_steps(Watch::On(step), manner, steps));
        });
    }
    let mut chain = Chain::new(7);
    group.bench_function("a whole view", |bencher| {
        bencher.iter_custom(|views| chain.time_views(Watch::All, views));
    });
    group.finish();
}

fn gathering(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("certificate from votes");
    group
        .sample_size(10)
        .sampling_mode(SamplingMode::Flat)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1_000));
    for validators in [7, 25, 100] {
        let mut chain = Chain::new(validators);
        group.bench_function(format!("{validators} validators"), |bencher| {
            bencher.iter_custom(|views| chain.time_views(Watch::Gathering, views));
        });
    }
    group.finish();
}

/// Signatures of as many keys over as many messages.
fn checks(count: u64) -> Vec<SignatureCheck> {
    (0..count)
        .map(|number| {
            let key = account_key(number);
            let message = *Seed::from_number(number).get();
            let message = Digest::new(message);
            SignatureCheck { key: key.public(), message, signature: key.sign(&message) }
        })
        .collect()
}

fn signatures(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("signatures");
    group
        .sample_size(10)
        .sampling_mode(SamplingMode::Flat)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1_000));
    for count in [1, 5, 64, 256, 1_024] {
        let good = checks(count);
        let mut spoilt = good.clone();
        spoilt[good.len() / 2].message = Digest::ZERO;
        group.throughput(Throughput::Elements(count));
        group.bench_function(format!("batch/{count}"), |bencher| {
            bencher.iter(|| Ed25519.verify(black_box(&good)));
        });
        group.bench_function(format!("one by one/{count}"), |bencher| {
            let alone = |check| Ed25519.verify(std::slice::from_ref(check));
            bencher.iter(|| black_box(&good).iter().flat_map(alone).all(|good| good));
        });
        group.bench_function(format!("batch with a bad one/{count}"), |bencher| {
            bencher.iter(|| Ed25519.verify(black_box(&spoilt)));
        });
    }
    let key = account_key(0);
    group.throughput(Throughput::Elements(1));
    group.bench_function("sign", |bencher| bencher.iter(|| key.sign(black_box(&Digest::ZERO))));
    group.finish();
}

/// A message of every kind; those that carry blocks or transactions carry a thousand.
fn messages() -> Vec<(&'static str, Message)> {
    let cast = Cast::equal(7);
    let transactions: Vec<Transaction> = (0..TRANSACTIONS).map(corpus::transfer).collect();
    let link = cast.chain(1).remove(0);
    let block = cast.block(1, cast.genesis().digest(), transactions.clone());
    let proposal = Proposal { body: Body::Full(Arc::clone(&block)), ..link.proposal(None) };
    let response = BlockResponse { blocks: Bounded::new(vec![block]), ..BlockResponse::default() };
    let certificates = Message::Certificates(Bounded::new(vec![link.notarization]));
    corpus::messages()
        .into_iter()
        .map(|(name, message)| {
            let filled = match message {
                Message::Proposal(_) => Message::Proposal(Arc::new(proposal.clone())),
                Message::BlockResponse(_) => Message::BlockResponse(response.clone()),
                Message::Transactions(_) => {
                    Message::Transactions(Bounded::new(transactions.clone()))
                }
                Message::Certificates(_) => certificates.clone(),
                other => other,
            };
            (name, filled)
        })
        .collect()
}

fn codec(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("codec");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(500));
    for (name, message) in messages() {
        let bytes = message.encode();
        group.throughput(Throughput::Bytes(u64::try_from(bytes.len()).expect("a length fits")));
        group.bench_function(format!("encode/{name}"), |bencher| {
            bencher.iter(|| black_box(&message).encode());
        });
        group.bench_function(format!("decode/{name}"), |bencher| {
            bencher.iter(|| Message::decode(black_box(&bytes)).expect("it was encoded here"));
        });
    }
    group.finish();
}

criterion_group!(benches, steps, gathering, signatures, codec);
criterion_main!(benches);
