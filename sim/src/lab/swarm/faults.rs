//! The faults of a random scenario, one to three of each kind that it has.

use quorate_core::{
    time::Span,
    types::{Height, View},
};

use super::{Feature, Frame, dice::Dice};
use crate::scenario::{
    ClockReading, CrashPoint, DiskOp, Distribution, End, Fault, InFlight, Links, NodeName,
    Partition, Scenario, Selector, SignedSpan, Targets, Trigger, Verb,
};

/// How far all clock faults together may set honest clocks apart. Timestamps tolerate two seconds,
/// and clocks may be off from the start.
const CLOCKS_APART_MAX: u64 = 1_200;

/// Kinds that are made of faults.
const KINDS: [Feature; 13] = [
    Feature::Bursts,
    Feature::Partitions,
    Feature::Isolation,
    Feature::Clogs,
    Feature::Kills,
    Feature::Stops,
    Feature::CrashPoints,
    Feature::CrashLoops,
    Feature::Pauses,
    Feature::Slowness,
    Feature::ClockFaults,
    Feature::DiskErrors,
    Feature::Damage,
];

pub(super) fn add(frame: &Frame, scenario: &mut Scenario) {
    let mut apart = CLOCKS_APART_MAX;
    for kind in KINDS.into_iter().filter(|kind| frame.has(*kind)) {
        let mut dice = frame.dice(&format!("faults: {}", kind.name()));
        for _ in 0..dice.between(1, 3) {
            let maker = &mut Maker { frame, dice: &mut dice, apart: &mut apart };
            scenario.faults.extend(maker.fault(kind));
        }
    }
}

/// Makes faults of one kind.
struct Maker<'a> {
    frame: &'a Frame,
    dice: &'a mut Dice,
    /// Milliseconds by which honest clocks may still be set apart.
    apart: &'a mut u64,
}

/// When a fault is on: its beginning, and how long it may last at the most.
struct Slot {
    start: Trigger,
    lasting: Span,
}

