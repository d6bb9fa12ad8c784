//! Looking at everything: `quorate db verify`.
//!
//! Walks the chain of final headers, each with its block, the signatures of its proof, its receipts and index,
//! then the state from its cells, all certified checkpoints, and the index from its own side. Changes nothing,
//! and does not stop at the first thing it finds.

use std::{collections::BTreeSet, fmt};

use quorate_core::{
    block::Block,
    certificate::Certificate,
    checkpoint::Checkpoint,
    committee::Committee,
    crypto::{Ed25519, Verifier as _},
    digest::{Domain, digest_of},
    execution::Outcome,
    merkle,
    types::{Digest, Height},
    vote::{Kind, Signable, SigningContext},
};

use super::{
    Store, archive,
    columns::Column,
    error::StoreError,
    guard,
    keys::{self, IndexRow, Key},
    values::{ExecutedRoots, Place},
};

/// Findings listed; of more the number is enough.
const FINDINGS_MAX: usize = 1_000;

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub at: String,
    /// What.
    pub what: String,
}

/// What a walk over everything saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Final blocks.
    pub blocks: u64,
    /// Transactions in executed blocks.
    pub transactions: u64,
    /// Cells of the state.
    pub cells: u64,
    /// What is wrong: empty if nothing is. At most a thousand.
    pub findings: Vec<Finding>,
    /// Transactions that the index finds where they are.
    places: u64,
}

impl Verification {
    fn add(&mut self, at: impl Into<String>, what: impl Into<String>) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding { at: at.into(), what: what.into() });
        }
    }

    /// Takes what could be read; what could not is a finding.
    fn take<T>(&mut self, at: &str, found: Result<T, StoreError>) -> Option<T> {
        found.map_err(|error| self.add(at, error.to_string())).ok()
    }
}

impl Store {
    /// Walks over everything. `progress` is told how many of how many heights are done, now and then.
    pub fn verify(&self, progress: &mut dyn FnMut(u64, u64)) -> Verification {
        guard::check();
        let mut seen = Verification::default();
        let judge = Judge::of(self);
        if let Some(lowest) = self.lowest() {
            self.verify_chain(lowest, &judge, &mut seen, progress);
        }
        self.verify_index(&judge, &mut seen);
        self.verify_checkpoints(&judge, &mut seen);
        let state = self.restore();
        if let Some(state) = seen.take("cells", state) {
            seen.cells = state.entries().map(|_| 1).sum();
            if state.recomputed() != *state.commitment() {
                seen.add("cells", "the state's digest is not the one that its cells have");
            }
        }
        let rows = self.consensus_rows();
        seen.take("consensus", rows);
        seen
    }

    fn verify_chain(
        &self,
        lowest: Height,
        judge: &Judge,
        seen: &mut Verification,
        progress: &mut dyn FnMut(u64, u64),
    ) {
        let head = self.head();
        let mut parent = (lowest == Height::new(1)).then(|| self.genesis_digest());
        let (mut height, all) = (lowest, head.next().delta_from(lowest));
        while height <= head {
            parent = self.verify_height(height, parent, judge, seen);
            seen.blocks += 1;
            if seen.blocks.is_multiple_of(256) || seen.blocks == all {
                progress(seen.blocks, all);
            }
            height = height.next();
        }
    }

    /// One height. The digest of its header, for the next one; `None` if it cannot be read.
    fn verify_height(
        &self,
        height: Height,
        parent: Option<Digest>,
        judge: &Judge,
        seen: &mut Verification,
    ) -> Option<Digest> {
        let at = format!("height {height}");
        let Some(header) = seen.take(&at, self.header_at(height))? else {
            seen.add(&at, "the header is missing");
            return None;
        };
        let digest = archive::digest_of(&header);
        if header.height != height {
            seen.add(&at, format!("the header is of height {}", header.height));
        }
        if parent.is_some_and(|parent| parent != header.parent) {
            seen.add(&at, format!("the parent is {}, which is not below it", header.parent));
        }
        if seen.take(&at, self.height_of(&digest)).is_some_and(|held| held != Some(height)) {
            seen.add(&at, "the index does not find the block");
        }
        self.verify_proof(height, &digest, judge, seen);
        let archived = seen.take(&at, self.block_at(height)).flatten();
        if let Some(archived) = archived {
            verify_payload(&archived.block, &at, seen);
            if height <= judge.executed {
                self.verify_execution(&archived.block, &at, seen);
            }
        }
        Some(digest)
    }

