//! What every driver owes the core about its log, as one test for all drivers.
//!
//! A driver makes writes and promises durable in the order they were asked for, answers none before that,
//! signs the same promise twice with the same bytes, finds all that it answered after a restart, and stops
//! for good when its disk fails (P52 to P55). Whoever implements [`DriverUnderTest`] brings a disk that can
//! be held back and made to fail.
//!
//! The simulator's driver is not run through it: it hands each answer to its replica within the same call, so
//! there is no place to look at answers without taking that driver apart. Its checkers look at the same
//! order in the trace of every run instead.

use crate::{
    effect::{Effect, Input, Recipients},
    message::{Message, Status},
    signer::{Pledge, SafetyState, SignState},
    store::{Batch, Recovered, SignerRecord, Stored},
    testing::cast::{Cast, finalize, notarize, nullify},
    types::{Digest, Epoch, Height, Seq, View},
    vote::{Promise, Statement, Vote},
};

/// An operation of a disk that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Making records durable.
    Append,
    /// Making promises durable.
    Record,
}

/// The part of a driver that keeps the log and sends, for the member at index 0 of a cast.
pub trait DriverUnderTest {
    /// Sees to effects as if a step had had them.
    fn perform(&mut self, effects: Vec<Effect>);

    /// Waits until everything asked for is answered, or the disk is held back or has failed; then gives the
    /// answers since the last time, in their order.
    fn settle(&mut self) -> Vec<Input>;

    /// From now on no operation of the disk comes to an end, or all of them do again.
    fn hold_disk(&mut self, held: bool);

    /// The next operation of this kind fails.
    fn fail_next(&mut self, operation: Operation);

    /// Whether the driver has stopped for good.
    fn has_stopped(&mut self) -> bool;

    /// Messages that have left.
    fn sent(&mut self) -> usize;

    /// Ends the driver without warning, starts it again on the same disk, and gives what it found.
    fn crash(&mut self) -> Recovered;
}

/// Runs the whole contract, each part on a new driver for a validator of this cast.
///
/// # Panics
/// If the driver breaks it.
pub fn check<D: DriverUnderTest>(cast: &Cast, mut make: impl FnMut(&Cast) -> D) {
    answers_follow_the_log(cast, make(cast));
    nothing_is_answered_before_it_is_durable(cast, make(cast));
    the_same_promise_gets_the_same_signature(cast, make(cast));
    a_restart_finds_what_was_answered(cast, make(cast));
    nothing_leaves_after_a_failed_append(cast, make(cast));
    nothing_leaves_after_a_failed_record(cast, make(cast));
}

/// Answers to writes ascend, those to pledges keep their order, and no pledge is answered before the writes
/// it follows.
fn answers_follow_the_log(cast: &Cast, mut driver: impl DriverUnderTest) {
    let effects = log(cast);
    driver.perform(effects.clone());
    let answers = driver.settle();
    let mut written = Seq::ZERO;
    let mut votes: Vec<Vote<Promise>> = Vec::new();
    let pledges: Vec<(Seq, Promise)> = effects.iter().filter_map(pledge).collect();
    for answer in &answers {
        match answer {
            Input::Written { upto } => {
                assert!(written < *upto, "P52: {upto:?} is answered after {written:?}");
                written = *upto;
            }
            Input::Pledged(vote) => {
                let (seq, promise) = pledges[votes.len()];
                assert_eq!(vote.statement, promise, "P52: pledges are answered out of order");
                let before = last_write_before(&effects, seq);
                assert!(
                    before <= written,
                    "P52: the pledge at {seq:?} is answered when only {written:?} is durable"
                );
                assert_vote(cast, vote);
                votes.push(*vote);
            }
            other => panic!("nobody asked for {other:?}"),
        }
    }
    assert_eq!(votes.len(), pledges.len(), "every pledge is answered: {answers:?}");
    let last = last_write_before(&effects, Seq::new(u64::MAX));
    assert_eq!(written, last, "every write is answered: {answers:?}");
}

/// While the disk is held back there are no answers, and a crash leaves nothing of what was asked.
fn nothing_is_answered_before_it_is_durable(cast: &Cast, mut driver: impl DriverUnderTest) {
    driver.hold_disk(true);
    driver.perform(log(cast));
    let early = driver.settle();
    assert!(early.is_empty(), "P53: answered while the disk is held back: {early:?}");
    driver.hold_disk(false);
    let answers = driver.settle();
    let asked = log(cast).iter().filter_map(pledge).count();
    let votes = answers.iter().filter(|one| matches!(one, Input::Pledged(_))).count();
    assert_eq!(votes, asked, "everything is answered once the disk goes on: {answers:?}");
    assert_found(cast, &driver.crash(), &log(cast));
}

/// A promise that is asked for again, in the same life or after a restart, gets the vote it got.
fn the_same_promise_gets_the_same_signature(_cast: &Cast, mut driver: impl DriverUnderTest) {
    let asked = |seq| vec![view_pledge(seq, 0, notarize(1, b'a'))];
    driver.perform(asked(1));
    let first = driver.settle();
    driver.perform(asked(2));
    assert_eq!(driver.settle(), first, "the same promise gets another vote");
    let _ = driver.crash();
    driver.perform(asked(1));
    assert_eq!(driver.settle(), first, "the same promise gets another vote after a restart");
}

/// All that was answered is there after a crash.
fn a_restart_finds_what_was_answered(cast: &Cast, mut driver: impl DriverUnderTest) {
    let effects = log(cast);
    driver.perform(effects.clone());
    let _ = driver.settle();
    assert_found(cast, &driver.crash(), &effects);
    // And a second crash changes nothing.
    assert_found(cast, &driver.crash(), &effects);
}

