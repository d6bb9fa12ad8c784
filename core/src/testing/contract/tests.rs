//! The contract holds for a model of a driver in a few lines, and notices each way in which it can lie.

use super::{DriverUnderTest, Operation, check};
use crate::{
    effect::{Effect, Input},
    signer::{Pledge, SignState},
    store::{Recovered, SignerRecord, Stored},
    testing::cast::Cast,
    types::Seq,
};

/// A way to break the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    None,
    AnswersEarly,
    SignsBeforeRecording,
    VotesBeforeWrites,
    ForgetsPromises,
    ForgetsWrites,
    GoesOn,
    SendsOn,
    RecordsFirst,
}

/// A driver whose disk is memory.
struct Model {
    cast: Cast,
    lie: Lie,
    stored: Stored,
    promised: SignState,
    asked: Vec<Effect>,
    answers: Vec<Input>,
    held: bool,
    fails: Option<Operation>,
    stopped: bool,
    sent: usize,
}

impl Model {
    fn new(cast: &Cast, lie: Lie) -> Self {
        Self {
            cast: cast.clone(),
            lie,
            stored: Stored::default(),
            promised: SignState::default(),
            asked: Vec::new(),
            answers: Vec::new(),
            held: false,
            fails: None,
            stopped: false,
            sent: 0,
        }
    }

    fn keep(&mut self) {
        let asked = std::mem::take(&mut self.asked);
        for effect in asked.iter().filter(|_| self.lie == Lie::RecordsFirst) {
            if let Effect::Pledge { pledge, .. } = effect {
                self.promised.record(pledge).expect("nothing contradictory");
            }
        }
        let mut votes = Vec::new();
        let mut written = None;
        for effect in asked {
            match effect {
                Effect::Write { seq, batch } => {
                    if self.fails == Some(Operation::Append) {
                        self.stopped = self.lie != Lie::GoesOn;
                        return;
                    }
                    if self.lie != Lie::ForgetsWrites {
                        batch.iter().for_each(|record| self.stored.apply(record));
                    }
                    written = Some(seq);
                }
                Effect::Pledge { pledge, .. } => votes.push(pledge),
                other => panic!("{other:?}"),
            }
        }
        let written = written.map(|upto: Seq| Input::Written { upto });
        if self.lie == Lie::VotesBeforeWrites {
            self.sign(&votes);
            self.answers.extend(written);
        } else {
            self.answers.extend(written);
            self.sign(&votes);
        }
    }

    fn sign(&mut self, pledges: &[Pledge]) {
        let vote = |pledge: &Pledge| Input::Pledged(self.cast.vote(0, pledge.promise()));
        let votes: Vec<Input> = pledges.iter().map(vote).collect();
        if self.lie == Lie::SignsBeforeRecording {
            self.answers.extend(votes.clone());
        }
        if self.fails == Some(Operation::Record) {
            self.stopped = true;
            return;
        }
        for pledge in pledges.iter().filter(|_| self.lie != Lie::ForgetsPromises) {
            self.promised.record(pledge).expect("nothing contradictory");
        }
        if self.lie != Lie::SignsBeforeRecording {
            self.answers.extend(votes);
        }
    }
}

impl DriverUnderTest for Model {
    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send { .. } => {
                    self.sent += usize::from(!self.stopped || self.lie == Lie::SendsOn);
                }
                _ if self.stopped => {}
                Effect::Write { seq, .. } if self.lie == Lie::AnswersEarly => {
                    self.answers.push(Input::Written { upto: seq });
                    self.asked.push(effect);
                }
                other => self.asked.push(other),
            }
        }
    }

    fn settle(&mut self) -> Vec<Input> {
        if !self.held && !self.stopped {
            self.keep();
        }
        std::mem::take(&mut self.answers)
    }

    fn hold_disk(&mut self, held: bool) {
        self.held = held;
    }

    fn fail_next(&mut self, operation: Operation) {
        self.fails = Some(operation);
    }

    fn has_stopped(&mut self) -> bool {
        self.stopped
    }

    fn sent(&mut self) -> usize {
        self.sent
    }

    fn crash(&mut self) -> Recovered {
        self.asked.clear();
        self.answers.clear();
        self.fails = None;
        self.stopped = false;
        self.stored.recover(SignerRecord::Intact(self.promised.clone()), Vec::new())
    }
}

#[test]
fn a_driver_that_tells_the_truth_passes() {
    let cast = Cast::equal(4);
    check(&cast, |cast| Model::new(cast, Lie::None));
}

#[test]
fn every_lie_is_noticed() {
    let cast = Cast::equal(4);
    for lie in [
        Lie::AnswersEarly,
        Lie::SignsBeforeRecording,
        Lie::VotesBeforeWrites,
        Lie::ForgetsPromises,
        Lie::ForgetsWrites,
        Lie::GoesOn,
        Lie::SendsOn,
        Lie::RecordsFirst,
    ] {
        let outcome = std::panic::catch_unwind(|| check(&cast, |cast| Model::new(cast, lie)));
        assert!(outcome.is_err(), "{lie:?} passes");
    }
}