impl Maker<'_> {
    fn fault(&mut self, kind: Feature) -> Option<Fault> {
        let slot = self.slot();
        Some(match kind {
            Feature::Bursts => self.lasting(slot, Self::burst),
            Feature::Partitions => self.lasting(slot, Self::partition),
            Feature::Isolation => self.lasting(slot, |maker| Verb::Isolate {
                targets: maker.targets(),
                in_flight: maker.in_flight(),
            }),
            Feature::Clogs => self.lasting(slot, |maker| match maker.dice.below(3) {
                0 => Verb::SwizzleClog { targets: maker.targets() },
                _ => Verb::Clog { links: maker.links() },
            }),
            Feature::Kills => {
                self.down(slot, |targets, restart_after| Verb::Kill { targets, restart_after })
            }
            Feature::Stops => self.stop(slot),
            Feature::CrashPoints => self.crash_point(),
            Feature::CrashLoops => self.lasting(slot, |maker| Verb::CrashLoop {
                targets: maker.targets(),
                up: Distribution::Exponential {
                    min: Span::from_millis(50),
                    mean: maker.dice.millis(200, 2_000),
                    cap: Span::from_millis(8_000),
                },
                down: Distribution::Uniform {
                    min: Span::from_millis(20),
                    max: maker.dice.millis(100, 1_500),
                },
            }),
            Feature::Pauses => self.lasting(slot, |maker| Verb::Pause { targets: maker.targets() }),
            Feature::Slowness => self.lasting(slot, |maker| {
                let targets = maker.targets();
                match maker.dice.below(2) {
                    0 => Verb::Slow { targets, factor_milli: maker.dice.between(2_000, 200_000) },
                    _ => {
                        let min = maker.dice.millis(1, 20);
                        let fsync =
                            Distribution::Uniform { min, max: min.plus(maker.dice.millis(1, 300)) };
                        Verb::Latency { targets, fsync }
                    }
                }
            }),
            Feature::ClockFaults => return self.clock(slot),
            Feature::DiskErrors => self.lasting(slot, |maker| {
                let targets = maker.targets();
                if maker.dice.chance(30) {
                    return Verb::Full { targets };
                }
                let ops = maker.dice.some(&[DiskOp::Write, DiskOp::Sync, DiskOp::Read], 3);
                Verb::IoError { targets, p: maker.dice.permille(1, 50), ops }
            }),
            Feature::Damage => return self.damage(slot),
            // The rest is not made of faults.
            _ => return None,
        })
    }

    fn slot(&mut self) -> Slot {
        let gst = self.frame.gst.millis();
        let at = 300 + self.dice.below(gst - 1_000);
        let longest = (gst - at).min(7_000);
        let lasting = self.dice.millis(50.min(longest), longest);
        let start = match self.dice.below(10) {
            0..6 => Trigger::Time(Span::from_millis(at)),
            6..8 => Trigger::Height { height: Height::new(1 + self.dice.below(40)), node: None },
            _ => Trigger::View { view: View::new(1 + self.dice.below(50)), node: None },
        };
        Slot { start, lasting }
    }

    fn lasting(&mut self, slot: Slot, verb: impl FnOnce(&mut Self) -> Verb) -> Fault {
        let verb = verb(self);
        fault(verb, slot.start, End::For(slot.lasting))
    }

    fn targets(&mut self) -> Targets {
        let everybody: Vec<u32> = (0..self.frame.validators).collect();
        let nodes = match self.dice.below(20) {
            0..8 => self.named(&everybody),
            8..11 => Selector::Leader,
            11..13 => Selector::NextLeader,
            13 => Selector::One,
            14 => Selector::Random(self.dice.between(1, self.frame.validators)),
            15 => Selector::F,
            16 => Selector::Minority,
            17 => Selector::Majority,
            18 => Selector::Behind,
            _ => Selector::All,
        };
        Targets { nodes, from: None }
    }

    fn named(&mut self, numbers: &[u32]) -> Selector {
        let most = numbers.len().div_ceil(2);
        let chosen = self.dice.some(numbers, most);
        Selector::Nodes(chosen.into_iter().map(NodeName::new).collect())
    }

    fn links(&mut self) -> Links {
        match self.dice.below(3) {
            0 => Links::All,
            1 => Links::Touching(self.targets()),
            _ => Links::Directed { from: self.targets().nodes, to: self.targets().nodes },
        }
    }

    fn in_flight(&mut self) -> InFlight {
        self.dice.pick(&[InFlight::Keep, InFlight::Drop])
    }

    fn burst(&mut self) -> Verb {
        let links = self.links();
        match self.dice.below(6) {
            0 => Verb::Drop { links, p: self.dice.permille(50, 900) },
            1 => Verb::Duplicate { links, p: self.dice.permille(50, 900) },
            2 => Verb::Reorder { links, p: self.dice.permille(50, 900), by: self.delay() },
            3 => Verb::Corrupt { links, p: self.dice.permille(1, 100) },
            4 => Verb::Bandwidth {
                links,
                bytes_per_second: u64::from(self.dice.between(2_000, 1_000_000)),
            },
            _ => Verb::Delay { links, delay: self.delay() },
        }
    }

    fn delay(&mut self) -> Distribution {
        let min = self.dice.millis(1, 300);
        Distribution::Uniform { min, max: min.plus(self.dice.millis(1, 1_500)) }
    }

    fn partition(&mut self) -> Verb {
        let shape = match self.dice.below(8) {
            0..3 => {
                let everybody: Vec<u32> = (0..self.frame.validators).collect();
                let parts = self.dice.between(2, 3);
                let mut groups = vec![Vec::new(); usize::try_from(parts).expect("two or three")];
                for number in everybody {
                    let group = usize::try_from(self.dice.below(u64::from(parts)));
                    groups[group.expect("two or three")].push(NodeName::new(number));
                }
                groups.retain(|group| !group.is_empty());
                Partition::Groups(groups)
            }
            3 => Partition::Split(self.targets()),
            4 | 5 => Partition::OneWay { from: self.targets().nodes, to: self.targets().nodes },
            6 => Partition::Bridge(self.targets()),
            _ => Partition::Ring { reach: self.dice.between(1, 3) },
        };
        Verb::Partition { shape, in_flight: self.in_flight() }
    }

    /// A fault that takes processes down, and how long they stay down.
    fn down(&mut self, slot: Slot, verb: impl FnOnce(Targets, Option<Span>) -> Verb) -> Fault {
        let targets = self.targets();
        if self.dice.chance(30) {
            return fault(verb(targets, None), slot.start, End::For(slot.lasting));
        }
        fault(verb(targets, Some(slot.lasting)), slot.start, End::Gst)
    }

    fn stop(&mut self, slot: Slot) -> Fault {
        if self.dice.chance(40) {
            return fault(Verb::Restart { targets: self.targets() }, slot.start, End::Gst);
        }
        self.down(slot, |targets, restart_after| Verb::Stop { targets, restart_after })
    }

    fn crash_point(&mut self) -> Fault {
        let start = Trigger::Point {
            point: self.dice.pick(&CrashPoint::ALL),
            proposal_only: self.dice.chance(25),
            node: None,
            nth: self.dice.between(1, 40),
        };
        let targets = self.targets();
        let mut made = if self.dice.chance(80) {
            let restart_after = Some(self.dice.millis(10, 3_000));
            fault(Verb::Kill { targets, restart_after }, start, End::Gst)
        } else {
            let lasting = self.dice.millis(10, 3_000);
            fault(Verb::Pause { targets }, start, End::For(lasting))
        };
        made.repeat = self.dice.between(1, 4);
        made
    }

    /// Spends so many milliseconds of what honest clocks may be apart, if they are left.
    fn spend(&mut self, millis: u64) -> Option<()> {
        *self.apart = self.apart.checked_sub(millis)?;
        Some(())
    }

    fn clock(&mut self, slot: Slot) -> Option<Fault> {
        let targets = self.targets();
        let (verb, end) = match self.dice.below(6) {
            0 => {
                let by = self.dice.millis(1, 500);
                self.spend(by.millis())?;
                let by = SignedSpan { back: self.dice.chance(50), by };
                (Verb::Skew { targets, by }, End::For(slot.lasting))
            }
            1 => {
                let ppm = self.dice.between(1, 20_000);
                // The offset stays when the drift is over.
                self.spend(slot.lasting.millis() * u64::from(ppm) / 1_000_000 + 1)?;
                let ppm = i32::try_from(ppm).expect("a small number");
                let ppm = if self.dice.chance(50) { ppm } else { -ppm };
                (Verb::Drift { targets, ppm }, End::For(slot.lasting))
            }
            2 => {
                let by = self.dice.millis(1, 500);
                self.spend(by.millis())?;
                let by = SignedSpan { back: self.dice.chance(50), by };
                (Verb::Jump { targets, by, clock: ClockReading::Wall }, End::Gst)
            }
            3 => {
                // Timers fire early, and nothing is compared with anybody else's.
                let by = SignedSpan { back: false, by: self.dice.millis(1, 5_000) };
                (Verb::Jump { targets, by, clock: ClockReading::Monotonic }, End::Gst)
            }
            4 => {
                let amplitude = self.dice.millis(1, 400);
                self.spend(amplitude.millis())?;
                let period = self.dice.millis(10, 1_000);
                (Verb::Strobe { targets, amplitude, period }, End::For(slot.lasting))
            }
            _ => {
                // Both readings lose what they stood still for.
                let lasting = slot.lasting.min(Span::from_millis(600));
                self.spend(lasting.millis())?;
                (Verb::Freeze { targets }, End::For(lasting))
            }
        };
        Some(fault(verb, slot.start, end))
    }

    fn damage(&mut self, slot: Slot) -> Option<Fault> {
        if self.frame.damaged.is_empty() {
            return None;
        }
        let damaged = self.frame.damaged.clone();
        let targets = Targets { nodes: self.named(&damaged), from: None };
        if self.dice.chance(30) {
            let restart_after = Some(slot.lasting);
            return Some(fault(Verb::Reformat { targets, restart_after }, slot.start, End::Gst));
        }
        let verb = match self.dice.below(4) {
            0 => return Some(fault(Verb::Diverge { targets }, slot.start, End::Gst)),
            1 => Verb::Bitrot { targets, p: self.dice.permille(1, 100) },
            2 => Verb::MisdirectedWrite { targets, p: self.dice.permille(1, 100) },
            _ => Verb::FsyncLie { targets, p: self.dice.permille(100, 1_000) },
        };
        Some(fault(verb, slot.start, End::For(slot.lasting)))
    }
}

/// A fault that may as well not find its moment.
fn fault(verb: Verb, start: Trigger, end: End) -> Fault {
    Fault { verb, start, end, repeat: 1, must_fire: false, draw: None, line: 0 }
}
