//! Stake-weighted Simplex: who proposes, what is voted for, when a block is final.
//!
//! The protocol in one hand (numbers are those of `docs/protocol.md`):
//!
//! - On entering view v (P20): arm two timers; the leader proposes on the highest notarized view from
//!   which every later view is nullified (P21), and shows the certificates in the proposal.
//! - On a proposal (P23): vote Notarize once, if its ancestry is proven and its block valid (P24).
//! - On a quorum of Notarize (P36): enter v+1; vote Finalize, unless this view was given up (P37).
//! - On a timeout (P44): vote Nullify, unless Finalize was voted. On a quorum of Nullify: enter v+1.
//! - On a quorum of Finalize (P39): the candidate and all its ancestors are final.
//! - While nothing moves (P45): say everything again.
//!
//! A view is left only with a certificate, never by a timer. Nothing is signed except through
//! [`pledge`]. Nothing is acted on that has not been verified: bytes from peers become
//! `Verified<Certificate>` or checked votes only in [`voting`] and [`certify`], after a job has said so.
//!
//! | file | rules |
//! |---|---|
//! | [`pledge`] | the one place that asks for a signature (P10-P14) |
//! | [`enter`] | entering views, timeouts (P20, P42-P44) |
//! | [`propose`] | proposing (P21, P22) |
//! | [`announce`] | announcing blocks by short ids (P26, P28) |
//! | [`proposal`] | judging proposals (P23-P25) |
//! | [`gather`] | putting announced blocks together (P27-P29) |
//! | [`voting`] | gathering votes (P30-P33), offences (P60-P62) |
//! | [`certify`] | acting on certificates (P34-P38) |
//! | [`finality`] | finality, commit proofs, delivery, pruning (P39, P64) |
//! | [`standstill`] | resending, heartbeats, relay, requests (P45-P48) |
//! | [`restart`] | starting from what was stored (P55, P56) |

mod announce;
mod certify;
mod enter;
mod finality;
mod gather;
mod pacemaker;
mod peers;
mod pledge;
mod proposal;
mod propose;
mod restart;
mod standstill;
mod view_state;
mod voting;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use borsh::{BorshDeserialize, BorshSerialize};

use self::{pacemaker::Pacemaker, peers::Peers, view_state::ViewState};
use crate::{
    block::Block,
    certificate::{Certificate, Verified},
    committee::Committee,
    compact::CompactBlock,
    config::Parameters,
    effect::{Effect, Timer},
    evidence::{Evidence, Offence},
    job::JobId,
    leader::LeaderSchedule,
    message::Message,
    notice::{Notice, Out},
    proof::CommitProof,
    random::Rng,
    time::{Instant, Now, UnixMillis},
    types::{ChainId, Digest, Epoch, Height, PeerId, Seq, ValidatorIndex, View},
    vote::{Kind, SigningContext, Statement, Vote},
};

/// Views this far below the current one are closed for voting, whatever happened to them.
const OPEN_VIEWS: u64 = 256;

/// The finalized tip, F.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Tip {
    view: View,
    id: Digest,
    head: Head,
    /// Its Finalization; none at the root.
    certificate: Option<Verified<Certificate>>,
}

/// A block as far as judging its children needs it; the genesis at height 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Head {
    height: Height,
    block: Digest,
    timestamp: UnixMillis,
}

impl Head {
    fn of(block: &Block) -> Self {
        let header = block.header();
        Self { height: header.height, block: block.digest(), timestamp: header.timestamp }
    }
}

/// A block held in memory.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct HeldBlock {
    block: Arc<Block>,
    /// Whether its record was emitted.
    written: bool,
    /// How often a member was given transactions of it (P28).
    answers: BTreeMap<ValidatorIndex, u8>,
}

impl HeldBlock {
    fn new(block: Arc<Block>, written: bool) -> Self {
        Self { block, written, answers: BTreeMap::new() }
    }
}

/// What a job in flight will answer.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
enum Pending {
    /// Votes of one view and kind.
    Votes(Vec<Vote>),
    /// A vote of a suspect signer, checked before it is stored.
    Suspect(Vote),
    /// A certificate, and who offered it.
    Certificate(PeerId, Certificate),
    /// The leader's vote and block of a view.
    Proposal(View),
    /// Two votes that contradict each other, and who sent the second.
    Evidence(Evidence, Option<PeerId>),
}

/// A certificate asked of peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Want {
    next: Instant,
}

/// A final height of whose candidate only the id is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct ProofGap {
    height: Height,
    id: Digest,
    /// At and below this view proofs exist.
    down_to: View,
}

