//! Block sync: fetching what is missing, and serving others (P70-P75).
//!
//! Nothing a peer sends is handed on unless it was asked for, matches the request, and is proven: a
//! block by the digest a quorum signed, a run of blocks by the hash chain up to a checked Finalization.
//! What peers say about their height is never waited for. Memory is bounded: one run at a time, few
//! single blocks, two reads per peer.

mod serve;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    block::Block,
    certificate::{Certificate, Verified},
    committee::Committee,
    crypto::SignatureCheck,
    digest::{Domain, digest_of},
    effect::{Effect, PeerFault, Recipients, Timer},
    event::Event,
    job::{BlockFault, Job, JobId, Unchecked},
    message::{BlockRequest, BlockResponse, BlockWant, Message},
    notice::{Notice, Out},
    planted::planted,
    proof::CommitProof,
    random::Rng,
    time::{Instant, Now, Span},
    types::{Digest, Height, PeerId},
    vote::{Kind, SigningContext, Statement},
};

/// An unanswered request is repeated to another peer after this long.
const ANSWER_TIMEOUT: Span = Span::from_millis(500);

/// After an empty or bad answer another peer is asked this soon.
const RETRY_PAUSE: Span = Span::from_millis(50);

/// The pause between requests for the same thing never grows beyond this.
const RETRY_PAUSE_MAX: Span = Span::from_millis(5_000);

/// Single blocks wanted at a time; more are asked for when these have come.
const SINGLES_MAX: usize = 256;

/// A single block nobody has given after so many requests is given up. Whoever still needs it says so
/// again.
const ATTEMPTS_MAX: u32 = 64;

/// One request that is under way or due.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Fetch {
    /// Who was asked, under which id. `None` while an answer is being checked.
    asked: Option<(PeerId, u64)>,
    next: Instant,
    attempts: u32,
}

/// An answer whose blocks and signatures are being checked.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct RunCheck {
    from: PeerId,
    blocks: Vec<Arc<Block>>,
    finalization: Certificate,
    /// With how many signatures each takes of the job's answers, after the Finalization's.
    proofs: Vec<(CommitProof, u32)>,
    finalization_signatures: u32,
    signatures: Option<Vec<bool>>,
    waiting: BTreeSet<JobId>,
    sound: bool,
}

/// What a job in flight will answer.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
enum Check {
    /// Whether one fetched block is sound.
    Single(PeerId, Arc<Block>),
    /// Whether part of the run is.
    Run,
}

/// The machine that fetches and serves blocks.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Sync {
    peers: Vec<PeerId>,
    rng: Rng,
    next_request: u64,
    singles: BTreeMap<Digest, Fetch>,
    /// The run of final blocks being fetched, from this height.
    run: Option<(Height, Fetch)>,
    run_check: Option<RunCheck>,
    checks: BTreeMap<JobId, Check>,
    /// Reads under way for peers, and the id their answer carries.
    serving: BTreeMap<JobId, (PeerId, u64)>,
}

impl Sync {
    /// A machine with these peers to ask.
    pub(crate) fn new(peers: Vec<PeerId>, mut rng: Rng) -> Self {
        // An answer may outlive the process that asked. Ids that start anywhere keep it from passing
        // for an answer to something this life asks. Id 0 is no request's.
        let next_request = rng.next() / 2 + 1;
        Self {
            peers,
            rng,
            next_request,
            singles: BTreeMap::new(),
            run: None,
            run_check: None,
            checks: BTreeMap::new(),
            serving: BTreeMap::new(),
        }
    }

    /// When to call [`Self::on_tick`].
    pub(crate) fn next_deadline(&self) -> Option<(Instant, Timer)> {
        let singles = self.singles.values().map(|fetch| fetch.next);
        let run = self.run.iter().map(|(_, fetch)| fetch.next);
        let due = singles.chain(run).min().filter(|_| !planted!(SyncNeverRepeats));
        due.map(|at| (at, Timer::Fetch))
    }

