//! What the writer of consensus records keeps in memory, so that writing needs no reading.
//!
//! Small: the head of the chain, headers of blocks that are not final, and which certificates, proofs and
//! evidence there are. Loaded from the database when it is opened and changed with every record; the meaning
//! of a record is that of [`quorate_core::store::Stored::apply`], which the tests hold this against.

use std::collections::{BTreeMap, BTreeSet};

use quorate_core::{
    block::{Block, Header},
    certificate::Certificate,
    checkpoint::Checkpoint,
    evidence::Evidence,
    proof::CommitProof,
    store::{Finalized, Record},
    types::{Digest, Height, View},
    vote::Kind,
};

use super::{
    columns::Column,
    database::{Changes, Database, Row},
    error::StoreError,
    keys::{self, Key},
};

/// What is known of the rows without reading them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Index {
    /// The view of the tip that finality reached last.
    finalized_view: View,
    /// The lowest and the highest final height, if there are any.
    pub(super) archive: Option<(Height, Height)>,
    /// Blocks that are not final.
    pub(super) pending: BTreeMap<Digest, Header>,
    certificates: BTreeSet<(View, Kind)>,
    /// Heights whose proofs lack something.
    pub(super) incomplete: BTreeSet<Height>,
    evidence: BTreeSet<Evidence>,
}

/// The views that proofs name, as far as this batch has changed them.
type Proofs = BTreeMap<Height, View>;

impl Index {
    /// Reads what there is.
    pub(super) fn load(database: &Database) -> Result<Self, StoreError> {
        let tip: Option<(Finalized, Height)> = database.read(&Key::tip())?;
        let mut own = Self {
            finalized_view: tip.map_or(View::ZERO, |(advance, _)| advance.tip.view),
            ..Self::default()
        };
        let end = |row: Option<Row>| match row {
            None => Ok(None),
            Some((key, _)) => match keys::header_row(&key) {
                Some((height, _)) => Ok(Some(height)),
                None => Err(database.damage(Column::Headers, &key, "is no key of this column")),
            },
        };
        let lowest = end(database.first_from(Column::Headers, &[])?)?;
        let highest = end(database.last_to(Column::Headers, &[0xff; 10])?)?;
        own.archive = lowest.zip(highest);
        own.load_pending(database)?;
        own.load_consensus(database)?;
        Ok(own)
    }

    fn load_pending(&mut self, database: &Database) -> Result<(), StoreError> {
        let from = keys::from_height(self.head().next());
        database.scan(
            Column::Bodies,
            &from,
            |_| true,
            |key, value| {
                let block: Block = database.decode(Column::Bodies, key, value)?;
                let place = (block.header().height, block.digest());
                if keys::body_row(key) != Some(place) {
                    return Err(database.damage(Column::Bodies, key, "holds another block"));
                }
                self.pending.insert(block.digest(), block.header().clone());
                Ok(())
            },
        )
    }

    fn load_consensus(&mut self, database: &Database) -> Result<(), StoreError> {
        let within = |prefix: u8| move |key: &[u8]| key.first() == Some(&prefix);
        let column = Column::Consensus;
        let odd = |key: &[u8]| database.damage(column, key, "is no key of this column");
        database.scan(column, &[keys::CERTIFICATES], within(keys::CERTIFICATES), |key, _| {
            self.certificates.insert(keys::certificate_row(key).ok_or_else(|| odd(key))?);
            Ok(())
        })?;
        database.scan(column, &[keys::INCOMPLETE], within(keys::INCOMPLETE), |key, _| {
            let height = keys::number_after_prefix(key).ok_or_else(|| odd(key))?;
            self.incomplete.insert(Height::new(height));
            Ok(())
        })?;
        database.scan(column, &[keys::EVIDENCE], within(keys::EVIDENCE), |key, value| {
            self.evidence.insert(database.decode(column, key, value)?);
            Ok(())
        })
    }

    /// The highest final height.
    pub(super) fn head(&self) -> Height {
        self.archive.map_or(Height::ZERO, |(_, head)| head)
    }

    /// Whether there is a final block at a height.
    fn is_final(&self, height: Height) -> bool {
        self.archive.is_some_and(|(lowest, head)| lowest <= height && height <= head)
    }

