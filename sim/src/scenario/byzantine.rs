//! Validators that lie: which, how and when. The edits themselves live in the `byzantine` module.

use quorate_core::{
    time::Span,
    types::{Height, View},
};

use super::{
    condition::{NodeName, Selector},
    quantity::{Distribution, Ppm},
};

/// One `[[byzantine]]` of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByzantineSpec {
    /// Who. Only names, `one`, `f`, `f+1`, `all` and `random:K`: it is decided before the run begins.
    pub nodes: Selector,
    /// What they do.
    pub behaviour: Behaviour,
    /// When they do it.
    pub when: When,
    /// Only from this simulated time on.
    pub after: Span,
    /// The number that what is drawn for it is keyed by; its place among the behaviours if absent.
    pub draw: Option<u32>,
    /// The line of the file it begins on; 0 when it did not come from a file.
    pub line: u32,
}

impl ByzantineSpec {
    /// What its draws are keyed by, at this place among the behaviours.
    #[must_use]
    pub fn draw_at(&self, place: u64) -> u64 {
        self.draw.map_or(place, u64::from)
    }
}

/// When a behaviour acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// At every opportunity.
    Always,
    /// At each opportunity with this probability.
    Random(Ppm),
    /// While working on one of these heights, ascending.
    AtHeights(Vec<Height>),
    /// In one of these views, ascending.
    AtViews(Vec<View>),
}

/// Who is told which of two stories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Split {
    /// Half and half, drawn by the seed.
    Random,
    /// These hear the first, those the second; others hear both.
    Groups(Vec<NodeName>, Vec<NodeName>),
}

/// A kind of message, as behaviours tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MessageKind {
    /// A leader's proposal.
    Proposal,
    /// A vote of any kind.
    Vote,
    /// A certificate.
    Certificate,
    /// Questions for blocks and their answers.
    Sync,
    /// Heartbeats.
    Status,
    /// Transactions passed on.
    Transaction,
    /// Evidence of an offence.
    Evidence,
}

impl MessageKind {
    /// Each with its name in a scenario file.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Proposal, "proposal"),
        (Self::Vote, "vote"),
        (Self::Certificate, "certificate"),
        (Self::Sync, "sync"),
        (Self::Status, "status"),
        (Self::Transaction, "transaction"),
        (Self::Evidence, "evidence"),
    ];
}

/// How far `mutate` goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// A number off by a little.
    Small,
    /// Any field to anything.
    Any,
}

/// What a Byzantine validator does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Proposes two different blocks in one view, one to each half.
    EquivocateProposal {
        /// Who hears which.
        split: Split,
    },
    /// Votes for two different candidates in one view, one vote to each half.
    EquivocateVote {
        /// Who hears which.
        split: Split,
    },
    /// Runs two replicas on one key, each with its own disk.
    Twin,
    /// Does not send messages of these kinds, ascending.
    Withhold {
        /// The kinds.
        kinds: Vec<MessageKind>,
    },
    /// Sends nothing to these.
    SilentTo {
        /// Whom.
        to: Selector,
    },
    /// Sends bytes that decode to nothing.
    Garbage,
    /// Spoils the signatures of what it sends.
    BadSignature,
    /// Sends certificates that contradict each other or lack a quorum.
    ConflictingCertificate,
    /// Sends old messages again.
    ReplayStale,
    /// Forgets at each restart what it has promised.
    Amnesia,
    /// Holds its own proposals back.
    DelayProposal {
        /// How long.
        by: Distribution,
    },
    /// Proposes blocks no validator may accept.
    InvalidBlock,
    /// Puts a well-signed transaction that cannot pay into its blocks.
    Unpayable,
    /// Claims a wrong state after execution.
    WrongStateRoot,
    /// Answers questions for blocks with the wrong ones.
    LieInSync,
    /// Makes up the signatures of others.
    Forge,
    /// Proposes on the parent of the parent, as if the views between had been given up.
    SkipParent,
    /// Puts a transaction into its blocks that spends from somebody else's account.
    Steal,
    /// Sends more than anybody could want.
    Flood {
        /// Messages per second to each peer.
        messages_per_second: u32,
    },
    /// Changes fields of what it sends.
    Mutate {
        /// How far.
        scope: Mutation,
    },
}

impl Behaviour {
    /// Every verb, in the order of the documentation.
    pub const NAMES: [&'static str; 20] = [
        "equivocate_proposal",
        "equivocate_vote",
        "twin",
        "withhold",
        "silent_to",
        "garbage",
        "bad_signature",
        "conflicting_certificate",
        "replay_stale",
        "amnesia",
        "delay_proposal",
        "invalid_block",
        "unpayable",
        "wrong_state_root",
        "lie_in_sync",
        "forge",
        "skip_parent",
        "steal",
        "flood",
        "mutate",
    ];

    /// Its name in a scenario file.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::EquivocateProposal { .. } => "equivocate_proposal",
            Self::EquivocateVote { .. } => "equivocate_vote",
            Self::Twin => "twin",
            Self::Withhold { .. } => "withhold",
            Self::SilentTo { .. } => "silent_to",
            Self::Garbage => "garbage",
            Self::BadSignature => "bad_signature",
            Self::ConflictingCertificate => "conflicting_certificate",
            Self::ReplayStale => "replay_stale",
            Self::Amnesia => "amnesia",
            Self::DelayProposal { .. } => "delay_proposal",
            Self::InvalidBlock => "invalid_block",
            Self::Unpayable => "unpayable",
            Self::WrongStateRoot => "wrong_state_root",
            Self::LieInSync => "lie_in_sync",
            Self::Forge => "forge",
            Self::SkipParent => "skip_parent",
            Self::Steal => "steal",
            Self::Flood { .. } => "flood",
            Self::Mutate { .. } => "mutate",
        }
    }

    /// Whether this build knows how to do it. A scenario that asks for another is refused.
    #[must_use]
    pub fn is_available(&self) -> bool {
        Self::is_name_available(self.name())
    }

    /// The same for a behaviour by name.
    #[must_use]
    pub fn is_name_available(name: &str) -> bool {
        Self::NAMES.contains(&name)
    }
}
