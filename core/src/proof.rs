//! Why a height is final: what a validator keeps of each finalized block so that it can convict.
//!
//! Two validators that finalized different blocks can lay their proofs side by side and name at
//! least a third of the weight (see [`crate::evidence::between`]). Finality never waits for a proof.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    block::Candidate,
    certificate::Certificate,
    codec::Bounded,
    types::{Height, View},
    vote::Kind,
};

/// Skipped views one proof may list; of a longer run the highest ones. As many as a validator keeps in
/// memory (P38), so that a proof can always be completed.
pub const SKIPS_MAX: usize = 256;

/// The certificates behind one finalized block.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct CommitProof {
    /// The block's height.
    pub height: Height,
    /// The candidate through which it became final.
    pub candidate: Candidate,
    /// Its Notarization, held also when it was finalized directly.
    pub notarization: Option<Certificate>,
    /// Its Finalization, if it was finalized directly.
    pub finalization: Option<Certificate>,
    /// Nullifications of the views between the parent's and its own, ascending.
    pub nullifications: Bounded<Certificate, SKIPS_MAX>,
}

impl CommitProof {
    /// Every certificate in it.
    pub fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        self.notarization.iter().chain(&self.finalization).chain(&self.nullifications)
    }

    /// The certificates it still lacks, lowest view first. A Finalization is never missing: either
    /// the block was finalized directly and it is here, or there is none to be had.
    pub fn missing(&self) -> impl Iterator<Item = (View, Kind)> + '_ {
        let first = self.candidate.parent_view.next().get().max(self.first_listed());
        let held = |view: View| self.nullifications.iter().any(|skip| skip.view() == view);
        let skips = (first..self.candidate.view.get())
            .map(View::new)
            .filter(move |view| !held(*view))
            .map(|view| (view, Kind::Nullify));
        let own = (self.notarization.is_none()).then_some((self.candidate.view, Kind::Notarize));
        skips.chain(own)
    }

    /// Below this view a long run of skipped views is not listed.
    fn first_listed(&self) -> u64 {
        let listed = u64::try_from(SKIPS_MAX).expect("a small constant");
        self.candidate.view.get().saturating_sub(listed)
    }
}

impl CommitProof {
    /// Takes a checked certificate that the proof lacks. Returns whether it did.
    pub(crate) fn accept(&mut self, certificate: &Certificate) -> bool {
        let wanted = (certificate.view(), certificate.kind());
        match certificate.statement.candidate() {
            Some(candidate) if *candidate == self.candidate => {
                let slot = match certificate.kind() {
                    Kind::Finalize => &mut self.finalization,
                    _ => &mut self.notarization,
                };
                let fresh = slot.is_none();
                slot.get_or_insert_with(|| certificate.clone());
                fresh
            }
            Some(_) => false,
            None if self.missing().any(|missing| missing == wanted) => {
                let mut skips = std::mem::take(&mut self.nullifications).into_inner();
                skips.push(certificate.clone());
                skips.sort_unstable_by_key(Certificate::view);
                let fits = skips.len() <= SKIPS_MAX;
                self.nullifications = crate::job::fitting(skips);
                fits
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests;
