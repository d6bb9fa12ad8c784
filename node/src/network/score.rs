//! Offences, what they weigh, and how long a ban lasts.
//!
//! Every peer's score falls by one point a second, so a slow trickle of mistakes never adds up. Reaching the limit
//! is a ban, which ends by itself; each further one is twice as long until a quiet hour has passed. Members are
//! banned for seconds only: without them the chain may stand still, and what they send is checked anyway. Keys
//! cost nothing, so whoever is no member is counted by its address as well.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    time::{Duration, Instant},
};

use quorate_core::{
    effect::PeerFault,
    frame::{Class, FrameError},
    types::PeerId,
};

/// A peer's score that is a ban.
const POINTS_MAX: u32 = 100;

/// An address's score that is a ban: several nodes may share one, and one of them may be honest.
const SITE_POINTS_MAX: u32 = 300;

/// Scores that are remembered; those of the least guilty are forgotten first.
const SCORES_MAX: usize = 4_096;

/// A quiet time after which earlier bans are forgotten.
const FORGIVEN: Duration = Duration::from_secs(3_600);

/// A ban is at most this many times the first one.
const BAN_FACTOR_MAX: u32 = 32;

/// Whose score it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Offender {
    /// A node, by its key.
    Peer(PeerId),
    /// Everybody at an address who is no member.
    Site(IpAddr),
}

impl Offender {
    const fn points_max(self) -> u32 {
        match self {
            Self::Peer(_) => POINTS_MAX,
            Self::Site(_) => SITE_POINTS_MAX,
        }
    }
}

