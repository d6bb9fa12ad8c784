//! Finality: advancing the tip, delivering blocks, keeping proofs, forgetting the rest (P39, P64).

use std::{collections::BTreeSet, sync::Arc};

use super::{Consensus, Head, HeldBlock, ProofGap, Tip};
use crate::{
    block::{Block, Candidate},
    certificate::{Certificate, Verified},
    codec::Bounded,
    event::Event,
    job::fitting,
    notice::{Notice, Out},
    planted::planted,
    proof::{CommitProof, SKIPS_MAX},
    store::{Finalized, Record},
    time::{Now, Span},
    types::{Digest, Height, Seq, View},
    vote::Kind,
};

/// Unfinished commit proofs kept at the most; the oldest are given up first.
const PROOFS_MAX: usize = 256;

/// What the walk from a Finalization down to the head found.
enum Path {
    /// All blocks above the head, ascending; empty if the block is the head itself.
    Whole(Vec<Arc<Block>>),
    /// This block is missing. With the height it must have, if a child of it is known.
    Missing(Digest, Option<Height>),
    /// The block is below the head, which only a descendant can make final.
    Below,
    /// It ends in another chain: the finalized chain forks.
    Fork,
}

impl Consensus {
    /// P39: makes the highest Finalization final whose ancestors are all here, and asks for what the
    /// highest of all still lacks.
    pub(super) fn try_advance_finality(&mut self, now: Now, out: &mut Out<'_>) {
        if self.halted {
            return;
        }
        let certified: Vec<View> = self
            .views
            .iter()
            .rev()
            .filter(|(_, state)| state.finalization.is_some())
            .map(|(view, _)| *view)
            .collect();
        for (place, view) in certified.into_iter().enumerate() {
            let state = &self.views[&view];
            let certificate = state.finalization.clone().expect("filtered above");
            let candidate = *certificate.statement.candidate().expect("a Finalization names one");
            match self.path_to(candidate.block) {
                Path::Whole(blocks) => {
                    return self.finalize(now, certificate, candidate, blocks, out);
                }
                Path::Fork => return self.halt(out),
                Path::Missing(digest, height) if place == 0 => {
                    self.want_ancestor(digest, height, out);
                }
                Path::Missing(..) | Path::Below => {}
            }
        }
    }

    fn path_to(&self, block: Digest) -> Path {
        let mut path: Vec<Arc<Block>> = Vec::new();
        let mut digest = block;
        while digest != self.head.block {
            let below = path.last().map(|child| child.header().height);
            if below.is_some_and(|child| child <= self.head.height.next()) {
                return Path::Fork;
            }
            let Some(held) = self.blocks.get(&digest) else {
                return Path::Missing(digest, below.and_then(Height::previous));
            };
            let height = held.block.header().height;
            // Between the tip and the head lie ancestors of a candidate that is still to be reached.
            if height < self.head.height && self.head.height > self.finalized.head.height {
                return Path::Below;
            }
            if height <= self.head.height {
                return Path::Fork;
            }
            digest = held.block.header().parent;
            path.push(Arc::clone(&held.block));
        }
        path.reverse();
        Path::Whole(path)
    }

    /// One missing block is asked for by name, a long gap by height.
    fn want_ancestor(&self, digest: Digest, height: Option<Height>, out: &mut Out<'_>) {
        let from = self.head.height.next();
        match height {
            Some(height) if height.delta_from(from) >= 2 => {
                out.notice(Notice::BlocksWanted { from });
            }
            _ => out.notice(Notice::BlockWanted { digest, hint: None }),
        }
    }

    /// Two chains were finalized. Nothing this validator does can mend that, and anything it signs
    /// could make it worse (I1).
    fn halt(&mut self, out: &mut Out<'_>) {
        if !self.halted {
            self.halted = true;
            out.fx.report(Event::SafetyHalt { height: self.head.height });
        }
    }