    fn verify_proof(
        &self,
        height: Height,
        digest: &Digest,
        judge: &Judge,
        seen: &mut Verification,
    ) {
        let at = format!("height {height}");
        let Some(proof) = seen.take(&at, self.proof_at(height)).flatten() else { return };
        if proof.height != height || proof.candidate.block != *digest {
            seen.add(&at, "the proof is of another block");
        }
        for certificate in proof.certificates() {
            let (view, kind) = (certificate.view(), certificate.kind());
            let is_of_it = match kind {
                Kind::Nullify => view < proof.candidate.view,
                _ => certificate.statement.candidate() == Some(&proof.candidate),
            };
            if !is_of_it {
                seen.add(
                    &at,
                    format!("the proof has a certificate of view {view} that is not of it"),
                );
            }
            if let Err(why) = judge.check(certificate) {
                seen.add(
                    &at,
                    format!("the certificate {kind:?} of view {view} does not hold: {why}"),
                );
            }
        }
    }

    /// Every certified checkpoint, also those below the blocks that are kept.
    fn verify_checkpoints(&self, judge: &Judge, seen: &mut Verification) {
        let database = &self.0.database;
        let mut bad = Vec::new();
        let within = |key: &[u8]| key.first() == Some(&keys::CHECKPOINTS);
        let scanned =
            database.scan(Column::Consensus, &[keys::CHECKPOINTS], within, |key, value| {
                let certificate: Certificate<Checkpoint> =
                    database.decode(Column::Consensus, key, value)?;
                let height = certificate.statement.height;
                if keys::number_after_prefix(key) != Some(height.get()) {
                    bad.push((height, "it is stored as that of another height".to_owned()));
                }
                if certificate.statement.committee != judge.context.committee {
                    bad.push((height, "it is of another committee".to_owned()));
                }
                if let Err(why) = judge.check(&certificate) {
                    bad.push((height, format!("its certificate does not hold: {why}")));
                }
                Ok(())
            });
        seen.take("consensus", scanned);
        for (height, what) in bad {
            seen.add(format!("checkpoint {height}"), what);
        }
    }

    /// Rows of the index that lead nowhere: after the chain, which says how many there must be.
    fn verify_index(&self, judge: &Judge, seen: &mut Verification) {
        let pending: BTreeSet<Digest> = self.index().pending.keys().copied().collect();
        let database = &self.0.database;
        let (lowest, mut within) = (self.lowest().unwrap_or(Height::ZERO), 0);
        let mut orphans = Vec::new();
        let scanned = database.scan(
            Column::Index,
            &[],
            |_| true,
            |key, value| {
                let leads_somewhere = match keys::index_row(key) {
                    Some(IndexRow::Block(digest)) => {
                        let height: Height = database.decode(Column::Index, key, value)?;
                        let header = self.header_at(height)?;
                        pending.contains(&digest)
                            || header.is_some_and(|own| archive::digest_of(&own) == digest)
                    }
                    Some(IndexRow::Transaction(id)) => {
                        let place: Place = database.decode(Column::Index, key, value)?;
                        let is_within = lowest <= place.height && place.height <= judge.executed;
                        within += u64::from(is_within);
                        is_within || self.is_at(&id, place)?
                    }
                    None => false,
                };
                if !leads_somewhere && orphans.len() < FINDINGS_MAX {
                    orphans.push(format!("txidx/{}", hex::encode(key)));
                }
                Ok(())
            },
        );
        seen.take("txidx", scanned);
        orphans.into_iter().for_each(|at| seen.add(at, "the index leads nowhere"));
        if within > seen.places {
            let what = format!(
                "{} transactions are indexed at heights that are kept and are not there",
                within - seen.places
            );
            seen.add("txidx", what);
        }
    }

