//! How many messages the simulated network carries in a second of wall time, with nothing behind it.
//!
//! Seven machines that answer every message with one to another machine, through the same fabric,
//! stations and windows that carry the protocol. Target: three million a second on one core.

use std::{hint::black_box, sync::Arc, thread};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use madsim::{Config, plugin::simulator, runtime::Runtime};
use quorate_core::{
    message::{Message, Status},
    random::Seed,
    time::Span,
    types::{Digest, Epoch, Height, View},
};
use quorate_sim::{
    scenario::{Distribution, LinkModel, Ppm},
    trace::Parcel,
    world::{
        fabric::{Cargo, Fabric, Incoming, Ledger, Outgoing, Station, Window},
        network::{Machine, Network},
    },
};

const MACHINES: u16 = 7;
const IN_FLIGHT: u16 = 100;
const MESSAGES: u64 = 300_000;

fn model() -> LinkModel {
    let (min, max) = (Span::from_millis(5), Span::from_millis(15));
    LinkModel { delay: Distribution::Uniform { min, max }, ..LinkModel::default() }
}

fn cargo() -> Cargo {
    let status = Status {
        epoch: Epoch::ZERO,
        view: View::new(7),
        finalized_view: View::new(5),
        finalized_height: Height::new(5),
        finalized_id: Digest::ZERO,
        checkpoint: Height::ZERO,
    };
    Cargo { parcel: Parcel::new(Arc::new(Message::Status(status))), bytes: 0 }
}

/// A machine that passes every message on to the next machine. The first time it sends some itself.
async fn relay(machine: Machine, station: Station) {
    let mut ledger = Ledger::default();
    let mut started = false;
    loop {
        let Window { start, .. } = station.window(&mut ledger).await;
        if !started {
            started = true;
            for nth in 0..IN_FLIGHT {
                let to = Machine::new((machine.get() + 1 + nth % (MACHINES - 1)) % MACHINES);
                ledger.outgoing.push(Outgoing { at: start, to, cargo: cargo() });
            }
        }
        let mut arrivals = std::mem::take(&mut ledger.arrivals);
        for arrival in arrivals.drain(..) {
            if let Incoming::Message(from, cargo) = arrival.what {
                let next = (from.get() + 1) % MACHINES;
                let to = if next == machine.get() { (next + 1) % MACHINES } else { next };
                let to = Machine::new(to);
                ledger.outgoing.push(Outgoing { at: arrival.at, to, cargo });
            }
        }
        ledger.arrivals = arrivals;
        station.finish(&mut ledger, None);
    }
}

/// Carries messages until enough have arrived; how many did.
fn carry(model: LinkModel) -> u64 {
    let run = move || {
        let runtime = Runtime::with_seed_and_config(1, Config::default());
        runtime.add_simulator::<Fabric>();
        runtime.block_on(async move {
            let fabric = simulator::<Fabric>();
            fabric.lay(MACHINES, model, &Seed::from_number(1));
            let handle = madsim::runtime::Handle::current();
            for machine in (0..MACHINES).map(Machine::new) {
                let station = fabric.station(machine);
                handle.create_node().init(move || relay(machine, station.clone())).build();
                fabric.rouse(machine, 0);
            }
            while fabric.network(|network| network.counts().arrived) < MESSAGES {
                let start = fabric.next_event().expect("messages go round for ever");
                let end = start + fabric.network(|network| network.lookahead());
                fabric.pace(start).await;
                fabric.run(Window { start, end }, &mut |_, _| {}).await;
                fabric.take_incidents(&mut |incident| {
                    black_box(incident);
                });
            }
            fabric.network(|network| network.counts().arrived)
        })
    };
    thread::spawn(run).join().expect("no machine panics")
}

fn fabric(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("network");
    group.throughput(Throughput::Elements(MESSAGES)).sample_size(10);
    group.bench_function("7 machines, steady links", |bencher| {
        bencher.iter(|| carry(black_box(model())));
    });
    let faulty = LinkModel {
        duplicate: Ppm::new(20_000).expect("two in a hundred"),
        drop: Ppm::new(20_000).expect("two in a hundred"),
        reorder: Ppm::new(10_000).expect("one in a hundred"),
        ..model()
    };
    group.bench_function("7 machines, faulty links", |bencher| {
        bencher.iter(|| carry(black_box(faulty.clone())));
    });
    group.bench_function("the heap alone", |bencher| {
        bencher.iter(|| {
            let mut network: Network<u64> = Network::new(MACHINES, model(), &Seed::from_number(1));
            let mut arrived = 0;
            let (from, to) = (Machine::new(0), Machine::new(1));
            for nth in 0..700 {
                network.send(from, to, nth, || 0, nth);
            }
            while arrived < MESSAGES {
                if let Some(quorate_sim::world::network::Landing::Arrived(flight)) =
                    network.land_before(u64::MAX)
                {
                    arrived += 1;
                    network.send(flight.to, flight.from, flight.arrival, || 0, flight.body);
                }
            }
            arrived
        });
    });
    group.finish();
}

criterion_group!(benches, fabric);
criterion_main!(benches);