/// The consensus machine of one validator in one epoch.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Consensus {
    parameters: Parameters,
    chain_id: ChainId,
    epoch: Epoch,
    context: SigningContext,
    committee: Committee,
    schedule: LeaderSchedule,
    me: Option<ValidatorIndex>,
    /// Whether my key may vote: not after amnesia, not as an observer.
    votes: bool,
    /// Two conflicting chains were finalized: a third or more is Byzantine. Nothing is signed or made
    /// final any more; requests are still answered, so that the offenders can be named.
    halted: bool,

    finalized: Tip,
    /// The highest block known to be final. Beyond the tip while its descendants are being fetched.
    head: Head,
    view: View,
    /// Where signing ended before the last restart.
    floor: View,
    /// The one vote store.
    views: BTreeMap<View, ViewState>,
    blocks: BTreeMap<Digest, HeldBlock>,
    /// How my block of a view is announced, until my Notarize for it is signed.
    announcement: Option<(View, Arc<CompactBlock>)>,
    /// Views whose leader was asked for transactions, by when it should have answered.
    asks: BTreeSet<(Instant, View)>,

    pacemaker: Pacemaker,
    peers: Peers,
    rng: Rng,
    /// Statements asked for and not yet signed, in log order.
    pledges: VecDeque<Statement>,
    /// Final blocks to be delivered once their record is durable.
    deliveries: VecDeque<(Seq, Vec<Arc<Block>>)>,
    /// The highest block delivered.
    delivered: Height,
    executed: Height,
    /// Execution was stopped for good, because somebody's results are wrong.
    execution_halted: bool,
    /// The height of the newest checkpoint's certificate, for heartbeats.
    checkpoint: Height,
    mempool_empty: bool,
    /// Statements to repeat at the start.
    repeats: Vec<Statement>,

    pending: BTreeMap<JobId, Pending>,
    /// Certificates offered, the one in front being checked. At most one per peer.
    offered: BTreeMap<(View, Kind), VecDeque<(PeerId, Certificate)>>,
    wants: BTreeMap<(View, Option<Kind>), Want>,
    relays: BTreeSet<(Instant, View, Kind)>,
    next_status: Instant,
    evidence: BTreeMap<(ValidatorIndex, Offence), Evidence>,
    /// Evidence no finalized block holds yet.
    unpunished: BTreeSet<(ValidatorIndex, Offence)>,
    /// Commit proofs that still lack something.
    proofs: BTreeMap<Height, CommitProof>,
    /// Finalized views whose candidate no certificate has named yet.
    proof_gaps: BTreeMap<View, ProofGap>,
}

impl Consensus {
    /// The view it is in.
    pub(crate) fn view(&self) -> View {
        self.view
    }

    /// The height up to which final blocks were delivered.
    pub(crate) fn delivered_height(&self) -> Height {
        self.delivered
    }

    /// The committee of the epoch.
    pub(crate) fn committee(&self) -> &Committee {
        &self.committee
    }

    /// Timing and limits.
    pub(crate) fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// What statements are signed in.
    pub(crate) fn context(&self) -> &SigningContext {
        &self.context
    }

    /// The highest block known to be final.
    pub(crate) fn head(&self) -> (Height, Digest) {
        (self.head.height, self.head.block)
    }

    /// A block held in memory.
    pub(crate) fn block(&self, digest: &Digest) -> Option<&Arc<Block>> {
        self.blocks.get(digest).map(|held| &held.block)
    }

