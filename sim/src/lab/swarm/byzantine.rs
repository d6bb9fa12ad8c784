//! The lies of a random scenario: one to three for each validator that was drawn to lie.

use quorate_core::{
    time::Span,
    types::{Height, View},
};

use super::{Feature, Frame, dice::Dice};
use crate::scenario::{
    Behaviour, ByzantineSpec, Distribution, MessageKind, Mutation, NodeName, Ppm, Scenario,
    Selector, Split, When,
};

pub(super) fn add(frame: &Frame, scenario: &mut Scenario) {
    if !frame.has(Feature::Byzantine) {
        return;
    }
    for liar in &frame.liars {
        let mut dice = frame.dice(&format!("lies of n{liar}"));
        for _ in 0..dice.between(1, 3) {
            let behaviour = behaviour(frame, &mut dice);
            if !behaviour.is_available() {
                continue;
            }
            // A twin is one for its whole life.
            let when = match behaviour {
                Behaviour::Twin => When::Always,
                _ => when(&mut dice),
            };
            let after = if dice.chance(20) && behaviour != Behaviour::Twin {
                dice.millis(100, frame.gst.millis())
            } else {
                Span::ZERO
            };
            let nodes = Selector::Nodes(vec![NodeName::new(*liar)]);
            let known = |spec: &ByzantineSpec| spec.nodes == nodes && spec.behaviour == behaviour;
            if !scenario.byzantine.iter().any(known) {
                let spec = ByzantineSpec { nodes, behaviour, when, after, draw: None, line: 0 };
                scenario.byzantine.push(spec);
            }
        }
    }
}

fn behaviour(frame: &Frame, dice: &mut Dice) -> Behaviour {
    let everybody: Vec<u32> = (0..frame.validators).collect();
    match dice.below(20) {
        0 => Behaviour::EquivocateProposal { split: split(&everybody, dice) },
        1 => Behaviour::EquivocateVote { split: split(&everybody, dice) },
        2 => Behaviour::Twin,
        3 => {
            let kinds: Vec<MessageKind> =
                MessageKind::ALL.into_iter().map(|(kind, _)| kind).collect();
            Behaviour::Withhold { kinds: dice.some(&kinds, 3) }
        }
        4 => Behaviour::SilentTo { to: Selector::Nodes(names(&everybody, dice)) },
        5 => Behaviour::Garbage,
        6 => Behaviour::BadSignature,
        7 => Behaviour::ConflictingCertificate,
        8 => Behaviour::ReplayStale,
        9 => Behaviour::Amnesia,
        10 => {
            let min = dice.millis(1, 200);
            let by = Distribution::Uniform { min, max: min.plus(dice.millis(1, 2_000)) };
            Behaviour::DelayProposal { by }
        }
        11 => Behaviour::InvalidBlock,
        12 => Behaviour::WrongStateRoot,
        13 => Behaviour::LieInSync,
        14 => Behaviour::Unpayable,
        15 => Behaviour::Forge,
        16 => Behaviour::SkipParent,
        17 => Behaviour::Steal,
        18 => Behaviour::Flood { messages_per_second: dice.between(10, 200) },
        _ => Behaviour::Mutate { scope: dice.pick(&[Mutation::Small, Mutation::Any]) },
    }
}

fn names(everybody: &[u32], dice: &mut Dice) -> Vec<NodeName> {
    dice.some(everybody, everybody.len()).into_iter().map(NodeName::new).collect()
}

fn split(everybody: &[u32], dice: &mut Dice) -> Split {
    if dice.chance(50) {
        return Split::Random;
    }
    Split::Groups(names(everybody, dice), names(everybody, dice))
}

fn when(dice: &mut Dice) -> When {
    match dice.below(10) {
        0..4 => When::Always,
        4..8 => When::Random(Ppm::new(dice.between(50, 900) * 1_000).expect("below a whole")),
        8 => {
            let first = 1 + dice.below(30);
            When::AtHeights((first..first + 1 + dice.below(5)).map(Height::new).collect())
        }
        _ => {
            let first = 1 + dice.below(40);
            When::AtViews((first..first + 1 + dice.below(8)).map(View::new).collect())
        }
    }
}
