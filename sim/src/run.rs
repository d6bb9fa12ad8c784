//! One run: a scenario and a seed in, a report out.
//!
//! Each run has a fresh operating-system thread and one madsim runtime on it, never two; runs are made
//! parallel by making several. A panic of the core ends the run and becomes part of its report.

mod call_off;

use std::{
    cell::RefCell,
    collections::BTreeSet,
    fs::File,
    io::BufWriter,
    rc::Rc,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use madsim::{Config, plugin::simulator, runtime::Runtime};
use quorate_core::time::Span;

pub use self::call_off::CallOff;
use crate::{
    check::{Checks, Lapse, oracle},
    history::{Head, Scribe},
    report::{
        Broken, CrashPointCount, Facts, Finding, ObservationLine, RunOptions, RunReport, judge,
    },
    scenario::{Behaviour, Invariant, Scenario, Selector},
    trace::{Keep, Observation, Recorder},
    world::{
        account::name_of,
        cluster::Cluster,
        common::Common,
        fabric::Fabric,
        faults::Engine,
        keyed::Key,
        node::run_seed,
        panics,
        play::{Ending, Play, Sink},
        select::shuffled,
    },
};

/// Runs a scenario with a seed. Always the same report for the same two, but for the wall time.
#[must_use]
pub fn run(scenario: &Scenario, seed: u64, options: &RunOptions) -> RunReport {
    let begun = Instant::now();
    panics::keep_quiet();
    #[cfg(feature = "planted-unordered-map")]
    crate::world::planted::prepare();
    let (shared, wanted) = (Arc::new(scenario.clone()), options.clone());
    let played = thread::Builder::new()
        .name(panics::THREAD.to_owned())
        .spawn(move || play(&shared, seed, &wanted))
        .map(thread::JoinHandle::join);
    let mut report = match played {
        Ok(Ok(Ok(report))) => report,
        Ok(Ok(Err(message))) => RunReport::infrastructure(scenario, seed, message),
        Ok(Err(_)) => RunReport::infrastructure(scenario, seed, "the simulator panicked".into()),
        Err(error) => RunReport::infrastructure(scenario, seed, format!("no thread: {error}")),
    };
    report.wall = begun.elapsed();
    report
}

/// The body of a run's thread.
fn play(scenario: &Arc<Scenario>, seed: u64, options: &RunOptions) -> Result<RunReport, String> {
    // The thread ends with the run, and the choice with the thread.
    #[cfg(feature = "planted-bugs")]
    quorate_core::planted::choose(options.planted);
    let sink = match &options.trace {
        None => None,
        Some(path) => {
            let file = File::create(path);
            Some(BufWriter::new(file.map_err(|error| format!("{}: {error}", path.display()))?))
        }
    };
    let runtime = Runtime::with_seed_and_config(seed, Config::default());
    runtime.add_simulator::<Fabric>();
    Ok(runtime.block_on(play_within(scenario, seed, options, sink)))
}

async fn play_within(
    scenario: &Arc<Scenario>,
    seed: u64,
    options: &RunOptions,
    sink: Option<BufWriter<File>>,
) -> RunReport {
    let run_seed = run_seed(seed);
    let everybody: Vec<u32> = (0..scenario.cluster.validators).collect();
    let chosen = |selector: &Selector, label: &str, place: u64| {
        initial(scenario, selector, Key::new(&run_seed, label, place), &everybody)
    };
    let mut byzantine = BTreeSet::new();
    let mut twins = Vec::new();
    let mut liars = Vec::new();
    for (place, spec) in (0u64..).zip(&scenario.byzantine) {
        let numbers = chosen(&spec.nodes, "byzantine", spec.draw_at(place));
        byzantine.extend(numbers.iter().copied());
        liars.extend(numbers.iter().map(|number| (*number, spec)));
        if spec.behaviour == Behaviour::Twin {
            twins.extend(numbers);
        }
    }
    twins.sort_unstable();
    twins.dedup();
    let common = Arc::new(Common::new(scenario, run_seed, &twins));
    let mut checks = Checks::of_scenario(scenario, common.genesis.clone());
    for number in &byzantine {
        let lapse = if twins.contains(number) { Lapse::Twin } else { Lapse::Byzantine };
        checks.honesty_mut().enter(*number, lapse);
    }
    let damageable = damageable(scenario, &byzantine, &everybody, &run_seed);
    let fabric = simulator::<Fabric>();
    let cluster = Cluster::new(scenario, common, fabric, |number| damageable.contains(&number));
    let machines = cluster.statuses().len();
    for (place, spec) in (0u64..).zip(&scenario.byzantine) {
        let draw = spec.draw_at(place);
        let numbers = chosen(&spec.nodes, "byzantine", draw);
        let targets = |selector: &_| chosen(selector, "byzantine-targets", draw);
        for machine in cluster.machines() {
            if numbers.contains(&cluster.common.node(machine).number()) {
                cluster.host(machine, |host| host.behaviours.push_spec(spec, &targets));
            }
        }
    }
    let keep = options.window.clone().map_or(Keep::Nothing, Keep::Between);
    let first = options.window.as_ref().map_or(0, |window| window.start);
    let key = Key::new(&run_seed, "faults", 0);
    let byzantine: Vec<u32> = byzantine.into_iter().collect();
    let mut engine = Engine::new(&scenario.faults, key, byzantine, options.crash_at, machines);
    let recorder = Recorder::new(keep);
    let head = Head::new(scenario, seed, &options.replay, &cluster.common, &liars);
    let scribe = Rc::new(RefCell::new(Scribe::begin(&head, options.history, sink)));
    let writes = scribe.borrow().writes();
    let hand = Rc::clone(&scribe);
    let sink = writes.then(|| -> Sink { Box::new(move |what| hand.borrow_mut().observe(what)) });
    let mut play = Play::new(Arc::clone(scenario), cluster, checks, recorder, sink);
    if let Some(watch) = options.break_at {
        play.watch(watch);
    }
    play.call_off.clone_from(&options.call_off);
    let ending = play.play(&mut engine).await;
    play.cluster.tear_down().await;
    let mut report = report(scenario, seed, play, &engine, ending, first);
    report.history = scribe.take().finish(&report);
    report
}

/// The validators that a selector names before the run begins.
fn initial(scenario: &Scenario, selector: &Selector, key: Key, everybody: &[u32]) -> Vec<u32> {
    let tolerated = || {
        let mut chosen: BTreeSet<u32> = BTreeSet::new();
        for number in shuffled(everybody, key, everybody.len()) {
            chosen.insert(number);
            if !scenario.cluster.tolerates(&chosen) {
                chosen.remove(&number);
            }
        }
        chosen
    };
    match selector {
        Selector::Nodes(names) => names.iter().map(|name| name.validator.get()).collect(),
        Selector::One => shuffled(everybody, key, 1),
        Selector::Random(count) => {
            shuffled(everybody, key, usize::try_from(*count).unwrap_or(usize::MAX))
        }
        Selector::F => tolerated().into_iter().collect(),
        Selector::FPlusOne => {
            let mut chosen = tolerated();
            let others = shuffled(everybody, key, everybody.len());
            chosen.extend(others.into_iter().find(|number| !chosen.contains(number)));
            chosen.into_iter().collect()
        }
        // The parser lets nothing else through where it is decided before the run.
        _ => everybody.to_vec(),
    }
}

/// Whose disks may be damaged: everybody's, or with `atlas` so few that, together with the Byzantine,
/// they weigh less than a third. Validators whose disk a fault names come first.
fn damageable(
    scenario: &Scenario,
    byzantine: &BTreeSet<u32>,
    everybody: &[u32],
    seed: &quorate_core::random::Seed,
) -> BTreeSet<u32> {
    if !scenario.disk.atlas {
        return everybody.iter().copied().collect();
    }
    let named = scenario.faults.iter().filter_map(|fault| fault.verb.damaged());
    let named = named.flat_map(|targets| match &targets.nodes {
        Selector::Nodes(names) => names.iter().map(|name| name.validator.get()).collect(),
        _ => Vec::new(),
    });
    let drawn = shuffled(everybody, Key::new(seed, "atlas", 0), everybody.len());
    let mut chosen = byzantine.clone();
    for number in named.chain(drawn) {
        if everybody.contains(&number)
            && chosen.insert(number)
            && !scenario.cluster.tolerates(&chosen)
        {
            chosen.remove(&number);
        }
    }
    chosen
}

/// Puts together what a run came to.
fn report(
    scenario: &Scenario,
    seed: u64,
    play: Play,
    engine: &Engine,
    ending: Ending,
    first_kept: u64,
) -> RunReport {
    let finding = finding(ending, &play);
    let honest = play.honest();
    let (finalized_min, finalized_max) = play.account.finalized(honest.iter().copied());
    let facts = Facts {
        finding,
        marks: play.checks.marks().clone(),
        never_fired: engine.never_fired(),
        finalized_min,
        finalized_max,
        culprits: play.checks.culprits().clone(),
    };
    let mut crash_points = Vec::new();
    let (mut steps, mut fsyncs) = (0, 0);
    let mut up = BTreeSet::new();
    let mut portrait = None;
    for machine in play.cluster.machines() {
        let node = play.cluster.common.node(machine);
        if !play.cluster.is_down(machine) && honest.contains(&node.number()) {
            up.insert(node.number());
        }
        play.cluster.host(machine, |host| {
            portrait = portrait.take().or_else(|| host.portrait.take().map(|one| *one));
            steps += host.steps;
            fsyncs += host.disk.syncs();
            let passed = host.passages.iter().map(|(point, passed)| CrashPointCount {
                node: name_of(node),
                point,
                passed,
            });
            crash_points.extend(passed);
        });
    }
    let network = play.cluster.fabric.network(|network| network.counts());
    let bytes_delivered = play.cluster.fabric.bytes_delivered();
    let (transactions_submitted, transactions_finalized) = play.transactions();
    let (crashes, restarts) = (play.cluster.crashes, play.cluster.restarts);
    let (timeline, mut counters) = play.account.finish(&up);
    counters.messages_duplicated = network.duplicated;
    counters.bytes_delivered = bytes_delivered;
    counters.steps = steps;
    counters.observations = play.recorder.count();
    counters.transactions_submitted = transactions_submitted;
    counters.transactions_finalized = transactions_finalized;
    counters.fsyncs = fsyncs;
    counters.crashes = crashes;
    counters.restarts = restarts;
    let line = |(index, observation): (u64, &Observation)| ObservationLine {
        index,
        at: Span::from_nanos(observation.at),
        node: Some(name_of(observation.node)),
        text: observation.what.to_string(),
    };
    RunReport {
        scenario: scenario.name.clone(),
        seed,
        verdict: judge(&scenario.expect, &facts),
        facts,
        trace_hash: play.recorder.hash(),
        checkpoints: play.checkpoints,
        timeline,
        window: (first_kept..).zip(play.recorder.kept()).map(line).collect(),
        crash_points,
        portrait,
        counters,
        history: None,
        simulated: Span::from_nanos(play.now),
        wall: Duration::ZERO,
    }
}

fn finding(ending: Ending, play: &Play) -> Finding {
    match ending {
        Ending::Over => Finding::Held,
        Ending::Violated(violation) if violation.invariant == Invariant::Liveness => {
            match oracle::recoverable(play.scene(), &play.standings()) {
                Ok(()) => {
                    Finding::Stall { at: Span::from_nanos(violation.at), detail: violation.detail }
                }
                Err(hopeless) => {
                    Finding::NoVerdict { detail: format!("{}; {hopeless}", violation.detail) }
                }
            }
        }
        Ending::Violated(violation) => Finding::Violation(Broken {
            invariant: violation.invariant,
            at: Span::from_nanos(violation.at),
            nodes: violation.node.map(name_of).into_iter().collect(),
            detail: violation.detail,
        }),
        Ending::Broken { node, at, message } => {
            Finding::CorePanic { node: Some(name_of(node)), at: Span::from_nanos(at), message }
        }
    }
}

#[cfg(test)]
mod tests;
