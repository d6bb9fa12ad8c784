//! Each mark is set by the situation it is named after and not before.

use std::sync::Arc;

use quorate_core::{
    checkpoint::{Divergence, Source},
    codec::Bounded,
    effect::{PeerFault, Timer},
    event::{Event, TimeoutReason},
    message::{BlockResponse, CertificateRequest, Message},
    store::Record,
    types::{Digest, Epoch, Height, PeerId, Seq, ValidatorIndex, View},
    vote::{Kind, Statement},
};

use super::super::stage::{Stage, checkpoint, delivered, nullify, sent, started, wrote};
use crate::{
    scenario::Mark,
    trace::{DownReason, DropReason, NodeIndex, Parcel, What},
};

fn reported(event: Event) -> What {
    What::Reported(Arc::new(event))
}

fn finalized(height: u64, view: u64, block: Digest) -> What {
    let (height, view) = (Height::new(height), View::new(view));
    reported(Event::Finalized { height, view, block })
}

/// The marks after these observations at n0, all but the last of which must leave none of its own.
fn marks(stage: &mut Stage, script: Vec<What>) -> Vec<Mark> {
    script.into_iter().for_each(|what| stage.fine(0, what));
    stage.checks.marks().keys().copied().collect()
}

#[test]
fn single_observations() {
    let parcel = Parcel::new(Arc::new(Message::Certificates(Bounded::default())));
    let to = NodeIndex::new(1);
    let torn = What::Started {
        life: 1,
        height: Height::ZERO,
        survived: Seq::ZERO,
        torn_bytes: 3,
        amnesiac: true,
    };
    let skipped = Event::TimedOut {
        view: View::new(1),
        reason: TimeoutReason::LeaderInactive,
        nullifies: true,
    };
    let (height, state_root) = (Height::new(8), Digest::ZERO);
    let certified = Event::Checkpointed { height, state_root, gathered: true };
    let signer = ValidatorIndex::new(3);
    let dissent =
        Event::CheckpointDissent { signer, height, certified: state_root, theirs: state_root };
    let overdue = Event::CheckpointsOverdue { certified: height, finalized: Height::new(48) };
    let differs = Divergence {
        ours: checkpoint(8, 1),
        theirs: checkpoint(8, 2),
        source: Source::Certificate,
    };
    let bad = What::Penalized { peer: PeerId::default(), fault: PeerFault::BadResponse };
    let cases: Vec<(What, Vec<Mark>)> = vec![
        (
            What::Dropped { to, why: DropReason::Loss, parcel: parcel.clone() },
            vec![Mark::MessageDropped],
        ),
        (What::Duplicated { to, parcel }, vec![Mark::MessageDuplicated]),
        (torn, vec![Mark::TornTailTruncated, Mark::SignerLost]),
        (What::WriteFailed, vec![Mark::WriteFailed]),
        (What::WentDown(DownReason::CorruptLog), vec![Mark::CorruptionDetected]),
        (What::Woke(Timer::Timestamp), vec![Mark::TimestampWait]),
        (sent(Message::Votes(Bounded::default())), vec![Mark::StandstillResend]),
        (bad, vec![Mark::BadSyncResponseRejected]),
        (reported(skipped), vec![Mark::LeaderSkipped]),
        (
            reported(Event::Fetched { block: Digest::ZERO, height: Height::new(1) }),
            vec![Mark::BlockFetched],
        ),
        (reported(certified), vec![Mark::CheckpointCertified]),
        (reported(dissent), vec![Mark::CheckpointDissent]),
        (reported(overdue), vec![Mark::CheckpointsOverdue]),
        (reported(Event::ExecutionHalted(Box::new(differs))), vec![Mark::ExecutionHalted]),
        (
            reported(Event::Announced { view: View::new(1), bytes: 10, body_bytes: 100 }),
            vec![Mark::BlockAnnounced],
        ),
        (
            reported(Event::TransactionsGiven { view: View::new(1), count: 1, bytes: 206 }),
            vec![Mark::TransactionsGiven],
        ),
        (What::Paused, vec![]),
    ];
    for (what, expected) in cases {
        assert_eq!(marks(&mut Stage::unwatched(4), vec![what]), expected);
    }
}

