//! Every step of the order "log, sign-state, signature, send" can be left out, and is missed when it is.

use std::sync::Arc;

use quorate_core::{
    block::{Block, Candidate},
    checkpoint::Checkpoint,
    message::{Message, Status},
    store::Record,
    types::{Digest, Epoch, Height, View},
    vote::{Statement, Vote},
};

use super::{
    super::stage::{
        Seen, Stage, assert_broken, checkpoint, durable, nullify, pledged, pledged_checkpoint,
        sent, started, wrote,
    },
    DurableVotes,
};
use crate::{scenario::Invariant, trace::What};

struct Script {
    stage: Stage,
    block: Arc<Block>,
    candidate: Candidate,
    vote: Vote,
}

/// One Notarize from the log to the network.
fn script() -> Script {
    let mut stage = Stage::new(4, DurableVotes::default());
    stage.fine(0, started(0, 0, 0));
    let block = stage.first_block(0);
    let candidate = stage.on_root(1, &block);
    let vote = stage.vote(0, Statement::Notarize(candidate));
    Script { stage, block, candidate, vote }
}

/// Goes through the steps, without the one at `left_out`.
fn play(script: &mut Script, left_out: Option<usize>) -> Seen {
    let statement = script.vote.statement;
    let steps = [
        wrote(1, vec![Record::Block(Arc::clone(&script.block))]),
        pledged(2, statement),
        durable(2),
        What::SignStateDurable(Box::new(statement.into())),
        What::Signed(Box::new(script.vote.widened())),
        sent(Message::Vote(script.vote)),
    ];
    let kept = steps.into_iter().enumerate().filter(|(place, _)| Some(*place) != left_out);
    kept.map(|(_, what)| what).try_for_each(|what| script.stage.see(0, what))
}

#[test]
fn all_steps_in_order_are_fine() {
    assert_eq!(play(&mut script(), None), Ok(()));
}

#[test]
fn each_step_is_missed() {
    let reasons = [
        (0, "without its block"),
        (1, "in the sign-state before the log is durable"),
        (2, "in the sign-state before the log is durable"),
        (3, "signed notarize v1"),
        (4, "without having signed it"),
    ];
    for (left_out, reason) in reasons {
        assert_broken(play(&mut script(), Some(left_out)), Invariant::DurableVotes, reason);
    }
}

#[test]
fn a_crash_forgets_what_was_not_durable() {
    let mut script = script();
    let statement = script.vote.statement;
    let block = Record::Block(Arc::clone(&script.block));
    script.stage.fine(0, wrote(1, vec![block.clone()]));
    script.stage.fine(0, pledged(2, statement));
    // Neither survives, so neither may be relied on in the next life.
    script.stage.fine(0, started(1, 0, 0));
    let seen = script.stage.see(0, What::SignStateDurable(Box::new(statement.into())));
    assert_broken(seen, Invariant::DurableVotes, "before the log is durable");
    let seen = script.stage.see(0, pledged(1, statement));
    assert_broken(seen, Invariant::DurableVotes, "without its block");
}

#[test]
fn a_signature_outlives_a_crash_with_its_sign_state() {
    let mut script = script();
    assert_eq!(play(&mut script, None), Ok(()));
    script.stage.fine(0, started(1, 0, 2));
    script.stage.fine(0, What::Signed(Box::new(script.vote.widened())));
    script.stage.fine(0, sent(Message::Vote(script.vote)));
}

#[test]
fn nothing_leaves_after_a_failed_write() {
    let mut script = script();
    assert_eq!(play(&mut script, None), Ok(()));
    script.stage.fine(0, What::WriteFailed);
    let status = Message::Status(Status {
        epoch: Epoch::ZERO,
        view: View::new(1),
        finalized_view: View::ZERO,
        finalized_height: Height::ZERO,
        finalized_id: Digest::ZERO,
        checkpoint: Height::ZERO,
    });
    let seen = script.stage.send(0, status);
    assert_broken(seen, Invariant::DurableVotes, "after a failed write");
}

#[test]
fn a_view_needs_its_entry_proof_and_a_finalize_its_notarization() {
    let mut script = script();
    let seen = script.stage.see(0, pledged(1, nullify(2)));
    assert_broken(seen, Invariant::DurableVotes, "without the view's entry proof");
    let entry = script.stage.certificate(nullify(1), &[0, 1, 2]);
    script.stage.fine(0, wrote(2, vec![Record::Certificate(entry)]));
    script.stage.fine(0, pledged(3, nullify(2)));

    let finalize = Statement::Finalize(script.candidate);
    script.stage.fine(0, wrote(4, vec![Record::Block(Arc::clone(&script.block))]));
    let seen = script.stage.see(0, pledged(5, finalize));
    assert_broken(seen, Invariant::DurableVotes, "without its Notarization");
    let notarization = script.stage.certificate(Statement::Notarize(script.candidate), &[0, 1, 2]);
    script.stage.fine(0, wrote(6, vec![Record::Certificate(notarization)]));
    script.stage.fine(0, pledged(7, finalize));
}

/// The state can be computed again, the block it came of cannot.
#[test]
fn a_checkpoint_needs_its_block_final_on_disk() {
    let mut script = script();
    let block = Arc::clone(&script.block);
    let own = Checkpoint { block: block.digest(), ..checkpoint(1, 1) };
    let notarization = script.stage.certificate(Statement::Notarize(script.candidate), &[0, 1, 2]);
    let finality = script.stage.advance(script.candidate, &[0, 1, 2], &[&block]);
    let records = vec![Record::Block(block), Record::Certificate(notarization), finality];
    script.stage.fine(0, wrote(1, records));
    let seen = script.stage.see(0, pledged_checkpoint(2, own));
    assert_broken(seen, Invariant::DurableVotes, "before its block was final on disk");
    script.stage.fine(0, durable(1));
    script.stage.fine(0, pledged_checkpoint(3, own));
    let seen = script.stage.see(0, pledged_checkpoint(4, checkpoint(1, 1)));
    assert_broken(seen, Invariant::DurableVotes, "another block than the final one");
}
