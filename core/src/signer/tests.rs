//! The signer's rule against every refusal, and against a model that never forgets anything.

use std::collections::BTreeSet;

use proptest::{collection::vec, prelude::*};

use super::{Pledge, Refusal, SafetyState, SignState};
use crate::{
    block::Candidate,
    checkpoint::Checkpoint,
    codec,
    crypto::Signature,
    evidence::Evidence,
    testing::{
        cast::{candidate, checkpoint, finalize, notarize, nullify},
        strategies,
    },
    types::{Epoch, Height, ValidatorIndex, View},
    vote::{Kind, Statement, Vote},
};

fn safety(epoch: u64, floor: u64) -> SafetyState {
    SafetyState { epoch: Epoch::new(epoch), floor: View::new(floor) }
}

fn pledge(floor: u64, statement: Statement) -> Pledge {
    Pledge::View { safety: safety(0, floor), statement }
}

/// A statement as it would be in another epoch.
fn moved(statement: Statement, epoch: u64) -> Statement {
    let epoch = Epoch::new(epoch);
    match statement {
        Statement::Notarize(candidate) => Statement::Notarize(Candidate { epoch, ..candidate }),
        Statement::Nullify { view, .. } => Statement::Nullify { epoch, view },
        Statement::Finalize(candidate) => Statement::Finalize(Candidate { epoch, ..candidate }),
    }
}

/// A state that has promised these, with floor 0.
fn promised(statements: &[Statement]) -> SignState {
    let mut state = SignState::default();
    for statement in statements {
        state.record(&pledge(0, *statement)).expect("no contradiction");
    }
    state
}

#[test]
fn every_order_of_two_promises_in_one_view() {
    let conflict = |held, asked| Err(Refusal::Conflict { held, asked });
    let (a, b) = (notarize(5, 1), notarize(5, 2));
    let (c, d, skip) = (finalize(5, 1), finalize(5, 2), nullify(5));
    let table = [
        (a, b, conflict(a, b)),
        (a, skip, Ok(())),
        (a, c, Ok(())),
        // Another was notarized by the others: no offence, and the signer does not forbid it.
        (a, d, Ok(())),
        (skip, a, conflict(skip, a)),
        (skip, c, conflict(skip, c)),
        (c, d, conflict(c, d)),
        (c, skip, conflict(c, skip)),
        // A late Notarize for a view already finalized by the own vote.
        (c, a, Ok(())),
    ];
    for (held, asked, wanted) in table {
        let mut state = promised(&[held]);
        let before = state.clone();
        assert_eq!(state.record(&pledge(0, asked)), wanted, "{held:?} then {asked:?}");
        assert!(wanted.is_ok() || state == before, "a refusal changes nothing");
    }
}

#[test]
fn the_same_promise_again_is_no_second_promise() {
    for statements in [
        vec![notarize(5, 1), nullify(5)],
        vec![notarize(5, 1), finalize(5, 1)],
        vec![finalize(5, 1), notarize(5, 1)],
    ] {
        let mut state = promised(&statements);
        let before = state.clone();
        for statement in statements.iter().chain(statements.iter().rev()) {
            assert_eq!(state.record(&pledge(0, *statement)), Ok(()), "{statement:?}");
        }
        assert_eq!(state, before);
    }
}

#[test]
fn the_floor_never_goes_back() {
    let mut state = SignState::default();
    state
        .record(&Pledge::View { safety: safety(1, 4), statement: moved(nullify(5), 1) })
        .expect("fresh");
    for lower in [safety(1, 3), safety(0, 4), safety(0, 9)] {
        let epoch = lower.epoch.get();
        let refusal =
            state.record(&Pledge::View { safety: lower, statement: moved(nullify(20), epoch) });
        assert_eq!(refusal, Err(Refusal::FloorLowered { asked: lower, held: safety(1, 4) }));
    }
    let next = Pledge::View { safety: safety(2, 0), statement: moved(nullify(1), 2) };
    assert_eq!(state.record(&next), Ok(()), "a new epoch counts from the beginning");
}

#[test]
fn nothing_is_signed_at_or_below_the_floor() {
    let mut state = SignState::default();
    for view in [0, 3, 4] {
        let (view, floor) = (View::new(view), View::new(4));
        let refusal = state.record(&pledge(4, nullify(view.get())));
        assert_eq!(refusal, Err(Refusal::BelowFloor { view, floor }));
    }
    assert_eq!(state.record(&pledge(4, nullify(5))), Ok(()));
    assert_eq!(
        SignState::default().record(&pledge(0, nullify(0))),
        Err(Refusal::BelowFloor { view: View::ZERO, floor: View::ZERO })
    );
}

