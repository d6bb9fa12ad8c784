//! What a commit proof still lacks: exactly the skipped views and its own Notarization.

use super::{CommitProof, SKIPS_MAX};
use crate::{
    block::Candidate,
    codec::Bounded,
    testing::cast::{Cast, candidate, notarize, nullify},
    types::{Height, View},
    vote::Kind,
};

fn proof(parent_view: u64, view: u64, skipped: &[u64]) -> CommitProof {
    let cast = Cast::equal(4);
    let skips = skipped.iter().map(|view| cast.unanimous(nullify(*view))).collect();
    CommitProof {
        height: Height::new(1),
        candidate: Candidate { parent_view: View::new(parent_view), ..candidate(view, 1) },
        notarization: None,
        finalization: None,
        nullifications: Bounded::new(skips),
    }
}

fn missing(proof: &CommitProof) -> Vec<(u64, Kind)> {
    proof.missing().map(|(view, kind)| (view.get(), kind)).collect()
}

#[test]
fn skipped_views_and_the_own_notarization() {
    let own = (7, Kind::Notarize);
    let skips = [(5, Kind::Nullify), (6, Kind::Nullify)];
    assert_eq!(missing(&proof(4, 7, &[])), [skips[0], skips[1], own]);
    assert_eq!(missing(&proof(4, 7, &[6])), [skips[0], own]);
    assert_eq!(missing(&proof(6, 7, &[])), [own]);
    let complete = CommitProof {
        notarization: Some(Cast::equal(4).unanimous(notarize(7, 1))),
        ..proof(4, 7, &[5, 6])
    };
    assert_eq!(missing(&complete), []);
    assert_eq!(complete.certificates().count(), 3);
}

/// A run of skipped views longer than fits is listed from its upper end, and a hostile one is bounded.
#[test]
fn a_long_run_is_bounded() {
    let long = missing(&proof(0, 5_000, &[]));
    assert_eq!(long.len(), SKIPS_MAX + 1);
    assert_eq!(long[0], (5_000 - 256, Kind::Nullify));
    assert_eq!(missing(&proof(0, u64::MAX, &[])).len(), SKIPS_MAX + 1);
    assert_eq!(missing(&proof(u64::MAX, 3, &[])), [(3, Kind::Notarize)]);
}
