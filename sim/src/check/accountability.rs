//! When agreement breaks, proof of who broke it is at hand.
//!
//! From the commit proofs of any two honest validators that disagree, [`between`] names at least a third
//! of the weight and nobody honest, as long as less than two thirds are dishonest. Nothing is demanded
//! while a proof still lacks a certificate: validators go on asking for those.

use std::collections::BTreeSet;

use quorate_core::{
    evidence::between,
    proof::CommitProof,
    types::{Height, ValidatorIndex, View},
};

use super::{Scene, evidence_never_blames_honest::is_real, mirror::Content};
use crate::trace::NodeIndex;

/// What the proofs of all disagreeing pairs come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Every pair names enough, and nobody honest. The smallest set named.
    Named(BTreeSet<ValidatorIndex>),
    /// Some pair names too few, but lacks certificates that could name more.
    NotYet(BTreeSet<ValidatorIndex>),
    /// The invariant is broken: why, in one sentence.
    Broken(String),
}

/// Judges every pair of honest validators whose final blocks differ.
///
/// Shapes: by the proofs of the last few hundred heights in their logs.
#[must_use]
pub fn judge(scene: &Scene) -> Judgement {
    let honest: Vec<(NodeIndex, &Content)> = scene
        .mirrors()
        .filter(|(node, _)| scene.honesty.is_honest_node(*node))
        .map(|(node, mirror)| (node, mirror.appended()))
        .collect();
    let mut least: Option<BTreeSet<ValidatorIndex>> = None;
    let mut complete = true;
    for (place, (a, ours)) in honest.iter().enumerate() {
        for (b, theirs) in &honest[place + 1..] {
            let Some(parting) = parting(ours, theirs) else { continue };
            let (left, right) = (proofs_from(ours, parting), proofs_from(theirs, parting));
            let evidence = between(&left, &right);
            if let Some(unreal) = evidence.iter().find(|evidence| !is_real(scene, evidence)) {
                let name = scene.name_at(unreal.signer());
                return Judgement::Broken(format!("{a} and {b} blame {name} for unsigned votes"));
            }
            let named: BTreeSet<ValidatorIndex> =
                evidence.iter().map(|evidence| evidence.signer()).collect();
            if let Some(innocent) = named.iter().find(|signer| scene.is_honest_at(**signer)) {
                let name = scene.name_at(*innocent);
                return Judgement::Broken(format!("{a} and {b} blame {name}, which is honest"));
            }
            let weight = named.iter().map(|signer| u128::from(scene.weight_at(*signer))).sum();
            if !scene.reaches_one_third(weight) {
                if !is_complete(ours, parting) || !is_complete(theirs, parting) {
                    complete = false;
                } else if !scene.outweighs_two_thirds(scene.dishonest_weight()) {
                    let (count, total) = (named.len(), scene.total());
                    return Judgement::Broken(format!(
                        "{a} and {b} part at height {parting}, but their complete proofs name only \
                         {count} validators with weight {weight} of {total}"
                    ));
                }
            }
            if least.as_ref().is_none_or(|least| named.len() < least.len()) {
                least = Some(named);
            }
        }
    }
    let named = least.unwrap_or_default();
    if complete { Judgement::Named(named) } else { Judgement::NotYet(named) }
}

/// The lowest height at which both have a final block and not the same.
fn parting(ours: &Content, theirs: &Content) -> Option<Height> {
    let other = |height| theirs.chain.get(height);
    ours.chain
        .iter()
        .find(|(height, block)| other(height).is_some_and(|other| other != *block))
        .map(|(height, _)| *height)
}

fn proofs_from(content: &Content, height: Height) -> Vec<CommitProof> {
    content.proofs_from(height).cloned().collect()
}

/// Whether every block from `height` up is proven, and the last of them directly.
fn is_complete(content: &Content, height: Height) -> bool {
    let proven = content.chain.range(height..).all(|(height, block)| {
        let proof = content.proof(*height);
        proof.is_some_and(|proof| proof.candidate.block == *block && is_whole(proof))
    });
    let direct = content.proofs_from(height).next_back();
    proven && direct.is_some_and(|proof| proof.finalization.is_some())
}

/// Whether a proof has its Notarization and a Nullification for every view it skips.
fn is_whole(proof: &CommitProof) -> bool {
    let candidate = &proof.candidate;
    let skipped = (candidate.parent_view.next().get()..candidate.view.get()).map(View::new);
    let listed: BTreeSet<View> = proof.nullifications.iter().map(|skip| skip.view()).collect();
    proof.notarization.is_some() && skipped.into_iter().all(|view| listed.contains(&view))
}

#[cfg(test)]
mod tests;