    /// P70: a block is needed whose digest a quorum signed.
    pub(crate) fn on_block_wanted(
        &mut self,
        now: Now,
        digest: Digest,
        hint: Option<PeerId>,
        out: &mut Out<'_>,
    ) {
        if self.singles.contains_key(&digest) || self.singles.len() >= SINGLES_MAX {
            return;
        }
        let hint = hint.filter(|peer| self.peers.contains(peer));
        let Some(fetch) = self.ask(now, BlockWant::Digest(digest), 0, hint, out) else { return };
        self.singles.insert(digest, fetch);
    }

    /// P29: nobody needs this block any more.
    pub(crate) fn on_block_forgone(&mut self, digest: &Digest) {
        self.singles.remove(digest);
    }

    /// P71: the final blocks from a height are needed.
    pub(crate) fn on_blocks_wanted(&mut self, now: Now, from: Height, out: &mut Out<'_>) {
        if self.run_check.is_some() || self.run.as_ref().is_some_and(|(height, _)| *height == from)
        {
            return;
        }
        let Some(fetch) = self.ask(now, BlockWant::From(from), 0, None, out) else { return };
        self.run = Some((from, fetch));
        out.fx.report(Event::Fetching { height: from.minus(1) });
    }

    /// Sends a request to one peer, chosen at random unless named.
    fn ask(
        &mut self,
        now: Now,
        want: BlockWant,
        attempts: u32,
        peer: Option<PeerId>,
        out: &mut Out<'_>,
    ) -> Option<Fetch> {
        let peer = peer.or_else(|| self.any_peer())?;
        let id = self.next_request;
        self.next_request = id.checked_add(1).expect("2^64 requests outlast any process");
        out.fx.send(Recipients::One(peer), Message::BlockRequest(BlockRequest { id, want }));
        let pause = ANSWER_TIMEOUT.times(u64::from(attempts / 8) + 1).min(RETRY_PAUSE_MAX);
        let next = now.mono.plus(self.rng.jittered(pause, 20));
        Some(Fetch { asked: Some((peer, id)), next, attempts: attempts.saturating_add(1) })
    }

    fn any_peer(&mut self) -> Option<PeerId> {
        let count = u64::try_from(self.peers.len()).expect("at most 1024 members");
        if count == 0 {
            return None;
        }
        let place = usize::try_from(self.rng.below(count)).expect("below a small count");
        self.peers.get(place).copied()
    }

    /// Asks again, of somebody else, for whatever was not answered.
    pub(crate) fn on_tick(&mut self, now: Now, out: &mut Out<'_>) {
        if planted!(SyncNeverRepeats) {
            return;
        }
        let due: Vec<(Digest, u32)> = self
            .singles
            .iter()
            .filter(|(_, fetch)| fetch.next <= now.mono)
            .map(|(digest, fetch)| (*digest, fetch.attempts))
            .collect();
        for (digest, attempts) in due {
            let again = match attempts < ATTEMPTS_MAX {
                true => self.ask(now, BlockWant::Digest(digest), attempts, None, out),
                false => None,
            };
            match again {
                Some(fetch) => self.singles.insert(digest, fetch),
                None => self.singles.remove(&digest),
            };
        }
        if let Some((from, fetch)) = self.run.clone().filter(|(_, fetch)| fetch.next <= now.mono) {
            if self.run_check.is_some() {
                // An answer is being checked; what comes of it decides.
                let fetch = Fetch { next: now.mono.plus(RETRY_PAUSE), ..fetch };
                self.run = Some((from, fetch));
                return;
            }
            self.run = self
                .ask(now, BlockWant::From(from), fetch.attempts, None, out)
                .map(|fetch| (from, fetch));
        }
    }

