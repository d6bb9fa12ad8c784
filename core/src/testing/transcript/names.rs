//! Who is who in a script, and effects as lines of text.
//!
//! Digests, sequence numbers and request ids never show: they would change with every encoding. What
//! shows is the name a script gave, or `?` for what it never named.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    block::{Block, Candidate},
    certificate::{Certificate, Signers},
    checkpoint::Checkpoint,
    effect::{Effect, PeerCommand, Recipients},
    event::Event,
    job::{Job, ReadWant, Unchecked},
    leader::LeaderSchedule,
    message::{BlockWant, Body, Message},
    proof::CommitProof,
    signer::Pledge,
    store::Record,
    testing::cast::Cast,
    types::{Digest, PeerId, ValidatorIndex, View},
    vote::{Kind, Promise, Statement, Vote},
};

/// A named candidate.
#[derive(Clone, Debug)]
pub(super) struct Named {
    /// The candidate.
    pub(super) candidate: Candidate,
    /// Its block.
    pub(super) block: Arc<Block>,
}

/// The names of a script.
#[derive(Debug)]
pub(super) struct Names {
    /// Member indices by their number in the script.
    members: Vec<ValidatorIndex>,
    peers: Vec<PeerId>,
    me: Option<ValidatorIndex>,
    candidates: BTreeMap<String, Named>,
    ids: BTreeMap<Digest, String>,
    blocks: BTreeMap<Digest, String>,
    checkpoints: BTreeMap<Checkpoint, String>,
}

impl Names {
    /// Equal members are numbered by their turns, so that `n2` leads v2; others by their place in
    /// the list of weights.
    pub(super) fn new(cast: &Cast, schedule: &LeaderSchedule, equal: bool) -> Self {
        let committee = cast.committee();
        let members: Vec<ValidatorIndex> = if equal {
            schedule.turns().to_vec()
        } else {
            let mut sorted: Vec<_> =
                committee.members().map(|(index, member)| (member.validator, index)).collect();
            sorted.sort_unstable();
            sorted.into_iter().map(|(_, index)| index).collect()
        };
        let peer = |index: &ValidatorIndex| committee.member(*index).expect("a member").peer;
        let peers = members.iter().map(peer).collect();
        Self {
            members,
            peers,
            me: None,
            candidates: BTreeMap::new(),
            ids: BTreeMap::new(),
            blocks: BTreeMap::new(),
            checkpoints: BTreeMap::new(),
        }
    }

    /// Says which member is driven.
    pub(super) fn set_me(&mut self, me: Option<ValidatorIndex>) {
        self.me = me;
    }

    /// The member called `n<number>`.
    pub(super) fn member(&self, number: u64) -> Option<ValidatorIndex> {
        self.members.get(usize::try_from(number).ok()?).copied()
    }

    /// The node behind `n<number>`; a node outside the committee for a number beyond it.
    pub(super) fn peer(&self, number: u64) -> PeerId {
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        self.peers.get(place).copied().unwrap_or_else(|| {
            let mut raw = [0xff; 32];
            raw[..8].copy_from_slice(&number.to_le_bytes());
            PeerId::new(raw)
        })
    }