#[test]
fn a_view_change_is_complete_when_a_later_view_is_final() {
    let mut stage = Stage::unwatched(4);
    let given_up =
        Event::Certified { kind: Kind::Nullify, view: View::new(2), id: None, gathered: true };
    assert_eq!(marks(&mut stage, vec![reported(given_up), finalized(1, 1, Digest::ZERO)]), []);
    let seen = marks(&mut stage, vec![finalized(2, 3, Digest::ZERO)]);
    assert_eq!(seen, [Mark::ViewChangeCompleted]);
}

#[test]
fn lives_after_the_first_are_told_apart() {
    let mut stage = Stage::unwatched(4);
    let resumed =
        Event::Started { view: View::new(3), height: Height::new(1), repeated: 2, votes: true };
    assert_eq!(marks(&mut stage, vec![started(0, 0, 0), reported(resumed.clone())]), []);
    let seen = marks(&mut stage, vec![started(1, 1, 0), reported(resumed)]);
    assert_eq!(seen, [Mark::VoteRecoveredFromLog]);

    let block = stage.first_block(0);
    let candidate = stage.on_root(3, &block);
    let proposed = Event::Proposed { candidate, height: Height::new(2), transactions: 0 };
    let script = vec![reported(proposed), finalized(2, 3, block.digest())];
    let seen = marks(&mut stage, script);
    let expected =
        [Mark::VoteRecoveredFromLog, Mark::ProposalAfterRestart, Mark::RestartedAndFinalized];
    assert_eq!(seen, expected);
}

#[test]
fn blocks_from_an_answer_that_become_final_are_sync() {
    let mut stage = Stage::unwatched(4);
    let block = stage.first_block(0);
    let tip = stage.on_root(1, &block);
    let answer = BlockResponse {
        id: 1,
        blocks: Bounded::new(vec![Arc::clone(&block)]),
        finalization: Some(stage.certificate(Statement::Finalize(tip), &[0, 1, 2])),
        ..BlockResponse::default()
    };
    assert_eq!(marks(&mut stage, vec![delivered(1, Message::BlockResponse(answer))]), []);
    let advance = stage.advance(tip, &[0, 1, 2], &[&block]);
    let seen = marks(&mut stage, vec![wrote(1, vec![Record::Block(block), advance])]);
    assert_eq!(seen, [Mark::CaughtUpBySync]);
}

#[test]
fn two_stories_by_one_liar_are_equivocation() {
    let mut stage = Stage::unwatched(4).corrupt(&[3]);
    let (left, right) = (stage.first_block(0), stage.first_block(1));
    let vote = |stage: &Stage, block| {
        let statement = Statement::Notarize(stage.on_root(1, block));
        delivered(3, Message::Vote(stage.vote(3, statement)))
    };
    let script = vec![
        vote(&stage, &left),
        vote(&stage, &left),
        delivered(3, Message::Vote(stage.vote(3, nullify(1)))),
    ];
    assert_eq!(marks(&mut stage, script), []);
    let last = vote(&stage, &right);
    assert_eq!(marks(&mut stage, vec![last]), [Mark::EquivocationObserved]);
}

#[test]
fn a_certificate_is_fetched_if_it_was_asked_for() {
    let mut stage = Stage::unwatched(4);
    let certificate = stage.certificate(nullify(2), &[0, 1, 2]);
    let answer = || {
        let certificates = Bounded::new(vec![certificate.clone()]);
        delivered(1, Message::Certificates(certificates))
    };
    let ask = |view| {
        let (epoch, view) = (Epoch::ZERO, View::new(view));
        sent(Message::CertificateRequest(CertificateRequest { epoch, view, kind: None }))
    };
    assert_eq!(marks(&mut stage, vec![answer(), ask(3), answer()]), []);
    assert_eq!(marks(&mut stage, vec![ask(2), answer()]), [Mark::CertificateFetched]);
}