/// What a peer did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Offence {
    /// A frame that no honest node sends.
    #[error("a frame that no honest node sends: {0}")]
    Frame(#[from] FrameError),
    /// Bytes that are no message, or no control frame.
    #[error("{0:?} bytes that are no message")]
    Undecodable(Class),
    /// A packed message that is not what it claims.
    #[error("a packed message that is not what it claims")]
    Unpackable,
    /// A message in a class that is not its own.
    #[error("a message of class {1:?} sent as {0:?}")]
    WrongClass(Class, Class),
    /// A message that only members may send.
    #[error("a message that only members may send: {0}")]
    MembersOnly(&'static str),
    /// A frame of a class that only members may send.
    #[error("a frame that only members may send: {0:?}")]
    ClassOfMembers(Class),
    /// A message longer than those of nodes that are no members may be.
    #[error("{0} bytes, which only members may send at once")]
    TooLong(usize),
    /// A second introduction, or one where none belongs.
    #[error("an introduction out of place")]
    SecondHello,
    /// What the replica complains about.
    #[error("the replica refused what it sent: {0:?}")]
    Core(PeerFault),
}

impl Offence {
    /// What it weighs.
    pub(crate) const fn points(self) -> u32 {
        match self {
            // The stream has lost its meaning, or the other side runs different code.
            Self::Frame(_) | Self::Undecodable(_) | Self::Unpackable | Self::SecondHello => 100,
            Self::WrongClass(..) | Self::ClassOfMembers(_) | Self::TooLong(_) => 50,
            Self::MembersOnly(_) => 20,
            Self::Core(fault) => match fault {
                // Possible only by signing or vouching for what does not hold.
                PeerFault::NotItsVote
                | PeerFault::BadVoteSignature
                | PeerFault::BadCertificate
                | PeerFault::BadEvidence
                | PeerFault::InvalidBlock
                | PeerFault::MalformedProposal => 25,
                // Could be a node that is behind, or somebody else's bytes passed on.
                PeerFault::UnknownSigner
                | PeerFault::NotTheLeader
                | PeerFault::BadTransaction
                | PeerFault::BadResponse => 10,
            },
        }
    }
}

/// One offender's record.
#[derive(Clone, Copy, Debug)]
struct Score {
    points: u32,
    /// When the points were last right.
    at: Instant,
    bans: u32,
    banned_until: Option<Instant>,
}

impl Score {
    fn points(&self, now: Instant) -> u32 {
        let seconds = now.saturating_duration_since(self.at).as_secs();
        self.points.saturating_sub(u32::try_from(seconds).unwrap_or(u32::MAX))
    }

    fn is_banned(&self, now: Instant) -> bool {
        self.banned_until.is_some_and(|until| now < until)
    }

    /// Whether nothing of it is worth remembering.
    fn is_forgiven(&self, now: Instant) -> bool {
        let last = self.banned_until.map_or(self.at, |until| until + FORGIVEN);
        self.points(now) == 0 && last <= now
    }
}

/// The records of everybody who did something wrong lately.
#[derive(Debug, Default)]
pub(crate) struct Scores(BTreeMap<Offender, Score>);

impl Scores {
    /// Adds an offence; returns how long the offender is banned, if that begins now.
    pub(crate) fn add(
        &mut self,
        now: Instant,
        offender: Offender,
        offence: Offence,
        first_ban: Duration,
    ) -> Option<Duration> {
        self.forget(now, offender);
        let fresh = Score { points: 0, at: now, bans: 0, banned_until: None };
        let score = self.0.entry(offender).or_insert(fresh);
        if score.is_banned(now) {
            return None;
        }
        let points = score.points(now).saturating_add(offence.points());
        (score.points, score.at) = (points, now);
        if points < offender.points_max() {
            return None;
        }
        let factor = 1_u32.checked_shl(score.bans).unwrap_or(u32::MAX).min(BAN_FACTOR_MAX);
        let length = first_ban.saturating_mul(factor);
        score.points = 0;
        score.bans = score.bans.saturating_add(1);
        score.banned_until = Some(now + length);
        Some(length)
    }

    /// The points of an offender.
    pub(crate) fn points(&self, now: Instant, offender: Offender) -> u32 {
        self.0.get(&offender).map_or(0, |score| score.points(now))
    }

    /// How long an offender is banned still.
    pub(crate) fn banned_for(&self, now: Instant, offender: Offender) -> Option<Duration> {
        let until = self.0.get(&offender)?.banned_until?;
        until.checked_duration_since(now).filter(|left| !left.is_zero())
    }

    /// Makes room for one more record.
    fn forget(&mut self, now: Instant, offender: Offender) {
        if self.0.get(&offender).is_some_and(|score| score.is_forgiven(now)) {
            self.0.remove(&offender);
        }
        if self.0.len() < SCORES_MAX || self.0.contains_key(&offender) {
            return;
        }
        self.0.retain(|_, score| !score.is_forgiven(now));
        if self.0.len() >= SCORES_MAX {
            let least = self
                .0
                .iter()
                .min_by_key(|(_, score)| (score.is_banned(now), score.bans, score.points(now)));
            if let Some(least) = least.map(|(offender, _)| *offender) {
                self.0.remove(&least);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    //! Scores fall, bans end and grow, and the records are bounded.

    use super::{Duration, Instant, Offence, Offender, PeerFault, PeerId, SCORES_MAX, Scores};

    const FIRST: Duration = Duration::from_secs(10);
    const BAD: Offence = Offence::Core(PeerFault::BadVoteSignature);

    fn peer(number: u8) -> Offender {
        Offender::Peer(PeerId::new([number; 32]))
    }

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn points_add_up_and_fall() {
        let (start, peer) = (Instant::now(), peer(1));
        let mut scores = Scores::default();
        for _ in 0..3 {
            assert_eq!(scores.add(start, peer, BAD, FIRST), None);
        }
        assert_eq!(scores.points(start, peer), 75);
        assert_eq!(scores.points(after(start, 30), peer), 45);
        assert_eq!(scores.add(after(start, 30), peer, BAD, FIRST), None);
        assert_eq!(scores.points(after(start, 30), peer), 70);
        // One every half minute is forgiven for ever.
        for round in 0..1_000 {
            assert_eq!(scores.add(after(start, 100 + 30 * round), peer, BAD, FIRST), None);
        }
    }

    #[test]
    fn bans_end_and_grow() {
        let (start, peer) = (Instant::now(), peer(1));
        let mut scores = Scores::default();
        let frame = Offence::Unpackable;
        let mut now = start;
        for seconds in [10, 20, 40, 80, 160, 320, 320, 320] {
            let length = Duration::from_secs(seconds);
            assert_eq!(scores.add(now, peer, frame, FIRST), Some(length));
            assert_eq!(scores.banned_for(now, peer), Some(length));
            assert_eq!(scores.add(now, peer, frame, FIRST), None, "it is banned already");
            now += length;
            assert_eq!(scores.banned_for(now, peer), None);
        }
        now += Duration::from_secs(3_601);
        assert_eq!(scores.add(now, peer, frame, FIRST), Some(FIRST), "a quiet hour later");
    }

    #[test]
    fn records_are_bounded_and_the_guilty_stay() {
        let start = Instant::now();
        let mut scores = Scores::default();
        let guilty = peer(255);
        assert!(scores.add(start, guilty, Offence::Unpackable, FIRST).is_some());
        for number in 0_u32..10_000 {
            let mut name = [0; 32];
            name[..4].copy_from_slice(&number.to_le_bytes());
            scores.add(start, Offender::Peer(PeerId::new(name)), BAD, FIRST);
        }
        assert_eq!(scores.0.len(), SCORES_MAX);
        assert_eq!(scores.banned_for(start, guilty), Some(FIRST));
    }

    /// An address bears more than one peer, since others may be there.
    #[test]
    fn a_site_bears_more() {
        let start = Instant::now();
        let mut scores = Scores::default();
        let site = Offender::Site([10, 0, 0, 1].into());
        assert_eq!(scores.add(start, site, Offence::Unpackable, FIRST), None);
        assert_eq!(scores.add(start, site, Offence::Unpackable, FIRST), None);
        assert_eq!(scores.add(start, site, Offence::Unpackable, FIRST), Some(FIRST));
    }
}