    /// Takes an answer, if it answers what was asked, of whom it was asked (P72).
    pub(crate) fn on_response(
        &mut self,
        now: Now,
        from: PeerId,
        response: BlockResponse,
        head: (Height, Digest),
        context: (&SigningContext, &Committee),
        out: &mut Out<'_>,
    ) {
        let asked = Some((from, response.id));
        if let Some((height, fetch)) = &mut self.run
            && fetch.asked == asked
        {
            let height = *height;
            fetch.asked = None;
            fetch.next = now.mono.plus(RETRY_PAUSE);
            return self.on_run(from, height, response, head, context, out);
        }
        let single = self.singles.iter_mut().find(|(_, fetch)| fetch.asked == asked);
        // A late answer, to a request repeated since or made before a restart, is no offence.
        let Some((digest, fetch)) = single else { return };
        fetch.asked = None;
        fetch.next = now.mono.plus(RETRY_PAUSE);
        let digest = *digest;
        match &*response.blocks {
            [] => {}
            [block] if block.digest() == digest => {
                let id = out.jobs.next();
                self.checks.insert(id, Check::Single(from, Arc::clone(block)));
                let unchecked = Unchecked::All;
                let block = Arc::clone(block);
                let job = Job::CheckBlock { id, block, unchecked, checks: Vec::new() };
                out.fx.push(Effect::Run(job));
            }
            _ => out.fx.penalize(from, PeerFault::BadResponse),
        }
    }

    /// P73: a run of blocks must continue the own chain, hang together, and end in a Finalization.
    fn on_run(
        &mut self,
        from: PeerId,
        height: Height,
        response: BlockResponse,
        head: (Height, Digest),
        (context, committee): (&SigningContext, &Committee),
        out: &mut Out<'_>,
    ) {
        if self.run_check.is_some() {
            return;
        }
        if height != head.0.next() {
            // The chain has moved on meanwhile; whoever still lacks blocks will say so.
            self.run = None;
            return;
        }
        if response.blocks.is_empty() {
            return;
        }
        let Some(finalization) = proven_by(&response, head) else {
            return out.fx.penalize(from, PeerFault::BadResponse);
        };
        let Ok(mut checks) = finalization.checks(context, committee) else {
            return out.fx.penalize(from, PeerFault::BadResponse);
        };
        let finalization_signatures = u32::try_from(checks.len()).expect("at most 1024");
        let mut proofs = Vec::new();
        for proof in &response.proofs {
            let block = response.blocks.iter().find(|block| block.header().height == proof.height);
            let ours = block.is_some_and(|block| block.digest() == proof.candidate.block);
            if let Some(more) = proof_checks(proof, context, committee).filter(|_| ours) {
                proofs.push((proof.clone(), u32::try_from(more.len()).expect("bounded")));
                checks.extend(more);
            }
        }
        let blocks: Vec<Arc<Block>> = response.blocks.iter().cloned().collect();
        let mut waiting = BTreeSet::new();
        let id = out.jobs.next();
        waiting.insert(id);
        self.checks.insert(id, Check::Run);
        out.fx.push(Effect::Run(Job::Verify { id, checks }));
        for block in &blocks {
            let id = out.jobs.next();
            waiting.insert(id);
            self.checks.insert(id, Check::Run);
            let (block, unchecked) = (Arc::clone(block), Unchecked::All);
            let job = Job::CheckBlock { id, block, unchecked, checks: Vec::new() };
            out.fx.push(Effect::Run(job));
        }
        self.run_check = Some(RunCheck {
            from,
            blocks,
            finalization,
            proofs,
            finalization_signatures,
            signatures: None,
            waiting,
            sound: true,
        });
    }

    /// Learns whether a fetched block is what its header says.
    pub(crate) fn on_block_checked(
        &mut self,
        now: Now,
        id: JobId,
        fault: Option<BlockFault>,
        out: &mut Out<'_>,
    ) {
        match self.checks.remove(&id) {
            Some(Check::Single(from, block)) => {
                if fault.is_some() && !planted!(SyncPayloadUnchecked) {
                    return out.fx.penalize(from, PeerFault::BadResponse);
                }
                self.singles.remove(&block.digest());
                out.fx.report(Event::Fetched {
                    block: block.digest(),
                    height: block.header().height,
                });
                out.notice(Notice::BlockFetched(block));
            }
            Some(Check::Run) => self.on_run_part(
                now,
                id,
                None,
                fault.is_none() || planted!(SyncPayloadUnchecked),
                out,
            ),
            None => {}
        }
    }