#[test]
fn a_statement_is_of_its_pledges_epoch() {
    let mut state = SignState::default();
    let later = moved(nullify(5), 1);
    assert_eq!(state.record(&pledge(0, later)), Err(Refusal::OtherEpoch(Epoch::new(1))));
}

/// The floor takes the promises below it along, and a raised floor cannot be used to forget a promise
/// above it.
#[test]
fn promises_below_the_floor_are_forgotten_and_those_above_are_not() {
    let mut state = promised(&[notarize(5, 1), nullify(6), finalize(7, 1)]);
    state.record(&pledge(5, nullify(8))).expect("above the floor");
    let views: Vec<u64> = state.promises().keys().map(|view| view.get()).collect();
    assert_eq!(views, [6, 7, 8]);
    let refusal = state.record(&pledge(6, nullify(7)));
    assert_eq!(refusal, Err(Refusal::Conflict { held: finalize(7, 1), asked: nullify(7) }));
    assert_eq!(state.safety(), safety(0, 5), "a refused pledge does not move the floor");
}

/// The order of views is the consensus machine's business, not the signer's.
#[test]
fn views_may_be_signed_in_any_order() {
    let mut state = promised(&[nullify(9), nullify(7), notarize(8, 1)]);
    assert_eq!(state.record(&pledge(0, finalize(5, 1))), Ok(()));
}

#[test]
fn what_was_promised_can_be_read_back() {
    let state = promised(&[notarize(5, 1), finalize(5, 1)]);
    let promises = state.promises()[&View::new(5)];
    let all: Vec<&Statement> = promises.iter().collect();
    assert_eq!(all, [&notarize(5, 1), &finalize(5, 1)]);
    assert_eq!(promises.notarized(), Some(candidate(5, 1).id()));
}

fn pledged(certified: u64, checkpoint: Checkpoint) -> Pledge {
    Pledge::Checkpoint { certified: Height::new(certified), checkpoint }
}

#[test]
fn one_checkpoint_a_height() {
    let mut state = SignState::default();
    let (held, asked) = (checkpoint(8, 1), checkpoint(8, 2));
    assert_eq!(state.record(&pledged(0, held)), Ok(()));
    let before = state.clone();
    assert_eq!(state.record(&pledged(0, asked)), Err(Refusal::CheckpointConflict { held, asked }),);
    assert_eq!(state.record(&pledged(0, held)), Ok(()), "the same promise is no second one");
    assert_eq!(state, before);
    assert_eq!(state.record(&pledged(0, checkpoint(16, 2))), Ok(()), "another height");
}

/// A promise is forgotten only when nothing can be promised at its height any more.
#[test]
fn nothing_is_signed_at_or_below_a_certified_checkpoint() {
    let mut state = SignState::default();
    for height in [8, 16, 24] {
        state.record(&pledged(0, checkpoint(height, 1))).expect("fresh");
    }
    let refused = |height, certified| Refusal::BelowCertified {
        height: Height::new(height),
        certified: Height::new(certified),
    };
    assert_eq!(state.record(&pledged(16, checkpoint(16, 1))), Err(refused(16, 16)));
    assert_eq!(state.certified(), Height::ZERO, "a refused pledge moves nothing");
    state.record(&pledged(16, checkpoint(32, 1))).expect("above");
    let heights: Vec<u64> = state.checkpoints().keys().map(|height| height.get()).collect();
    assert_eq!(heights, [24, 32]);
    assert_eq!(state.record(&pledged(16, checkpoint(8, 2))), Err(refused(8, 16)));
    let lowered = Refusal::CertifiedLowered { asked: Height::new(8), held: Height::new(16) };
    assert_eq!(state.record(&pledged(8, checkpoint(40, 1))), Err(lowered));
    assert_eq!(
        state.record(&pledged(16, checkpoint(24, 2))),
        Err(Refusal::CheckpointConflict { held: checkpoint(24, 1), asked: checkpoint(24, 2) }),
    );
}

#[test]
fn a_signer_that_nobody_certifies_stops() {
    let mut state = SignState::default();
    for height in 1..=64 {
        state.record(&pledged(0, checkpoint(height, 1))).expect("there is room");
    }
    assert_eq!(
        state.record(&pledged(0, checkpoint(65, 1))),
        Err(Refusal::TooManyCheckpoints(Height::new(65)))
    );
    assert_eq!(state.record(&pledged(0, checkpoint(64, 1))), Ok(()), "it was promised before");
    assert_eq!(state.record(&pledged(1, checkpoint(65, 1))), Ok(()), "one was certified");
}

