//! Everything held about one view: the leader's proposal, what I signed, votes and certificates.

use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    block::{Block, Candidate},
    certificate::{Certificate, Verified},
    compact::Parts,
    message::Proposal,
    time::{Instant, Span},
    types::Digest,
    vote::{Kind, Statement, Vote},
    vote_set::VoteSet,
};

/// What is known of the leader's proposal.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) enum Slot {
    /// Nothing yet.
    #[default]
    Empty,
    /// The mempool is asked which of its transactions are here.
    Proposed(Arc<Proposal>),
    /// It announces its block; its leader was asked for what is missing (P28).
    Gathering {
        /// The announcement.
        proposal: Arc<Proposal>,
        /// What is here.
        parts: Parts,
    },
    /// It announces its block, which can only be had whole (P29).
    Fetching(Arc<Proposal>),
    /// Its signatures and payload are being checked.
    Checking {
        /// The proposal.
        proposal: Arc<Proposal>,
        /// Its block.
        block: Arc<Block>,
    },
    /// Well formed in itself. Whether it may be voted for also depends on what else is held.
    Accepted {
        /// The candidate.
        candidate: Candidate,
        /// Its block.
        block: Arc<Block>,
    },
    /// Nobody may ever vote for it.
    Refused(Candidate),
}

impl Slot {
    /// The candidate proposed, whatever is known about it.
    pub(super) fn candidate(&self) -> Option<&Candidate> {
        match self {
            Self::Empty => None,
            Self::Proposed(proposal)
            | Self::Gathering { proposal, .. }
            | Self::Fetching(proposal)
            | Self::Checking { proposal, .. } => proposal.notarize.statement.candidate(),
            Self::Accepted { candidate, .. } | Self::Refused(candidate) => Some(candidate),
        }
    }
}

/// A certificate that decides nothing further by its bytes may live on disk only.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) enum Held {
    /// Not held.
    #[default]
    No,
    /// In memory.
    Here(Verified<Certificate>),
    /// Verified, written, and dropped from memory.
    Spilled,
}

/// What I have asked to sign in this view, recorded when the pledge is emitted.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Mine {
    /// My Notarize.
    pub(super) notarize: Option<Candidate>,
    /// Whether I gave the view up.
    pub(super) nullify: bool,
    /// My Finalize.
    pub(super) finalize: Option<Candidate>,
    /// The signed votes, as they came back; for resending.
    pub(super) votes: Vec<Vote>,
}

impl Mine {
    /// Notes a statement as asked for.
    pub(super) fn note(&mut self, statement: &Statement) {
        match statement {
            Statement::Notarize(candidate) => self.notarize = Some(*candidate),
            Statement::Nullify { .. } => self.nullify = true,
            Statement::Finalize(candidate) => self.finalize = Some(*candidate),
        }
    }
}

/// One view.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct ViewState {
    /// The leader's proposal.
    pub(super) slot: Slot,
    /// What I signed.
    pub(super) mine: Mine,
    notarizes: VoteSet,
    nullifies: VoteSet,
    finalizes: VoteSet,
    /// A quorum accepted this candidate.
    pub(super) notarization: Option<Verified<Certificate>>,
    /// A quorum gave the view up.
    pub(super) nullification: Held,
    /// A quorum will never give the view up.
    pub(super) finalization: Option<Verified<Certificate>>,
    /// When I entered it.
    pub(super) entered: Option<Instant>,
    /// How long after that the leader's proposal came.
    pub(super) arrival: Option<Span>,
}

impl ViewState {
    /// The votes of one kind.
    pub(super) fn votes(&mut self, kind: Kind) -> &mut VoteSet {
        match kind {
            Kind::Notarize => &mut self.notarizes,
            Kind::Nullify => &mut self.nullifies,
            Kind::Finalize => &mut self.finalizes,
        }
    }

    /// The certificate of one kind, if it is in memory.
    pub(super) fn certificate(&self, kind: Kind) -> Option<&Verified<Certificate>> {
        match kind {
            Kind::Notarize => self.notarization.as_ref(),
            Kind::Finalize => self.finalization.as_ref(),
            Kind::Nullify => match &self.nullification {
                Held::Here(certificate) => Some(certificate),
                Held::No | Held::Spilled => None,
            },
        }
    }

    /// Whether a certificate of one kind was ever held.
    pub(super) fn has_certificate(&self, kind: Kind) -> bool {
        match kind {
            Kind::Nullify => self.nullification != Held::No,
            Kind::Notarize | Kind::Finalize => self.certificate(kind).is_some(),
        }
    }

    /// The candidate a quorum accepted. A Finalization counts as a Notarization wherever a rule asks
    /// for one (P39).
    pub(super) fn notarized(&self) -> Option<&Candidate> {
        let certificate = self.finalization.as_ref().or(self.notarization.as_ref())?;
        certificate.statement.candidate()
    }

    /// The certificate behind [`Self::notarized`].
    pub(super) fn notarized_by(&self) -> Option<&Verified<Certificate>> {
        self.finalization.as_ref().or(self.notarization.as_ref())
    }

    /// Whether a quorum gave the view up.
    pub(super) fn is_nullified(&self) -> bool {
        self.nullification != Held::No
    }

    /// Any certificate that lets a validator into the next view, the strongest first.
    pub(super) fn entry_proof(&self) -> Option<&Verified<Certificate>> {
        self.notarized_by().or_else(|| self.certificate(Kind::Nullify))
    }

    /// Votes held one by one.
    pub(super) fn votes_count(&self) -> usize {
        self.notarizes.count() + self.nullifies.count() + self.finalizes.count()
    }

    /// Certificates in memory.
    pub(super) fn certificates_count(&self) -> usize {
        Kind::ALL.iter().filter(|kind| self.certificate(**kind).is_some()).count()
    }

    /// Blocks this view refers to. After a restart a block that I notarized may be known by my promise alone;
    /// others may lack it, and it may be what comes next.
    pub(super) fn blocks(&self) -> impl Iterator<Item = Digest> + '_ {
        let candidates = self.slot.candidate().into_iter().chain(self.notarized());
        candidates.chain(&self.mine.notarize).map(|candidate| candidate.block)
    }
}