    /// Learns which signatures of a run hold.
    pub(crate) fn on_verified(&mut self, now: Now, id: JobId, good: &[bool], out: &mut Out<'_>) {
        if self.checks.remove(&id).is_some() {
            self.on_run_part(now, id, Some(good.to_vec()), true, out);
        }
    }

    fn on_run_part(
        &mut self,
        now: Now,
        id: JobId,
        signatures: Option<Vec<bool>>,
        sound: bool,
        out: &mut Out<'_>,
    ) {
        let Some(check) = &mut self.run_check else { return };
        if !check.waiting.remove(&id) {
            return;
        }
        check.sound &= sound;
        check.signatures = check.signatures.take().or(signatures);
        if check.waiting.is_empty() {
            let check = self.run_check.take().expect("looked at");
            self.on_run_checked(now, check, out);
        }
    }

    /// P74: everything about a run has been checked.
    fn on_run_checked(&mut self, now: Now, check: RunCheck, out: &mut Out<'_>) {
        let signatures = check.signatures.unwrap_or_default();
        let count = usize::try_from(check.finalization_signatures).expect("at most 1024");
        let (finalization, mut rest) = signatures.split_at(count.min(signatures.len()));
        let signed = !finalization.contains(&false) || planted!(SyncUnsigned);
        if !check.sound || finalization.len() != count || !signed {
            out.fx.penalize(check.from, PeerFault::BadResponse);
            if let Some((_, fetch)) = &mut self.run {
                fetch.next = now.mono.plus(RETRY_PAUSE);
            }
            return;
        }
        let mut proofs = Vec::new();
        for (proof, count) in check.proofs {
            let (own, others) = rest.split_at(usize::try_from(count).expect("bounded"));
            rest = others;
            if !own.contains(&false) {
                proofs.push(proof);
            }
        }
        self.run = None;
        out.notice(Notice::BlocksFetched {
            blocks: check.blocks,
            // Its signatures were the first of the job's answers, and all hold.
            finalization: Verified::vouch(check.finalization),
            proofs,
        });
    }

    /// Requests and checks under way.
    pub(crate) fn pending(&self) -> usize {
        self.singles.len()
            + self.checks.len()
            + self.serving.len()
            + usize::from(self.run.is_some())
    }
}

/// The Finalization that a run of blocks hangs from, if it does.
fn proven_by(response: &BlockResponse, head: (Height, Digest)) -> Option<Certificate> {
    let finalization = response.finalization.as_ref()?;
    let (mut height, mut digest) = head;
    let headers = response.blocks.iter().map(|block| block.header()).chain(&response.links);
    for header in headers {
        let linked = header.height == height.next() && header.parent == digest;
        if !linked && !planted!(SyncRunUnlinked) {
            return None;
        }
        height = header.height;
        digest = digest_of(Domain::Header, header);
    }
    let names = finalization.kind() == Kind::Finalize
        && finalization.statement.candidate().is_some_and(|candidate| candidate.block == digest);
    (names || planted!(SyncRunUnlinked)).then(|| finalization.clone())
}

/// The signatures of a commit proof, if its certificates are about what it claims.
fn proof_checks(
    proof: &CommitProof,
    context: &SigningContext,
    committee: &Committee,
) -> Option<Vec<SignatureCheck>> {
    let candidate = proof.candidate;
    // Without either, nothing ties the candidate to its block and its views are anybody's invention.
    if proof.notarization.is_none() && proof.finalization.is_none() {
        return None;
    }
    let between = candidate.parent_view.next()..candidate.view;
    let fits = |certificate: &Certificate| match certificate.statement {
        Statement::Notarize(named) => {
            proof.notarization.as_ref() == Some(certificate) && named == candidate
        }
        Statement::Finalize(named) => {
            proof.finalization.as_ref() == Some(certificate) && named == candidate
        }
        Statement::Nullify { view, .. } => between.contains(&view),
    };
    let mut checks = Vec::new();
    for certificate in proof.certificates() {
        if !fits(certificate) {
            return None;
        }
        checks.extend(certificate.checks(context, committee).ok()?);
    }
    Some(checks)
}