    /// Everything up to `candidate` is final.
    fn finalize(
        &mut self,
        now: Now,
        certificate: Verified<Certificate>,
        candidate: Candidate,
        path: Vec<Arc<Block>>,
        out: &mut Out<'_>,
    ) {
        // Its blocks are usually written: the advance and one proof per block remain.
        let mut batch = Vec::with_capacity(path.len() + 1);
        for block in &path {
            let held = self.blocks.get_mut(&block.digest()).expect("on the path");
            if !held.written {
                held.written = true;
                batch.push(Record::Block(Arc::clone(block)));
            }
        }
        let head = path.last().map_or(self.head, |block| Head::of(block));
        let blocks = match path.is_empty() {
            true => vec![(head.height, head.block)],
            false => path.iter().map(|block| (block.header().height, block.digest())).collect(),
        };
        if !planted!(FinalityUnwritten) {
            batch.push(Record::Finalized(Finalized {
                tip: candidate,
                certificate: (*certificate).clone(),
                blocks,
            }));
        }
        batch.extend(self.prove(now, &candidate, head.height).into_iter().map(Record::Proof));
        let seq = out.write(batch);
        self.sample_arrivals(&candidate);

        self.finalized =
            Tip { view: candidate.view, id: candidate.id(), head, certificate: Some(certificate) };
        self.head = head;
        self.deliver_after(seq, path);
        if planted!(DeliveredEarly) {
            self.on_written(seq, out);
        }
        self.prune();
        self.shorten_timers();
        self.on_base_changed(now, out);
    }

    fn deliver_after(&mut self, seq: Seq, blocks: Vec<Arc<Block>>) {
        for block in &blocks {
            for evidence in &block.payload().evidence {
                if let Some(offence) = evidence.offence() {
                    self.unpunished.remove(&(evidence.signer(), offence));
                }
            }
        }
        self.deliveries.push_back((seq, blocks));
    }

    /// Delivers what has become durable: a block is only final for others once it cannot be lost.
    pub(crate) fn on_written(&mut self, upto: Seq, out: &mut Out<'_>) {
        while self.deliveries.front().is_some_and(|(seq, _)| *seq <= upto) {
            let (_, blocks) = self.deliveries.pop_front().expect("looked at");
            let Some(last) = blocks.last() else { continue };
            assert!(
                blocks[0].header().height == self.delivered.next(),
                "I6: delivering height {} after {}",
                blocks[0].header().height,
                self.delivered
            );
            self.delivered = last.header().height;
            for block in &blocks {
                let (height, view) = (block.header().height, block.header().origin_view);
                out.fx.report(Event::Finalized { height, view, block: block.digest() });
            }
            out.notice(Notice::Delivered(blocks));
        }
    }

    /// Learns how long the proposals of the newly final views took to arrive (P40).
    fn sample_arrivals(&mut self, tip: &Candidate) {
        let mut candidate = *tip;
        let mut arrivals = Vec::new();
        while candidate.view > self.finalized.view {
            let Some(state) = self.views.get(&candidate.view) else { break };
            let own = Some(self.schedule.leader(candidate.view)) == self.me;
            if let Some(arrival) = state.arrival.filter(|_| !own) {
                let idle = self
                    .blocks
                    .get(&candidate.block)
                    .is_some_and(|held| held.block.payload().is_empty());
                let pause = if idle { self.idle_pause() } else { Span::ZERO };
                arrivals.push(arrival.minus(pause));
            }
            let Some(parent) =
                self.views.get(&candidate.parent_view).and_then(|state| state.notarized())
            else {
                break;
            };
            candidate = *parent;
        }
        for arrival in arrivals.into_iter().rev() {
            self.pacemaker.on_arrival(arrival, &self.parameters);
        }
    }

    /// P64: the commit proofs of the newly final heights, as complete as they can be now.
    fn prove(&mut self, now: Now, tip: &Candidate, height: Height) -> Vec<CommitProof> {
        let mut proofs = Vec::new();
        let mut candidate = *tip;
        let mut height = height;
        loop {
            let proof = self.proof_of(&candidate, height);
            self.keep_unfinished(now, &proof);
            proofs.push(proof);
            let parent = candidate.parent_view;
            let Some(below) = height.previous() else { break };
            if parent <= self.finalized.view || below == Height::ZERO {
                break;
            }
            height = below;
            match self.views.get(&parent).and_then(|state| state.notarized()) {
                Some(notarized) => candidate = *notarized,
                None => {
                    // Final, but through a candidate only its id is known of.
                    let down_to = self.finalized.view;
                    let gap = ProofGap { height, id: candidate.parent_id, down_to };
                    self.keep_gap(now, parent, gap);
                    break;
                }
            }
        }
        proofs
    }

