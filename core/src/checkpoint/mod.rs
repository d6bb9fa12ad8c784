//! Checkpoints: what a quorum says the state is after a height.
//!
//! Voting for blocks never waits for execution, so nothing in a block says what came of the one
//! before. Every few heights validators sign what they computed instead, and a quorum of equal
//! signatures is what everybody else may rely on. Whoever finds a third of the weight, or a quorum,
//! on another result than its own stops executing: one of the two is wrong, and going on would only
//! hide which. Ordering never stops for it.
//!
//! This machine never executes anything and never looks at a view. What was computed reaches it from
//! the execution lane; what it finds out leaves as a notice. Implements P80-P89.
//!
//! | file | rules |
//! |---|---|
//! | [`voting`] | signing, counting, and noticing who disagrees (P80-P84) |
//! | [`certify`] | certificates (P85, P86) |
//! | [`standstill`] | saying things again, helping those behind, the alarm (P87, P88) |
//! | [`restart`] | starting from what was stored (P89) |

mod certify;
mod content;
mod restart;
mod standstill;
mod voting;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use borsh::{BorshDeserialize, BorshSerialize};

pub use self::content::{Checkpoint, Divergence, Source};
use crate::{
    certificate::{Certificate, Verified},
    committee::Committee,
    effect::{Effect, Timer},
    event::Event,
    job::{Job, JobId},
    message::Message,
    notice::{Notice, Out},
    planted::planted,
    random::Rng,
    time::{Instant, Now, Span},
    types::{Epoch, Height, PeerId, ValidatorIndex},
    vote::{SigningContext, Vote},
    vote_set::VoteSet,
};

/// Checkpoints above the newest certified one that are counted and signed.
const OPEN_MAX: u64 = 16;

/// Certified checkpoints that wait for execution to reach them; further ones replace the highest.
const UPCOMING_MAX: usize = 16;

/// Own results remembered, to compare a late certificate with.
const COMPUTED_MAX: usize = 64;

/// What a job in flight will answer.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
enum Pending {
    /// Votes of one height.
    Votes(Vec<Vote<Checkpoint>>),
    /// A vote of a suspect signer, checked before it is stored.
    Suspect(Vote<Checkpoint>),
    /// A vote for something else than what was certified.
    Dissent(Vote<Checkpoint>),
    /// A certificate, and who offered it.
    Certificate(PeerId, Certificate<Checkpoint>),
}

/// What is held of a height that no certificate covers yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Open {
    /// Whether a signature was asked for.
    pledged: bool,
    /// The signed vote, once it came back; for resending.
    mine: Option<Vote<Checkpoint>>,
    /// The first vote of every signer.
    votes: VoteSet<Checkpoint>,
}

/// What is remembered of another member.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Peer {
    /// When it was last given a certificate.
    helped: Option<Instant>,
    /// Until then its certificates are not looked at: the last one was none.
    distrusted_until: Instant,
}

/// The checkpoint machine of one validator.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Checkpoints {
    interval: u64,
    epoch: Epoch,
    context: SigningContext,
    committee: Committee,
    me: Option<ValidatorIndex>,
    /// Whether my key may sign: not after amnesia, not as an observer.
    votes: bool,
    pause: Span,
    rng: Rng,

    /// The newest certificate.
    certified: Option<Verified<Certificate<Checkpoint>>>,
    /// At and below it my key signs nothing: what the signer's record says.
    floor: Height,
    /// What my key signed before the last restart.
    promised: BTreeMap<Height, Checkpoint>,
    /// What was computed here, the newest few.
    computed: BTreeMap<Height, Checkpoint>,
    /// Heights above the certified one, up to [`OPEN_MAX`] checkpoints further.
    open: BTreeMap<Height, Open>,
    /// Certified contents that execution has not reached.
    upcoming: BTreeMap<Height, Checkpoint>,
    /// Signatures asked for and not made yet, in the order of the log.
    pledges: VecDeque<Checkpoint>,
    finalized: Height,

    pending: BTreeMap<JobId, Pending>,
    /// Certificates offered, the one in front being checked. At most one per peer.
    offered: VecDeque<(PeerId, Certificate<Checkpoint>)>,
    peers: BTreeMap<PeerId, Peer>,
    /// Who was found to disagree with the newest certificate.
    dissenters: BTreeSet<ValidatorIndex>,
    resend: Option<Instant>,
    resend_pause: Span,
    halted: Option<Divergence>,
    overdue: bool,
    /// Computed before the start, judged at the first step.
    unjudged: Vec<Checkpoint>,
}