/// An append that fails is the end: no answer, no vote, and nothing is sent.
fn nothing_leaves_after_a_failed_append(cast: &Cast, mut driver: impl DriverUnderTest) {
    driver.fail_next(Operation::Append);
    driver.perform(log(cast));
    let answers = driver.settle();
    assert!(answers.is_empty(), "P53: answered though the disk failed: {answers:?}");
    assert_silent(cast, &mut driver);
    // Nor was a promise recorded that follows on writes which are not there.
    let found = driver.crash();
    let nothing = Recovered::nothing();
    assert_eq!(found.signer, nothing.signer, "P53: promised though the writes are not durable");
}

/// A record of promises that fails is the end: no vote, and nothing is sent.
fn nothing_leaves_after_a_failed_record(cast: &Cast, mut driver: impl DriverUnderTest) {
    driver.fail_next(Operation::Record);
    driver.perform(log(cast));
    let answers = driver.settle();
    let votes: Vec<&Input> =
        answers.iter().filter(|one| matches!(one, Input::Pledged(_))).collect();
    assert!(votes.is_empty(), "P53: signed though the promise is not durable: {votes:?}");
    assert_silent(cast, &mut driver);
    let found = driver.crash();
    assert_eq!(found.signer, Recovered::nothing().signer, "a record that failed is there");
}

/// Whatever is asked of a driver whose disk has failed, it does nothing.
fn assert_silent(cast: &Cast, driver: &mut impl DriverUnderTest) {
    assert!(driver.has_stopped(), "a driver goes on after its disk has failed");
    let before = driver.sent();
    let mut effects = vec![send()];
    effects.extend(log(cast));
    effects.push(send());
    driver.perform(effects);
    let answers = driver.settle();
    assert!(answers.is_empty(), "a driver that has stopped answers: {answers:?}");
    assert_eq!(driver.sent(), before, "a driver that has stopped sends");
}

/// What a driver found is what the log says.
fn assert_found(cast: &Cast, found: &Recovered, effects: &[Effect]) {
    let mut stored = Stored::default();
    let mut promised = SignState::default();
    for effect in effects {
        match effect {
            Effect::Write { batch, .. } => batch.iter().for_each(|record| stored.apply(record)),
            Effect::Pledge { pledge, .. } => {
                promised.record(pledge).expect("the contract asks for nothing contradictory");
            }
            other => panic!("not part of the log: {other:?}"),
        }
    }
    let expected = stored.recover(SignerRecord::Intact(promised), Vec::new());
    let of = |one: &Recovered| (one.finalized.clone(), one.head.clone(), one.signer.clone());
    assert_eq!(of(found), of(&expected), "P55: something that was answered is gone");
    assert_eq!(found.certificates, expected.certificates, "P55: certificates are gone");
    assert_eq!(found.blocks, expected.blocks, "P55: blocks are gone");
    let genesis = cast.genesis().digest();
    let parent = found.head.as_ref().map(|block| block.header().height.previous());
    assert!(parent.is_some(), "the log of the contract reaches beyond the genesis {genesis}");
}

fn assert_vote(cast: &Cast, vote: &Vote<Promise>) {
    assert_eq!(*vote, cast.vote(0, vote.statement), "a vote is not the validator's own");
}

/// Writes and promises in turns, as a validator with some views behind it emits them: two heights become
/// final, a third is under way.
fn log(cast: &Cast) -> Vec<Effect> {
    let chain = cast.chain(3);
    let [first, second, third] = &chain[..] else { panic!("a chain of three") };
    let proof = |link: &crate::testing::cast::Link| crate::store::Record::Proof(link.proof());
    vec![
        write(1, first.recorded()),
        view_pledge(2, 0, notarize(1, b'a')),
        view_pledge(3, 0, finalize(1, b'a')),
        write(4, vec![first.finalized(), proof(first)]),
        write(5, second.recorded()),
        view_pledge(6, 1, nullify(2)),
        write(7, vec![second.finalized(), proof(second)]),
        view_pledge(8, 2, notarize(3, b'c')),
        write(9, third.recorded()),
    ]
}

fn write(seq: u64, batch: Batch) -> Effect {
    Effect::Write { seq: Seq::new(seq), batch }
}

fn view_pledge(seq: u64, floor: u64, statement: Statement) -> Effect {
    let safety = SafetyState { epoch: Epoch::ZERO, floor: View::new(floor) };
    Effect::Pledge { seq: Seq::new(seq), pledge: Pledge::View { safety, statement } }
}

fn send() -> Effect {
    let status = Status {
        epoch: Epoch::ZERO,
        view: View::ZERO,
        finalized_view: View::ZERO,
        finalized_height: Height::ZERO,
        finalized_id: Digest::ZERO,
        checkpoint: Height::ZERO,
    };
    Effect::Send { to: Recipients::Committee, message: Message::Status(status) }
}

fn pledge(effect: &Effect) -> Option<(Seq, Promise)> {
    match effect {
        Effect::Pledge { seq, pledge } => Some((*seq, pledge.promise())),
        _ => None,
    }
}

fn last_write_before(effects: &[Effect], limit: Seq) -> Seq {
    let writes = effects.iter().filter_map(|effect| match effect {
        Effect::Write { seq, .. } if *seq < limit => Some(*seq),
        _ => None,
    });
    writes.max().unwrap_or(Seq::ZERO)
}

#[cfg(test)]
mod tests;