    fn proof_of(&self, candidate: &Candidate, height: Height) -> CommitProof {
        let state = self.views.get(&candidate.view);
        let of_kind = |kind| {
            let certificate = state.and_then(|state| state.certificate(kind));
            certificate
                .filter(|certificate| certificate.statement.candidate() == Some(candidate))
                .map(|certificate| (**certificate).clone())
        };
        let skipped = self.views.range(candidate.parent_view.next()..candidate.view);
        let mut skips: Vec<Certificate> = skipped
            .rev()
            .filter_map(|(_, state)| state.certificate(Kind::Nullify))
            .take(SKIPS_MAX)
            .map(|certificate| (**certificate).clone())
            .collect();
        skips.reverse();
        CommitProof {
            height,
            candidate: *candidate,
            notarization: of_kind(Kind::Notarize),
            finalization: of_kind(Kind::Finalize),
            nullifications: fitting::<_, SKIPS_MAX>(skips),
        }
    }

    fn keep_unfinished(&mut self, now: Now, proof: &CommitProof) {
        let missing: Vec<(View, Kind)> = proof.missing().take(8).collect();
        if missing.is_empty() {
            self.proofs.remove(&proof.height);
            return;
        }
        self.proofs.insert(proof.height, proof.clone());
        for (view, kind) in missing {
            self.want_later(now, view, Some(kind));
        }
        while self.proofs.len() > PROOFS_MAX {
            self.proofs.pop_first();
        }
    }

    /// Whether a certificate at or below the tip would complete a proof.
    pub(super) fn is_wanted_proof(&self, view: View, kind: Kind) -> bool {
        self.wants.contains_key(&(view, Some(kind)))
    }

    /// A final height whose candidate nobody has named yet.
    fn keep_gap(&mut self, now: Now, view: View, gap: ProofGap) {
        self.proof_gaps.insert(view, gap);
        self.want_later(now, view, Some(Kind::Notarize));
        while self.proof_gaps.len() > PROOFS_MAX {
            self.proof_gaps.pop_first();
        }
    }

    /// A checked certificate at or below the tip may complete commit proofs.
    pub(super) fn complete_proofs(
        &mut self,
        now: Now,
        certificate: &Certificate,
        out: &mut Out<'_>,
    ) {
        if let Some(candidate) = certificate.statement.candidate() {
            self.close_gap(now, candidate);
        }
        let mut batch = Vec::new();
        for proof in self.proofs.values_mut() {
            if proof.accept(certificate) {
                batch.push(proof.clone());
            }
        }
        for proof in &batch {
            self.keep_unfinished(now, proof);
        }
        if !batch.is_empty() {
            out.write(batch.into_iter().map(Record::Proof).collect());
        }
    }

    /// Names the candidate of a final height, and thereby the id of the one below.
    fn close_gap(&mut self, now: Now, candidate: &Candidate) {
        let Some(gap) = self.proof_gaps.get(&candidate.view).copied() else { return };
        if candidate.id() != gap.id {
            return;
        }
        self.proof_gaps.remove(&candidate.view);
        let proof = CommitProof {
            height: gap.height,
            candidate: *candidate,
            notarization: None,
            finalization: None,
            nullifications: Bounded::default(),
        };
        self.keep_unfinished(now, &proof);
        let below = gap.height.previous().filter(|below| *below > Height::ZERO);
        if let Some(height) = below.filter(|_| candidate.parent_view > gap.down_to) {
            let gap = ProofGap { height, id: candidate.parent_id, ..gap };
            self.keep_gap(now, candidate.parent_view, gap);
        }
    }

    /// Takes a block that was asked for by its digest.
    pub(crate) fn on_block_fetched(&mut self, now: Now, block: Arc<Block>, out: &mut Out<'_>) {
        let digest = block.digest();
        // One that a Finalization names is taken at any height: not above the head it shows a fork.
        let needed = block.header().height > self.head.height || self.is_named_final(&digest);
        self.on_announced_fetched(now, &block, out);
        if needed && !self.halted && !self.blocks.contains_key(&digest) {
            self.on_block(now, block, out);
        }
    }

