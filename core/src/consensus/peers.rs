//! What is known of the other members: where they are, when they were last heard, and how much
//! unsolicited work they may still cause.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    time::{Instant, Span},
    types::{PeerId, Stake, ValidatorIndex, View},
};

/// Far certificates are looked at this often per peer at the most.
const FAR_CHECK_PAUSE: Span = Span::from_millis(100);

/// After a bad certificate nothing is certified on this peer's word for so long.
const DISTRUST: Span = Span::from_millis(1_000);

/// Answers to requests per peer and [`ANSWER_WINDOW`].
const ANSWERS_MAX: u32 = 64;
const ANSWER_WINDOW: Span = Span::from_millis(100);

/// One other member.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Peer {
    /// Its name on the network.
    pub(super) id: PeerId,
    /// The highest view it is known to have entered.
    pub(super) view: View,
    /// When anything last came from it.
    pub(super) heard: Option<Instant>,
    /// When it was last helped on from its Status.
    pub(super) helped: Option<Instant>,
    far_check: Option<Instant>,
    distrusted_until: Instant,
    answers: u32,
    answers_since: Instant,
}

/// All other members, by index; the own entry stays unused.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Peers {
    peers: Vec<Peer>,
    weights: Vec<Stake>,
}

impl Peers {
    /// Nothing known about anybody.
    pub(super) fn new(members: impl Iterator<Item = (PeerId, Stake)>) -> Self {
        let (ids, weights): (Vec<PeerId>, Vec<Stake>) = members.unzip();
        let peer = |id| Peer {
            id,
            view: View::ZERO,
            heard: None,
            helped: None,
            far_check: None,
            distrusted_until: Instant::ZERO,
            answers: 0,
            answers_since: Instant::ZERO,
        };
        Self { peers: ids.into_iter().map(peer).collect(), weights }
    }

    /// One member.
    pub(super) fn peer(&mut self, index: ValidatorIndex) -> &mut Peer {
        &mut self.peers[usize::from(index.get())]
    }

    /// The network name of one member.
    pub(super) fn id(&self, index: ValidatorIndex) -> PeerId {
        self.peers[usize::from(index.get())].id
    }

    /// Learns that a member has reached a view.
    pub(super) fn on_view(&mut self, index: ValidatorIndex, view: View) {
        let peer = self.peer(index);
        peer.view = peer.view.max(view);
    }

    /// Members, other than `me`, not known to be beyond a view.
    pub(super) fn behind(
        &self,
        me: Option<ValidatorIndex>,
        view: View,
    ) -> impl Iterator<Item = (ValidatorIndex, PeerId)> + '_ {
        self.peers.iter().enumerate().filter_map(move |(place, peer)| {
            let index = ValidatorIndex::new(u16::try_from(place).expect("at most 1024 members"));
            (Some(index) != me && peer.view <= view).then_some((index, peer.id))
        })
    }

    /// The weight heard from within `span` before `now`.
    pub(super) fn weight_heard(&self, now: Instant, span: Span) -> Stake {
        let recent = |peer: &Peer| peer.heard.is_some_and(|heard| now.since(heard) < span);
        self.peers
            .iter()
            .zip(&self.weights)
            .filter(|(peer, _)| recent(peer))
            .fold(Stake::ZERO, |sum, (_, weight)| sum.plus(*weight))
    }

    /// Whether nothing came from a member within `span` before `now`.
    pub(super) fn is_silent(&self, index: ValidatorIndex, now: Instant, span: Span) -> bool {
        let heard = self.peers[usize::from(index.get())].heard;
        now.since(heard.unwrap_or(Instant::ZERO)) >= span
    }
}

impl Peer {
    /// Whether a far certificate from it may be looked at now.
    pub(super) fn may_check_far(&mut self, now: Instant) -> bool {
        let due = self.far_check.is_none_or(|last| now.since(last) >= FAR_CHECK_PAUSE);
        if due {
            self.far_check = Some(now);
        }
        due
    }

    /// Stops believing its certificates for a while.
    pub(super) fn distrust(&mut self, now: Instant) {
        self.distrusted_until = now.plus(DISTRUST);
    }

    /// Whether its certificates are looked at.
    pub(super) fn is_trusted(&self, now: Instant) -> bool {
        now >= self.distrusted_until
    }

    /// Whether one more request of it may be answered now.
    pub(super) fn may_be_answered(&mut self, now: Instant) -> bool {
        if now.since(self.answers_since) >= ANSWER_WINDOW {
            self.answers_since = now;
            self.answers = 0;
        }
        self.answers = self.answers.saturating_add(1);
        self.answers <= ANSWERS_MAX
    }
}