/// Views and checkpoints are two books.
#[test]
fn checkpoints_outlive_an_epoch_and_mind_no_view() {
    let mut state = promised(&[nullify(5)]);
    state.record(&pledged(0, checkpoint(8, 1))).expect("fresh");
    let next = Pledge::View { safety: safety(1, 0), statement: moved(nullify(1), 1) };
    assert_eq!(state.record(&next), Ok(()));
    let (held, asked) = (checkpoint(8, 1), checkpoint(8, 2));
    assert_eq!(state.record(&pledged(0, asked)), Err(Refusal::CheckpointConflict { held, asked }));
    assert_eq!(state.safety(), safety(1, 0));
}

/// Everything ever promised, and the rule over all of it at once.
#[derive(Debug, Default)]
struct Model {
    safety: SafetyState,
    promised: BTreeSet<Statement>,
}

impl Model {
    fn allows(&self, pledge: &Pledge) -> bool {
        let Pledge::View { safety, statement } = pledge else { unreachable!("about views only") };
        let open = *safety >= self.safety
            && statement.epoch() == safety.epoch
            && statement.view() > safety.floor;
        let held = |kind: Kind| {
            let here = |other: &&Statement| {
                (other.epoch(), other.view()) == (statement.epoch(), statement.view())
                    && other.kind() == kind
            };
            self.promised.iter().find(here)
        };
        let clash = match statement.kind() {
            Kind::Notarize => held(Kind::Notarize).or(held(Kind::Nullify)),
            Kind::Nullify => held(Kind::Finalize),
            Kind::Finalize => held(Kind::Finalize).or(held(Kind::Nullify)),
        };
        open && (self.promised.contains(statement) || clash.is_none())
    }
}

fn contested_pledge() -> impl Strategy<Value = Pledge> {
    let epochs = prop_oneof![6 => Just(0u64), 1 => Just(1u64)];
    let floor = prop_oneof![6 => Just(0u64), 1 => 0..3u64];
    (epochs, floor, strategies::contested_statement(), 0..12u8).prop_map(
        |(epoch, floor, statement, odd)| Pledge::View {
            safety: safety(epoch, floor),
            statement: if odd == 0 { statement } else { moved(statement, epoch) },
        },
    )
}

proptest! {
    /// The signer agrees with the model on every pledge, forgets nothing that matters, survives
    /// being written and read at any point, and never signs anything that is an offence.
    #[test]
    fn agrees_with_a_model_that_forgets_nothing(pledges in vec(contested_pledge(), 0..60)) {
        let mut state = SignState::default();
        let mut model = Model::default();
        for pledge in pledges {
            let before = state.clone();
            let allowed = model.allows(&pledge);
            let outcome = state.record(&pledge);
            prop_assert_eq!(outcome.is_ok(), allowed, "{:?}: {:?}", pledge, outcome);
            if outcome.is_err() {
                prop_assert_eq!(&state, &before, "a refusal changes nothing");
                continue;
            }
            let Pledge::View { safety, statement } = pledge else { unreachable!("about views only") };
            model.safety = safety;
            model.promised.insert(statement);
            prop_assert_eq!(state.safety(), safety);
            prop_assert!(state.promises().keys().all(|view| *view > safety.floor));
            prop_assert_eq!(
                codec::decode::<SignState>(&codec::encode(&state), usize::MAX),
                Ok(state.clone()),
            );
        }
        let vote = |statement: &Statement| Vote {
            statement: *statement,
            signer: ValidatorIndex::new(0),
            signature: Signature::new([0; 64]),
        };
        for a in &model.promised {
            for b in &model.promised {
                prop_assert_eq!(Evidence::of(&vote(a), &vote(b)), None, "I4: {:?} {:?}", a, b);
            }
        }
    }

    /// Any pledge a machine could invent is recorded or refused, never a panic.
    #[test]
    fn any_pledges_are_judged(pledges in vec(strategies::pledge(), 0..20)) {
        let mut state = SignState::default();
        for pledge in pledges {
            let held = (state.safety(), state.certified());
            if state.record(&pledge).is_ok() {
                prop_assert!(state.safety() >= held.0 && state.certified() >= held.1);
            }
            let mut heights = state.checkpoints().keys();
            prop_assert!(heights.all(|height| *height > state.certified()));
        }
    }
}