    /// The numbers of all members but the one driven.
    pub(super) fn others(&self) -> impl Iterator<Item = u64> + '_ {
        (0..).zip(&self.members).filter(|(_, index)| Some(**index) != self.me).map(|(at, _)| at)
    }

    /// Names a candidate.
    pub(super) fn insert(&mut self, name: &str, candidate: Candidate, block: Arc<Block>) {
        self.ids.insert(candidate.id(), name.to_owned());
        self.blocks.entry(block.digest()).or_insert_with(|| name.to_owned());
        self.candidates.insert(name.to_owned(), Named { candidate, block });
    }

    /// Names a checkpoint; the first name stays.
    pub(super) fn name_checkpoint(&mut self, checkpoint: Checkpoint, name: &str) {
        self.checkpoints.entry(checkpoint).or_insert_with(|| name.to_owned());
    }

    /// Names what the validator itself proposes: `M` and the view; and signs of the state: `mine`.
    pub(super) fn learn(&mut self, effects: &[Effect]) {
        for effect in effects {
            if let Effect::Pledge { pledge: Pledge::Checkpoint { checkpoint, .. }, .. } = effect {
                self.name_checkpoint(*checkpoint, "mine");
            }
            if let Effect::Report(Event::ExecutionHalted(divergence)) = effect {
                self.name_checkpoint(divergence.ours, "mine");
            }
            let Effect::Report(Event::Proposed { candidate, .. }) = effect else { continue };
            let written = effects.iter().find_map(|effect| match effect {
                Effect::Write { batch, .. } => batch.iter().find_map(|record| match record {
                    Record::Block(block) if block.digest() == candidate.block => Some(block),
                    _ => None,
                }),
                _ => None,
            });
            let name = format!("M{}", candidate.view);
            self.insert(&name, *candidate, Arc::clone(written.expect("written before (P22)")));
        }
    }

    /// What a script calls by this name.
    pub(super) fn candidate(&self, name: &str) -> Result<&Named, String> {
        self.candidates.get(name).ok_or_else(|| format!("no candidate `{name}`"))
    }

    /// The candidate that another one names as its parent.
    pub(super) fn parent_of(&self, child: &Candidate) -> Option<Candidate> {
        let name = self.ids.get(&child.parent_id)?;
        Some(self.candidates.get(name)?.candidate)
    }

    /// The name of a member.
    pub(super) fn index(&self, index: ValidatorIndex) -> String {
        let place = self.members.iter().position(|member| *member == index);
        place.map_or_else(|| "?".to_owned(), |place| format!("n{place}"))
    }

    fn node(&self, peer: &PeerId) -> String {
        let place = self.peers.iter().position(|other| other == peer);
        place.map_or_else(|| "a stranger".to_owned(), |place| format!("n{place}"))
    }

    fn id(&self, id: &Digest) -> &str {
        self.ids.get(id).map_or("?", String::as_str)
    }

    fn block(&self, digest: &Digest) -> &str {
        self.blocks.get(digest).map_or("?", String::as_str)
    }

    /// Anything a key can sign.
    pub(super) fn promise(&self, promise: &Promise) -> String {
        match promise {
            Promise::View(statement) => self.statement(statement),
            Promise::Checkpoint(checkpoint) => self.checkpoint(checkpoint),
        }
    }

    /// A checkpoint.
    fn checkpoint(&self, checkpoint: &Checkpoint) -> String {
        let name = self.checkpoints.get(checkpoint).map_or("?", String::as_str);
        format!("checkpoint h{} {name}", checkpoint.height)
    }

    /// A statement.
    pub(super) fn statement(&self, statement: &Statement) -> String {
        match statement {
            Statement::Notarize(candidate) => format!("notarize {}", self.id(&candidate.id())),
            Statement::Nullify { view, .. } => format!("nullify v{view}"),
            Statement::Finalize(candidate) => format!("finalize {}", self.id(&candidate.id())),
        }
    }

    fn votes(&self, votes: &[Vote]) -> String {
        let shown: Vec<String> = votes.iter().map(|vote| self.statement(&vote.statement)).collect();
        shown.join(", ")
    }

    fn signers(&self, signers: &Signers) -> String {
        let mut places: Vec<String> = signers.iter().map(|index| self.index(index)).collect();
        places.sort_unstable();
        places.join(" ")
    }

    fn certificate(&self, certificate: &Certificate) -> String {
        let what = match &certificate.statement {
            Statement::Nullify { view, .. } => format!("v{view}"),
            Statement::Notarize(candidate) | Statement::Finalize(candidate) => {
                self.id(&candidate.id()).to_owned()
            }
        };
        format!("{} {what} ({})", certified(certificate.kind()), self.signers(&certificate.signers))
    }

    fn proof(&self, proof: &CommitProof) -> String {
        let missing: Vec<String> =
            proof.missing().map(|(view, kind)| format!("{} v{view}", certified(kind))).collect();
        let name = self.id(&proof.candidate.id());
        if missing.is_empty() {
            format!("proof h{} by {name}", proof.height)
        } else {
            format!("proof h{} by {name} lacking {}", proof.height, missing.join(" and "))
        }
    }

    fn record(&self, record: &Record) -> String {
        match record {
            Record::Block(block) => format!("block {}", self.block(&block.digest())),
            Record::Certificate(certificate) => self.certificate(certificate),
            Record::Finalized(advance) => {
                let blocks: Vec<&str> =
                    advance.blocks.iter().map(|(_, digest)| self.block(digest)).collect();
                format!("final {} by {}", blocks.join(" "), self.certificate(&advance.certificate))
            }
            Record::Proof(proof) => self.proof(proof),
            Record::Evidence(evidence) => self.evidence(evidence),
            Record::Checkpoint(certificate) => self.certified_checkpoint(certificate),
        }
    }

    fn certified_checkpoint(&self, certificate: &Certificate<Checkpoint>) -> String {
        let what = self.checkpoint(&certificate.statement);
        format!("certified {what} ({})", self.signers(&certificate.signers))
    }

    fn evidence(&self, evidence: &crate::evidence::Evidence) -> String {
        let [first, second] = evidence.votes().map(|vote| self.promise(&vote.statement));
        format!("evidence {}: {first} and {second}", self.index(evidence.signer()))
    }

    fn message(&self, message: &Message) -> String {
        match message {
            Message::Proposal(proposal) => {
                let candidate = proposal.notarize.statement.candidate();
                let name = candidate.map_or("?", |candidate| self.id(&candidate.id()));
                let name = match &proposal.body {
                    Body::Full(_) => name.to_owned(),
                    Body::Compact(compact) => format!(
                        "{name} announced ({} short ids, {} whole)",
                        compact.short_ids().len(),
                        compact.prefilled().len()
                    ),
                };
                let shown: Vec<String> = proposal
                    .justify
                    .parent
                    .iter()
                    .chain(&proposal.justify.skips)
                    .map(|one| self.certificate(one))
                    .collect();
                match shown.is_empty() {
                    true => format!("proposal {name}"),
                    false => format!("proposal {name} showing {}", shown.join(", ")),
                }
            }
            Message::Vote(vote) => self.statement(&vote.statement),
            Message::Votes(votes) => format!("votes {}", self.votes(votes)),
            Message::Certificates(certificates) => {
                let shown: Vec<String> =
                    certificates.iter().map(|one| self.certificate(one)).collect();
                shown.join(", ")
            }
            Message::Status(status) => format!(
                "status v{} final v{} h{} checkpoint h{}",
                status.view, status.finalized_view, status.finalized_height, status.checkpoint
            ),
            Message::CertificateRequest(request) => {
                let kind = request.kind.map_or("any certificate", certified);
                format!("asks for {kind} v{}", request.view)
            }
            Message::BlockRequest(request) => match request.want {
                BlockWant::Digest(digest) => format!("asks for block {}", self.block(&digest)),
                BlockWant::From(height) => format!("asks for blocks from h{height}"),
            },
            Message::BlockResponse(response) => {
                let mut shown = vec!["gives".to_owned()];
                match (response.blocks.first(), response.blocks.last()) {
                    (Some(first), Some(last)) if response.blocks.len() > 4 => shown.push(format!(
                        "{} to {} ({})",
                        self.block(&first.digest()),
                        self.block(&last.digest()),
                        response.blocks.len()
                    )),
                    (Some(_), Some(_)) => {
                        let name = |block: &Arc<Block>| self.block(&block.digest()).to_owned();
                        shown.extend(response.blocks.iter().map(name));
                    }
                    _ => shown.push("nothing".to_owned()),
                }
                if !response.links.is_empty() {
                    shown.push(format!("links {}", response.links.len()));
                }
                if let Some(finalization) = &response.finalization {
                    shown.push(self.certificate(finalization));
                }
                if !response.proofs.is_empty() {
                    shown.push(format!("proofs {}", response.proofs.len()));
                }
                shown.join(" ")
            }
            Message::Transactions(transactions) => format!("{} transactions", transactions.len()),
            Message::Evidence(evidence) => self.evidence(evidence),
            Message::CheckpointVotes(votes) => {
                let shown: Vec<String> =
                    votes.iter().map(|vote| self.checkpoint(&vote.statement)).collect();
                shown.join(", ")
            }
            Message::CheckpointCertificate(certificate) => self.certified_checkpoint(certificate),
            Message::TransactionsRequest(request) => {
                let places: Vec<String> = request.places.iter().map(u16::to_string).collect();
                let block = self.block(&request.block);
                format!("asks for transactions {} of {block}", places.join(" "))
            }
            Message::TransactionsResponse(response) => {
                let block = self.block(&response.block);
                format!("gives {} transactions of {block}", response.transactions.len())
            }
        }
    }

    fn recipients(&self, to: &Recipients) -> String {
        match to {
            Recipients::Committee => "all".to_owned(),
            Recipients::One(peer) => self.node(peer),
            Recipients::Some(peers) => {
                let mut names: Vec<String> = peers.iter().map(|peer| self.node(peer)).collect();
                names.sort_unstable();
                names.join(" ")
            }
        }
    }

    /// A job.
    pub(super) fn job(&self, job: &Job) -> String {
        match job {
            Job::Verify { checks, .. } => format!("check {} signatures", checks.len()),
            Job::CheckBlock { block, checks, unchecked, .. } => {
                let all = block.payload().transactions.len();
                let some = match unchecked {
                    Unchecked::Only(places) if places.len() < all => {
                        format!(" ({} of {all} transactions)", places.len())
                    }
                    Unchecked::Only(_) | Unchecked::All => String::new(),
                };
                let name = self.block(&block.digest());
                format!("check block {name}{some} and {} votes", checks.len())
            }
            Job::CheckTransactions { transactions, .. } => {
                format!("check {} transactions", transactions.len())
            }
            Job::Execute { block } => format!("execute {}", self.block(&block.digest())),
            Job::Read { want, .. } => match want {
                ReadWant::Blocks(BlockWant::Digest(digest)) => {
                    format!("read block {}", self.block(digest))
                }
                ReadWant::Blocks(BlockWant::From(height)) => format!("read blocks from h{height}"),
                ReadWant::ProofAt(view) => format!("read proof at v{view}"),
                ReadWant::Certificate(view, kind) => format!("read {} v{view}", certified(*kind)),
            },
        }
    }

    fn event(&self, event: &Event) -> Option<String> {
        Some(match event {
            Event::Started { view, height, repeated, votes } => {
                let may = if *votes { "votes" } else { "does not vote" };
                format!("starts in v{view} at h{height}, repeats {repeated}, {may}")
            }
            Event::Entered { view, leader, by, timeout } => format!(
                "enters v{view} by {} (leader {}, waits {timeout:?})",
                certified(*by),
                self.index(*leader)
            ),
            Event::TimedOut { view, reason, nullifies } => {
                let may = if *nullifies { "" } else { ", says nothing" };
                format!("gives up v{view}: {reason:?}{may}")
            }
            Event::Proposed { candidate, height, transactions } => {
                let name = self.id(&candidate.id());
                format!("proposes {name} h{height} ({transactions} transactions)")
            }
            Event::Announced { view, .. } => format!("announces its block of v{view}"),
            Event::TransactionsMissing { missing, transactions, .. } => {
                format!("lacks {missing} of {transactions} transactions")
            }
            Event::ProposalAccepted { candidate } => {
                format!("well formed: {}", self.id(&candidate.id()))
            }
            Event::Certified { kind, view, id, gathered } => {
                let what = id.as_ref().map_or_else(|| format!("v{view}"), |id| self.id(id).into());
                let how = if *gathered { "gathered" } else { "received" };
                format!("{how} {} {what}", certified(*kind))
            }
            Event::Finalized { height, block, .. } => {
                format!("final h{height}: {}", self.block(block))
            }
            Event::Checkpointed { height, gathered, .. } => {
                let how = if *gathered { "gathered" } else { "received" };
                format!("{how} the certificate of checkpoint h{height}")
            }
            Event::CheckpointDissent { signer, height, .. } => {
                format!("{} computed something else at h{height}", self.index(*signer))
            }
            Event::CheckpointsOverdue { certified, finalized } => {
                format!("no checkpoint certified above h{certified}, final h{finalized}")
            }
            Event::CheckpointsResumed { certified } => {
                format!("checkpoints keep up again with h{certified}")
            }
            Event::ExecutionHalted(divergence) => {
                let ours = self.checkpoint(&divergence.ours);
                let theirs = self.checkpoint(&divergence.theirs);
                format!("EXECUTION HALT: {ours} against {theirs} ({:?})", divergence.source)
            }
            Event::SafetyHalt { height } => format!("SAFETY HALT at h{height}"),
            Event::Evidence(evidence) => self.evidence(evidence),
            Event::Fetching { height } => format!("fetches blocks above h{height}"),
            Event::Fetched { block, .. } => format!("fetched {}", self.block(block)),
            Event::Executed { .. }
            | Event::TransactionsGiven { .. }
            | Event::TransactionAdmitted(_)
            | Event::TransactionRefused(..) => return None,
        })
    }

    /// One effect as a line; `None` for what no transcript is about.
    pub(super) fn effect(&self, effect: &Effect) -> Option<String> {
        Some(match effect {
            Effect::Send { to, message } => {
                format!("send {}: {}", self.recipients(to), self.message(message))
            }
            Effect::Write { batch, .. } => {
                let records: Vec<String> = batch.iter().map(|one| self.record(one)).collect();
                format!("write {}", records.join(", "))
            }
            Effect::Pledge { pledge, .. } => {
                let above = match pledge {
                    Pledge::View { safety, .. } => format!("floor v{}", safety.floor),
                    Pledge::Checkpoint { certified, .. } => format!("certified h{certified}"),
                };
                format!("pledge {} ({above})", self.promise(&pledge.promise()))
            }
            Effect::Run(job) => format!("run {}", self.job(job)),
            Effect::Peer(PeerCommand::Penalize(peer, fault)) => {
                format!("penalize {}: {fault:?}", self.node(peer))
            }
            Effect::Report(event) => format!("report {}", self.event(event)?),
        })
    }
}

/// What a quorum of votes of a kind is called.
fn certified(kind: Kind) -> &'static str {
    match kind {
        Kind::Notarize => "notarization",
        Kind::Nullify => "nullification",
        Kind::Finalize => "finalization",
    }
}

/// The first views and their leaders.
pub(super) fn turns(names: &Names, schedule: &LeaderSchedule, views: u64) -> String {
    let turn = |view: u64| format!("v{view} {}", names.index(schedule.leader(View::new(view))));
    (1..=views).map(turn).collect::<Vec<_>>().join(", ")
}