    /// Takes in records, in order, and says what they change.
    ///
    /// # Panics
    /// If finality skips a height or names a block that was not recorded: the log is out of order.
    pub(super) fn apply<'r>(
        &mut self,
        records: impl Iterator<Item = &'r Record>,
        database: &Database,
        changes: &mut Changes<'_>,
    ) -> Result<(), StoreError> {
        let mut proofs = Proofs::new();
        for record in records {
            match record {
                Record::Block(block) => self.on_block(block, changes),
                Record::Certificate(certificate) => self.on_certificate(certificate, changes),
                Record::Finalized(advance) => self.on_finalized(advance, changes),
                Record::Proof(proof) => self.on_proof(proof, database, &mut proofs, changes)?,
                Record::Evidence(evidence) => self.on_evidence(evidence, changes),
                Record::Checkpoint(certificate) => on_checkpoint(certificate, changes),
            }
        }
        Ok(())
    }

    fn on_block(&mut self, block: &Block, changes: &mut Changes<'_>) {
        let (height, digest) = (block.header().height, block.digest());
        // At a final height there is nothing more to decide.
        if height <= self.head() || self.pending.contains_key(&digest) {
            return;
        }
        changes.put(&Key::body(height, &digest), block);
        changes.put(&Key::block(&digest), &height);
        self.pending.insert(digest, block.header().clone());
    }

    fn on_certificate(&mut self, certificate: &Certificate, changes: &mut Changes<'_>) {
        if certificate.view() > self.finalized_view {
            self.hold(certificate, changes);
        }
    }

    fn hold(&mut self, certificate: &Certificate, changes: &mut Changes<'_>) {
        let (view, kind) = (certificate.view(), certificate.kind());
        changes.put(&Key::certificate(view, kind), certificate);
        self.certificates.insert((view, kind));
    }

    fn on_finalized(&mut self, advance: &Finalized, changes: &mut Changes<'_>) {
        if self.finalized_view >= advance.tip.view {
            return;
        }
        for (height, digest) in &advance.blocks {
            let held = self.head();
            if *height <= held {
                continue;
            }
            assert!(
                self.archive.is_none() || *height == held.next(),
                "I5: finality skips from height {held} to {height}",
            );
            let header = self.pending.remove(digest);
            let header = header.expect("I6: a block is recorded before it is final");
            assert_eq!(
                header.height, *height,
                "I5: {digest} is final at another height than its own"
            );
            changes.put(&Key::header(*height), &header);
            let lowest = self.archive.map_or(*height, |(lowest, _)| lowest);
            self.archive = Some((lowest, *height));
        }
        let (head, _) = advance.head();
        self.drop_losers(head, changes);
        if advance.is_complete() {
            self.drop_certificates(advance.tip.view, changes);
            self.finalized_view = advance.tip.view;
            changes.put(&Key::tip(), &(advance, head));
        } else {
            self.hold(&advance.certificate, changes);
        }
    }

    /// Blocks at final heights that did not become final.
    fn drop_losers(&mut self, head: Height, changes: &mut Changes<'_>) {
        self.pending.retain(|digest, header| {
            let stays = header.height > head;
            if !stays {
                changes.delete(&Key::body(header.height, digest));
                changes.delete(&Key::block(digest));
            }
            stays
        });
    }

    fn drop_certificates(&mut self, upto: View, changes: &mut Changes<'_>) {
        while let Some((view, kind)) = self.certificates.first().copied() {
            if view > upto {
                break;
            }
            changes.delete(&Key::certificate(view, kind));
            self.certificates.pop_first();
        }
    }

    fn on_proof(
        &mut self,
        proof: &CommitProof,
        database: &Database,
        proofs: &mut Proofs,
        changes: &mut Changes<'_>,
    ) -> Result<(), StoreError> {
        let (height, view) = (proof.height, proof.candidate.view);
        if !self.is_final(height) {
            return Ok(());
        }
        let earlier = match proofs.get(&height) {
            Some(view) => Some(*view),
            None => {
                database.read(&Key::proof(height))?.map(|held: CommitProof| held.candidate.view)
            }
        };
        if let Some(earlier) = earlier {
            changes.delete(&Key::view(earlier));
        }
        proofs.insert(height, view);
        changes.put(&Key::proof(height), proof);
        changes.put(&Key::view(view), &height);
        match proof.missing().next() {
            Some(_) if self.incomplete.insert(height) => changes.put(&Key::incomplete(height), &()),
            None if self.incomplete.remove(&height) => changes.delete(&Key::incomplete(height)),
            _ => {}
        }
        Ok(())
    }

    fn on_evidence(&mut self, evidence: &Evidence, changes: &mut Changes<'_>) {
        let number = u64::try_from(self.evidence.len()).expect("memory is finite");
        if self.evidence.insert(*evidence) {
            changes.put(&Key::evidence(number), evidence);
        }
    }

    /// Forgets final heights below this one.
    pub(super) fn prune_below(&mut self, height: Height) {
        if let Some((lowest, head)) = &mut self.archive {
            assert!(height <= *head, "pruning below {height} would drop the head {head}");
            *lowest = height.max(*lowest);
        }
        self.incomplete = self.incomplete.split_off(&height);
    }
}

fn on_checkpoint(certificate: &Certificate<Checkpoint>, changes: &mut Changes<'_>) {
    changes.put(&Key::checkpoint(certificate.statement.height), certificate);
}