    /// Whether a transaction is where the index says: also at a height that is half forgotten.
    fn is_at(&self, id: &Digest, place: Place) -> Result<bool, StoreError> {
        let found: Option<Vec<(Digest, Outcome)>> =
            self.0.database.read(&Key::outcomes(place.height))?;
        let index = usize::try_from(place.index).expect("at least 32 bits");
        Ok(found.is_some_and(|all| all.get(index) == Some(&(*id, place.outcome))))
    }

    fn verify_execution(&self, block: &Block, at: &str, seen: &mut Verification) {
        let height = block.header().height;
        let Some(outcomes) = seen.take(at, self.receipts(height)).flatten() else {
            return seen.add(at, "the receipts are missing");
        };
        let Some(roots) = seen.take(at, self.executed_at(height)).flatten() else {
            return seen.add(at, "what it came to is missing");
        };
        seen.transactions += u64::try_from(outcomes.len()).expect("memory is finite");
        let leaves: Vec<Digest> =
            outcomes.iter().map(|one| digest_of(Domain::Receipt, one)).collect();
        if merkle::root(&leaves) != roots.receipts || roots.block != block.digest() {
            seen.add(at, "the receipts are not those of the block");
        }
        let ids =
            block.payload().transactions.iter().map(quorate_core::transaction::Transaction::id);
        if !ids.eq(outcomes.iter().map(|(id, _)| *id)) {
            seen.add(at, "the receipts are of other transactions");
        }
        self.verify_places(height, &outcomes, at, seen);
        self.verify_checkpoint(height, &roots, at, seen);
    }

    fn verify_places(
        &self,
        height: Height,
        outcomes: &[(Digest, Outcome)],
        at: &str,
        seen: &mut Verification,
    ) {
        for (index, (id, outcome)) in (0u32..).zip(outcomes) {
            let place = seen.take(at, self.transaction(id)).flatten();
            let is_here = place.is_some_and(|place| {
                (place.height, place.index, place.outcome) == (height, index, *outcome)
            });
            seen.places += u64::from(is_here);
            // One that was skipped may be found elsewhere.
            let is_skipped = matches!(outcome, Outcome::Skipped(_)) && place.is_some();
            if !is_here && !is_skipped {
                seen.add(at, format!("the index does not find transaction {id}"));
            }
        }
    }

    fn verify_checkpoint(
        &self,
        height: Height,
        roots: &ExecutedRoots,
        at: &str,
        seen: &mut Verification,
    ) {
        let Some(certificate) = seen.take(at, self.checkpoint_at(height)).flatten() else { return };
        if certificate.statement.state_root != roots.commitment.root {
            seen.add(at, "a quorum certified another state");
        }
    }
}

/// Whose signatures count.
struct Judge {
    /// None if the genesis has no committee, with which no store is made.
    committee: Option<Committee>,
    context: SigningContext,
    /// The last height executed.
    executed: Height,
}

impl Judge {
    fn of(store: &Store) -> Self {
        let genesis = &store.0.genesis;
        let committee = genesis.committee().ok();
        let context = SigningContext {
            chain_id: genesis.chain_id,
            genesis: genesis.digest(),
            committee: committee.as_ref().map_or(Digest::ZERO, Committee::digest),
        };
        Self { committee, context, executed: store.lane().committed.height }
    }

    /// Whether a quorum signed it.
    fn check<S: Signable + Copy + Eq + fmt::Debug>(
        &self,
        certificate: &Certificate<S>,
    ) -> Result<(), String> {
        let committee = self.committee.as_ref().ok_or("the genesis has no committee")?;
        let checks = certificate.checks(&self.context, committee).map_err(|why| why.to_string())?;
        let good = Ed25519.verify(&checks);
        assert_eq!(good.len(), checks.len(), "one answer per check");
        match certificate.signers.iter().zip(good).find(|(_, good)| !good) {
            Some((signer, _)) => Err(format!("the signature of member {} is bad", signer.get())),
            None => Ok(()),
        }
    }
}

fn verify_payload(block: &Block, at: &str, seen: &mut Verification) {
    let (header, payload) = (block.header(), block.payload());
    let is_committed_to = header.payload_root == payload.root()
        && header.payload_len == payload.encoded_len()
        && header.evidence_root == payload.evidence_root();
    if !is_committed_to {
        seen.add(at, "the payload is not the one that the header commits to");
    }
}
