//! How much each peer may offer: a bucket of bytes that fills evenly.
//!
//! Looked at before anything is computed, so what a peer sends beyond its ration costs next to
//! nothing. An honest peer passes on what its own clients submit and stays far below.

use std::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    time::{Instant, Span},
    types::PeerId,
};

/// Buckets that are not full, at most; a peer beyond them has to wait.
const BUCKETS_MAX: usize = 4096;

const SECOND: Span = Span::from_millis(1_000);

/// The buckets of all peers. A peer without one has a full one.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Ration {
    by_peer: BTreeMap<PeerId, Bucket>,
    per_second: u64,
    burst: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Bucket {
    left: u64,
    since: Instant,
}

impl Ration {
    /// Buckets of `burst` bytes that get `per_second`.
    pub(super) fn new(per_second: u64, burst: u64) -> Self {
        Self { by_peer: BTreeMap::new(), per_second, burst }
    }

    /// Takes so many bytes from a peer's bucket, if they are there.
    pub(super) fn take(&mut self, now: Instant, peer: PeerId, bytes: u64) -> bool {
        let level = self.level(now, self.by_peer.get(&peer));
        let Some(left) = level.checked_sub(bytes) else { return false };
        if !self.by_peer.contains_key(&peer) && self.by_peer.len() >= BUCKETS_MAX {
            self.forget_full(now);
            if self.by_peer.len() >= BUCKETS_MAX {
                return false;
            }
        }
        self.by_peer.insert(peer, Bucket { left, since: now });
        true
    }

    fn level(&self, now: Instant, bucket: Option<&Bucket>) -> u64 {
        let Some(bucket) = bucket else { return self.burst };
        let passed = now.since(bucket.since);
        let wide =
            u128::from(passed.nanos()) * u128::from(self.per_second) / u128::from(SECOND.nanos());
        let gained = u64::try_from(wide).unwrap_or(u64::MAX);
        bucket.left.saturating_add(gained).min(self.burst)
    }

    fn forget_full(&mut self, now: Instant) {
        let full: Vec<PeerId> = self
            .by_peer
            .iter()
            .filter(|(_, bucket)| self.level(now, Some(bucket)) == self.burst)
            .map(|(peer, _)| *peer)
            .collect();
        for peer in full {
            self.by_peer.remove(&peer);
        }
    }
}

#[cfg(test)]
mod tests;
