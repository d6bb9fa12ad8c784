//! The contract of all drivers, over the log lane and the hands of this one.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use quorate_core::{
    effect::{Effect, Input, PeerFault},
    execution::{ExecutionState, Executor, Options},
    message::Message,
    store::Recovered,
    testing::{
        cast::Cast,
        contract::{self, DriverUnderTest, Operation},
    },
    types::{Height, PeerId, Seq},
};
use tokio::{
    runtime::Runtime,
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
};

use super::{
    disks::{Disk, InMemory, OnDisk, Opened},
    faults::{Faults, Faulty},
};
use crate::{
    driver::{
        Commits, Fate, Metrics, Outlet,
        hands::Hands,
        jobs::Jobs,
        lane::{Lane, LaneQueue},
        observe::first_snapshot,
        storage,
        threads::{Waves, pool},
    },
    published::published,
};

/// Counts what leaves.
#[derive(Debug, Default)]
struct Post(AtomicUsize);

impl Outlet for Post {
    fn send(&self, _to: &[PeerId], _message: &Message) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn penalize(&self, _peer: PeerId, _fault: PeerFault) {}

    fn reached(&self, _height: Height) {}
}

struct Rig<D> {
    cast: Cast,
    disk: D,
    faults: Faults,
    post: Arc<Post>,
    runtime: Runtime,
    life: Option<Life>,
}

/// What ends with a crash.
struct Life {
    hands: Hands,
    answers: UnboundedReceiver<Input>,
    threads: Vec<JoinHandle<()>>,
    fate: Fate,
    /// The last write, and the number of pledges, not answered yet.
    open: (Seq, usize),
}

impl<D: Disk> Rig<D> {
    fn new(cast: &Cast) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let mut rig = Self {
            cast: cast.clone(),
            disk: D::empty(),
            faults: Faults::default(),
            post: Arc::default(),
            runtime,
            life: None,
        };
        rig.begin();
        rig
    }

    fn begin(&mut self) -> Recovered {
        let Opened { log, signer, commits, reads, recovered, state } = self.disk.open(&self.cast);
        let (fate, metrics) = (Fate::open(), Metrics::default());
        let (answers, answered) = unbounded_channel();
        let log = Faulty::new(log, &self.faults);
        let signer = Faulty::new(signer, &self.faults);
        let signing = storage::Signing { signer: Box::new(signer), listen: Duration::ZERO };
        let (log, store) =
            storage::start(log, Some(signing), answers.clone(), &fate, &metrics).expect("threads");
        let (lane, execution) = self.lane(state, commits, &fate, &metrics, &recovered);
        let (jobs, _) = Jobs::new(1, reads, lane, answers, &fate, &metrics).expect("threads");
        let outlet = Arc::clone(&self.post);
        let hands = Hands::new(&self.cast.config(0), outlet, log, jobs, fate.clone());
        let threads = vec![store, execution];
        let open = (Seq::ZERO, 0);
        self.life = Some(Life { hands, answers: answered, threads, fate, open });
        recovered
    }

    fn lane(
        &self,
        state: ExecutionState,
        commits: impl Commits,
        fate: &Fate,
        metrics: &Metrics,
        recovered: &Recovered,
    ) -> (LaneQueue, JoinHandle<()>) {
        let first = first_snapshot(&self.cast.config(0), recovered, state.digest());
        let (answers, _) = unbounded_channel();
        let waves = Waves::on(pool("wave", 1, fate).expect("threads"));
        let lane = Lane {
            state,
            executor: Executor::new(Options::default(), waves),
            commits,
            dumps: PathBuf::new(),
            publisher: published(first).0,
            answers,
            metrics: metrics.clone(),
        };
        let (queue, _, thread) = lane.start(fate).expect("threads");
        (queue, thread)
    }

    fn life(&mut self) -> &mut Life {
        self.life.as_mut().expect("begun")
    }
}

impl<D: Disk> DriverUnderTest for Rig<D> {
    fn perform(&mut self, effects: Vec<Effect>) {
        let life = self.life();
        for effect in effects {
            match &effect {
                Effect::Write { seq, .. } => life.open.0 = *seq,
                Effect::Pledge { .. } => life.open.1 += 1,
                _ => {}
            }
            assert!(life.hands.perform(effect).is_none(), "nothing to tell people");
        }
    }

    fn settle(&mut self) -> Vec<Input> {
        let Self { runtime, faults, life, .. } = self;
        let life = life.as_mut().expect("begun");
        let mut answers = Vec::new();
        runtime.block_on(async {
            while life.open != (Seq::ZERO, 0) {
                tokio::select! {
                    biased;
                    answer = life.answers.recv() => {
                        let answer = answer.expect("jobs hold a sender");
                        match &answer {
                            Input::Written { upto } if *upto == life.open.0 => life.open.0 = Seq::ZERO,
                            Input::Pledged(_) => life.open.1 -= 1,
                            _ => {}
                        }
                        answers.push(answer);
                    }
                    _ = life.fate.sealed() => break,
                    () = faults.reached(), if faults.is_holding() => break,
                }
            }
        });
        while let Ok(answer) = life.answers.try_recv() {
            answers.push(answer);
        }
        answers
    }

    fn hold_disk(&mut self, held: bool) {
        self.faults.hold(held);
    }

    fn fail_next(&mut self, operation: Operation) {
        self.faults.fail(operation);
    }

    fn has_stopped(&mut self) -> bool {
        self.life().fate.is_sealed()
    }

    fn sent(&mut self) -> usize {
        self.post.0.load(Ordering::SeqCst)
    }

    fn crash(&mut self) -> Recovered {
        let Life { hands, threads, .. } = self.life.take().expect("begun");
        drop(hands);
        threads.into_iter().for_each(|thread| thread.join().expect("panics are caught"));
        self.begin()
    }
}

/// The order of the log, durability before answers, restarts and failures, as every driver owes them.
#[test]
fn the_driver_keeps_the_contract() {
    let cast = Cast::equal(4);
    contract::check(&cast, Rig::<InMemory>::new);
}

/// The same, on the database and the sign-state of production.
#[test]
fn the_driver_keeps_the_contract_on_the_real_disk() {
    let cast = Cast::equal(4);
    contract::check(&cast, Rig::<OnDisk>::new);
}

/// A promise that contradicts an earlier one ends the node, and nothing is signed.
#[test]
fn a_refusal_ends_the_node() {
    use quorate_core::{
        signer::{Pledge, SafetyState},
        testing::cast::notarize,
        types::{Epoch, View},
    };
    let cast = Cast::equal(4);
    let mut rig = Rig::<InMemory>::new(&cast);
    let safety = SafetyState { epoch: Epoch::ZERO, floor: View::ZERO };
    let pledge = |seq, name| Effect::Pledge {
        seq: Seq::new(seq),
        pledge: Pledge::View { safety, statement: notarize(1, name) },
    };
    rig.perform(vec![pledge(1, b'a')]);
    assert_eq!(rig.settle().len(), 1);
    rig.perform(vec![pledge(2, b'b')]);
    assert_eq!(rig.settle(), Vec::new());
    let failure = rig.life().fate.failure().expect("refused").clone();
    assert_eq!(failure.exit, crate::exit::Exit::Key, "{failure}");
}