    /// When to call [`Self::on_tick`], and why.
    pub(crate) fn next_deadline(&self) -> Option<(Instant, Timer)> {
        let pace = &self.pacemaker;
        [
            pace.leader.map(|at| (at, Timer::Leader)),
            pace.advance.map(|at| (at, Timer::Advance)),
            pace.propose.map(|at| (at, Timer::Propose)),
            pace.timestamp.map(|at| (at, Timer::Timestamp)),
            pace.retry.map(|at| (at, Timer::Retry)),
            self.relays.first().map(|(at, ..)| (*at, Timer::Relay)),
            self.wants.values().map(|want| (want.next, Timer::Fetch)).min(),
            self.asks.first().map(|(at, _)| (*at, Timer::Fetch)),
            Some((self.next_status, Timer::Status)),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Acts on every deadline that has passed.
    pub(crate) fn on_tick(&mut self, now: Now, out: &mut Out<'_>) {
        self.on_view_timers(now, out);
        self.on_relay_due(now, out);
        self.on_wants_due(now, out);
        self.on_asks_due(now, out);
        self.on_status_due(now, out);
    }

    /// Takes a member's message. Anything else than consensus messages is not for this machine.
    pub(crate) fn on_message(
        &mut self,
        now: Now,
        from: PeerId,
        message: Message,
        out: &mut Out<'_>,
    ) {
        let member = self.committee.index_of_peer(&from);
        if let Some(index) = member {
            self.peers.peer(index).heard = Some(now.mono);
        }
        match message {
            Message::Proposal(proposal) => self.on_proposal(now, from, proposal, out),
            Message::Vote(vote) => self.on_vote(now, from, vote, out),
            Message::Votes(votes) => {
                for vote in &votes {
                    self.on_vote(now, from, *vote, out);
                }
            }
            Message::Certificates(certificates) => {
                for certificate in certificates.into_inner() {
                    self.on_certificate(now, from, certificate, out);
                }
            }
            Message::Status(status) => self.on_status(now, from, &status, out),
            Message::CertificateRequest(request) => {
                self.on_certificate_request(now, from, &request, out);
            }
            Message::Evidence(evidence) => self.on_evidence(from, *evidence, out),
            Message::TransactionsRequest(request) => {
                self.on_transactions_request(now, from, &request, out);
            }
            Message::TransactionsResponse(response) => {
                self.on_transactions_response(now, from, response, out);
            }
            Message::BlockRequest(_)
            | Message::BlockResponse(_)
            | Message::Transactions(_)
            | Message::CheckpointVotes(_)
            | Message::CheckpointCertificate(_) => {
                unreachable!("routed to sync, mempool and checkpoints")
            }
        }
    }

    /// Takes the answers of a signature check it asked for; a late or unknown one is a no-op.
    pub(crate) fn on_verified(&mut self, now: Now, id: JobId, good: &[bool], out: &mut Out<'_>) {
        match self.pending.remove(&id) {
            Some(Pending::Votes(votes)) => self.on_votes_checked(now, &votes, good, out),
            Some(Pending::Suspect(vote)) => self.on_suspect_checked(now, vote, good, out),
            Some(Pending::Certificate(from, certificate)) => {
                self.on_certificate_checked(now, from, certificate, good, out);
            }
            Some(Pending::Evidence(evidence, from)) => {
                self.on_evidence_checked(now, evidence, from, good, out);
            }
            Some(other @ Pending::Proposal(_)) => {
                panic!("I8: {other:?} is answered by BlockChecked")
            }
            None => {}
        }
    }

    /// Learns that the mempool has become empty or not.
    pub(crate) fn on_mempool(&mut self, now: Now, empty: bool, out: &mut Out<'_>) {
        let woken = self.mempool_empty && !empty;
        self.mempool_empty = empty;
        if woken && self.pacemaker.propose.is_some() {
            self.try_propose(now, out);
        }
    }

    /// Learns how far execution has come.
    pub(crate) fn on_executed(&mut self, height: Height) {
        self.executed = self.executed.max(height);
    }

    /// Learns that execution was stopped for good: I propose nothing to execute any more (P84).
    pub(crate) fn on_execution_halted(&mut self) {
        self.execution_halted = true;
    }

    /// Learns which checkpoint was certified last.
    pub(crate) fn on_checkpointed(&mut self, height: Height) {
        self.checkpoint = height;
    }

    /// Views, votes, certificates, blocks and open requests held.
    pub(crate) fn footprint(&self) -> [usize; 5] {
        [
            self.views.len(),
            self.views.values().map(ViewState::votes_count).sum(),
            self.views.values().map(ViewState::certificates_count).sum::<usize>()
                + self.offered.values().map(VecDeque::len).sum::<usize>(),
            self.blocks.len(),
            self.pending.len()
                + self.wants.len()
                + self.asks.len()
                + self.relays.len()
                + self.proofs.len(),
        ]
    }

    /// Checks what must hold after every input.
    pub(crate) fn assert_invariants(&self) {
        assert!(
            self.finalized.view < self.view,
            "I2: finalized view {} is not below the current view {}",
            self.finalized.view,
            self.view
        );
        assert!(
            self.head.height >= self.finalized.head.height,
            "I5: head {} below the finalized height {}",
            self.head.height,
            self.finalized.head.height
        );
        assert!(
            self.delivered <= self.head.height,
            "I6: delivered {} beyond the head {}",
            self.delivered,
            self.head.height
        );
        if let Some((lowest, _)) = self.views.first_key_value() {
            assert!(
                *lowest > self.finalized.view,
                "I7: view {lowest} is kept though {} is finalized",
                self.finalized.view
            );
        }
        if let Some((highest, _)) = self.views.last_key_value() {
            assert!(
                *highest <= self.view.next(),
                "I7: view {highest} is kept beyond {}",
                self.view.next()
            );
        }
    }

    fn view_state(&mut self, view: View) -> &mut ViewState {
        assert!(view > self.finalized.view, "I7: view {view} is finalized");
        self.views.entry(view).or_default()
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
        out.fx.push(Effect::Run(crate::job::Job::Verify { id, checks }));
    }

    fn want_block(&self, digest: Digest, hint: Option<PeerId>, out: &mut Out<'_>) {
        if !self.blocks.contains_key(&digest) && !self.is_gathering(&digest) {
            out.notice(Notice::BlockWanted { digest, hint });
        }
    }
}