impl Checkpoints {
    /// The height of the newest certificate; zero before the first.
    pub(crate) fn certified_height(&self) -> Height {
        self.certified.as_ref().map_or(Height::ZERO, |held| held.statement.height)
    }

    /// The newest certificate.
    pub(crate) fn certificate(&self) -> Option<&Certificate<Checkpoint>> {
        self.certified.as_deref()
    }

    /// Why execution was stopped, if it was.
    pub(crate) fn divergence(&self) -> Option<&Divergence> {
        self.halted.as_ref()
    }

    /// Whether finality has run ahead of checkpoints (P88).
    pub(crate) fn is_overdue(&self) -> bool {
        self.overdue
    }

    /// When to call [`Self::on_tick`], and why.
    pub(crate) fn next_deadline(&self) -> Option<(Instant, Timer)> {
        self.resend.map(|at| (at, Timer::Checkpoint))
    }

    /// Acts on every deadline that has passed.
    pub(crate) fn on_tick(&mut self, now: Now, out: &mut Out<'_>) {
        self.on_resend_due(now, out);
    }

    /// Takes a message about checkpoints, or a heartbeat. Anything else is not for this machine.
    pub(crate) fn on_message(
        &mut self,
        now: Now,
        from: PeerId,
        message: Message,
        out: &mut Out<'_>,
    ) {
        match message {
            Message::CheckpointVotes(votes) => {
                for vote in votes.into_inner() {
                    self.on_vote(now, from, vote, out);
                }
            }
            Message::CheckpointCertificate(certificate) => {
                self.on_certificate(now, from, *certificate, out);
            }
            Message::Status(status) => self.on_status(now, from, &status, out),
            other => unreachable!("{} is routed elsewhere", other.name()),
        }
    }

    /// Takes the answers of a signature check it asked for; a late or unknown one is a no-op.
    pub(crate) fn on_verified(&mut self, now: Now, id: JobId, good: &[bool], out: &mut Out<'_>) {
        match self.pending.remove(&id) {
            Some(Pending::Votes(votes)) => self.on_votes_checked(&votes, good, out),
            Some(Pending::Suspect(vote)) => self.on_suspect_checked(vote, good, out),
            Some(Pending::Dissent(vote)) => self.on_dissent_checked(&vote, good, out),
            Some(Pending::Certificate(from, certificate)) => {
                self.on_certificate_checked(now, from, certificate, good, out);
            }
            None => {}
        }
    }

    /// Heights, votes, and checks under way.
    pub(crate) fn footprint(&self) -> [usize; 3] {
        [
            self.open.len() + self.upcoming.len() + self.promised.len(),
            self.open.values().map(|open| open.votes.count()).sum(),
            self.pending.len() + self.offered.len(),
        ]
    }

    /// Checks what must hold after every input.
    pub(crate) fn assert_invariants(&self) {
        let certified = self.certified_height();
        if let Some((lowest, _)) = self.open.first_key_value() {
            assert!(
                *lowest > certified,
                "I21: {lowest:?} is open though {certified:?} is certified"
            );
        }
        if let Some((highest, _)) = self.open.last_key_value() {
            let last = self.last_open();
            assert!(*highest <= last, "I21: {highest:?} is open beyond {last:?}");
        }
    }

    /// The highest height that is counted and signed.
    fn last_open(&self) -> Height {
        self.certified_height().plus(self.interval.saturating_mul(OPEN_MAX))
    }

    /// Whether checkpoints are made at a height at all, and it is open.
    fn is_open(&self, height: Height) -> bool {
        height.get().is_multiple_of(self.interval)
            && height > self.certified_height()
            && height <= self.last_open()
    }

    /// Emits a signature job.
    fn verify(
        &mut self,
        pending: Pending,
        checks: Vec<crate::crypto::SignatureCheck>,
        out: &mut Out<'_>,
    ) {
        let id = out.jobs.next();
        self.pending.insert(id, pending);
        out.fx.push(Effect::Run(Job::Verify { id, checks }));
    }

    /// P84: something is wrong, here or elsewhere, and executing on would only bury it.
    fn halt(&mut self, divergence: Divergence, out: &mut Out<'_>) {
        if self.halted.is_none() && !planted!(DivergenceIgnored) {
            self.halted = Some(divergence);
            self.resend = None;
            out.fx.report(Event::ExecutionHalted(Box::new(divergence)));
            out.notice(Notice::ExecutionHalted);
        }
    }
}