    /// Whether a Finalization above the tip names this block.
    fn is_named_final(&self, digest: &Digest) -> bool {
        let certificates = self.views.values().filter_map(|state| state.finalization.as_ref());
        let mut named = certificates.filter_map(|certificate| certificate.statement.candidate());
        named.any(|candidate| candidate.block == *digest)
    }

    /// Takes final blocks that were fetched by height (P39).
    pub(crate) fn on_blocks_fetched(
        &mut self,
        now: Now,
        blocks: Vec<Arc<Block>>,
        finalization: Verified<Certificate>,
        proofs: Vec<CommitProof>,
        out: &mut Out<'_>,
    ) {
        if self.halted {
            return;
        }
        let fresh: Vec<Arc<Block>> =
            blocks.into_iter().filter(|block| block.header().height > self.head.height).collect();
        let Some(first) = fresh.first() else { return };
        let lowest = first.header().height;
        if first.header().parent != self.head.block {
            return self.halt(out);
        }
        for block in &fresh {
            let held = HeldBlock::new(Arc::clone(block), false);
            self.blocks.entry(block.digest()).or_insert(held);
            out.fx.report(Event::Fetched { block: block.digest(), height: block.header().height });
        }
        let tip = *finalization.statement.candidate().expect("a Finalization names one");
        let last = fresh.last().expect("not empty").digest();
        if tip.block != last {
            self.advance_head(tip, &finalization, &fresh, out);
        }
        self.on_certified(now, finalization, None, out);
        self.try_advance_finality(now, out);
        let kept: Vec<Record> = proofs
            .into_iter()
            // What was final before has a proof of its own, perhaps a better one.
            .filter(|proof| proof.height >= lowest && proof.height <= self.head.height)
            .map(Record::Proof)
            .collect();
        if !kept.is_empty() {
            out.write(kept);
        }
    }

    /// Ancestors of a finalized candidate are final before the candidate itself is reached.
    fn advance_head(
        &mut self,
        tip: Candidate,
        finalization: &Certificate,
        fresh: &[Arc<Block>],
        out: &mut Out<'_>,
    ) {
        let mut batch: Vec<Record> = Vec::new();
        for block in fresh {
            let held = self.blocks.get_mut(&block.digest()).expect("just inserted");
            if !held.written {
                held.written = true;
                batch.push(Record::Block(Arc::clone(block)));
            }
        }
        let blocks: Vec<(Height, Digest)> =
            fresh.iter().map(|block| (block.header().height, block.digest())).collect();
        self.head = Head::of(fresh.last().expect("not empty"));
        batch.push(Record::Finalized(Finalized { tip, certificate: finalization.clone(), blocks }));
        let seq = out.write(batch);
        self.deliver_after(seq, fresh.to_vec());
    }

    /// Forgets every view at or below the tip and every block nothing above it refers to (I7).
    ///
    /// Memory is freed at once and not when the record is durable: a crash in between loses both, and
    /// the store still holds the certificates that were written before.
    fn prune(&mut self) {
        let view = self.finalized.view;
        while self.views.first_key_value().is_some_and(|(lowest, _)| *lowest <= view) {
            self.views.pop_first();
        }
        self.relays.retain(|(_, relayed, _)| *relayed > view);
        let proofs = &self.proofs;
        let gaps = &self.proof_gaps;
        self.wants.retain(|(wanted, kind), _| {
            *wanted > view
                || gaps.contains_key(wanted)
                || kind.is_some_and(|kind| {
                    proofs.values().any(|proof| proof.missing().any(|one| one == (*wanted, kind)))
                })
        });
        let wants = &self.wants;
        self.offered.retain(|(offered, kind), _| {
            *offered > view || wants.contains_key(&(*offered, Some(*kind)))
        });
        let mut referred: BTreeSet<Digest> = BTreeSet::new();
        for state in self.views.values() {
            for block in state.blocks() {
                let mut digest = block;
                while let Some(held) = self.blocks.get(&digest) {
                    if held.block.header().height <= self.head.height || !referred.insert(digest) {
                        break;
                    }
                    digest = held.block.header().parent;
                }
            }
        }
        self.blocks.retain(|digest, _| referred.contains(digest) || planted!(BlocksNeverForgotten));
    }
}
