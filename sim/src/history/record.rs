//! One observation as pictures need it: small, and without the core's types.
//!
//! A trace file holds exactly this much of each observation, so a record can be made from either.

use quorate_core::{event::Event, message::Message, types::View};

use crate::trace::{
    Observation, What,
    describe::{kind_name, message_view, message_words, offence_words, reason_words},
};

/// One thing that happened at one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Nanoseconds since the run began.
    pub at: u64,
    /// The node's name.
    pub node: String,
    /// What happened.
    pub fact: Fact,
}

/// What happened. Names are those of the trace file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// The node runs. The number is its life.
    Started(u32),
    /// It was killed, was stopped, or went down by itself: why.
    Ended(String),
    /// It stands still.
    Paused,
    /// It goes on.
    Resumed,
    /// It sends.
    Sent {
        /// To these validators.
        to: Vec<u32>,
        /// The kind of message.
        message: String,
        /// The message's fingerprint.
        fingerprint: u64,
        /// The view it is about, or zero.
        view: u64,
        /// What it says.
        words: String,
    },
    /// A message arrives.
    Delivered {
        /// From this node.
        from: String,
        /// The message's fingerprint.
        fingerprint: u64,
    },
    /// A message this node sent will not arrive.
    Dropped {
        /// At this node.
        to: String,
        /// For this reason, as a place in [`super::LOSSES`].
        why: u8,
        /// The message's fingerprint.
        fingerprint: u64,
    },
    /// The network copied a message this node sent.
    Duplicated {
        /// To this node.
        to: String,
        /// The message's fingerprint.
        fingerprint: u64,
    },
    /// The replica resumes with so many own votes to repeat.
    Resumes {
        /// In this view.
        view: u64,
        /// At this height.
        height: u64,
        /// Own votes found in its log.
        repeated: u32,
    },
    /// It enters a view.
    Entered {
        /// The view.
        view: u64,
        /// The leader's place in the committee.
        leader: u32,
        /// The kind of certificate that let it in.
        by: String,
        /// How long it will wait, in nanoseconds.
        timeout: u64,
    },
    /// It gives up on a view.
    TimedOut {
        /// The view.
        view: u64,
        /// Why.
        reason: String,
    },
    /// It proposes.
    Proposed {
        /// In this view.
        view: u64,
        /// A block of this height.
        height: u64,
        /// With so many transactions.
        transactions: u32,
    },
    /// It accepts a proposal of this view.
    Accepted(u64),
    /// It holds a certificate.
    Certified {
        /// The kind of vote.
        kind: String,
        /// The view.
        view: u64,
        /// Whether it was gathered here.
        gathered: bool,
    },
    /// It finalizes a block.
    Finalized {
        /// The height.
        height: u64,
        /// The view of its candidate.
        view: u64,
        /// The block's digest.
        block: String,
    },
    /// It stops for good.
    Halted(u64),
    /// It holds evidence.
    Evidence {
        /// Against the validator at this place in the committee.
        signer: u32,
        /// Of this.
        offence: String,
    },
    /// It asks for blocks.
    Fetching(u64),
    /// A client learned that its transaction is final.
    ClientSaw,
    /// A fault begins here.
    FaultOn(u32),
    /// A fault ends here.
    FaultOff(u32),
    /// Anything else.
    Other,
}

/// The words for an observation, put together only if they are wanted.
#[derive(Clone, Debug)]
pub enum Saying {
    /// As a trace file has them.
    Read(String),
    /// From the observation itself.
    Seen(Observation),
    /// Routine: not worth a line among the last ones.
    Routine,
}

impl Saying {
    /// In words.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Read(text) => text.clone(),
            Self::Seen(observation) => observation.what.to_string(),
            Self::Routine => String::new(),
        }
    }
}

/// Kinds of observations that tell nothing among the last ones.
pub(super) const ROUTINE: [&str; 13] = [
    "woke",
    "wrote",
    "durable",
    "supply",
    "assets",
    "submitted",
    "client_saw",
    "holds",
    "passed_point",
    "pledge_appended",
    "sign_state_durable",
    "executed",
    "signed",
];

/// Messages that go round whatever happens.
pub(super) const GOSSIP: [&str; 2] = ["status", "transactions"];

impl Record {
    /// Of an observation.
    #[must_use]
    pub fn of(observation: &Observation) -> Self {
        let Observation { at, node, what, seq: _ } = observation;
        Self { at: *at, node: node.to_string(), fact: Fact::of(what) }
    }
}

impl Saying {
    /// Of an observation.
    #[must_use]
    pub fn of(observation: &Observation) -> Self {
        let gossip = |message: &Message| GOSSIP.contains(&message.name());
        match &observation.what {
            What::Sent { parcel, .. }
            | What::Delivered { parcel, .. }
            | What::Dropped { parcel, .. }
            | What::Duplicated { parcel, .. }
                if gossip(parcel.message()) =>
            {
                Self::Routine
            }
            What::Reported(event)
                if matches!(
                    event.as_ref(),
                    Event::TransactionAdmitted(_) | Event::TransactionRefused(..)
                ) =>
            {
                Self::Routine
            }
            what if ROUTINE.contains(&what.name()) => Self::Routine,
            _ => Self::Seen(observation.clone()),
        }
    }
}

impl Fact {
    fn of(what: &What) -> Self {
        match what {
            What::Started { life, .. } => Self::Started(*life),
            What::Killed => Self::Ended("killed".to_owned()),
            What::Stopped => Self::Ended("stopped".to_owned()),
            What::WentDown(reason) => Self::Ended(reason.words().to_owned()),
            What::Paused => Self::Paused,
            What::Resumed => Self::Resumed,
            What::Sent { to, parcel } => Self::Sent {
                to: to.to_vec(),
                message: parcel.message().name().to_owned(),
                fingerprint: parcel.fingerprint().get(),
                view: message_view(parcel.message()).map_or(0, View::get),
                words: message_words(parcel.message()),
            },
            What::Delivered { from, parcel } => {
                Self::Delivered { from: from.to_string(), fingerprint: parcel.fingerprint().get() }
            }
            What::Dropped { to, why, parcel } => Self::Dropped {
                to: to.to_string(),
                why: loss_code(why.words()),
                fingerprint: parcel.fingerprint().get(),
            },
            What::Duplicated { to, parcel } => {
                Self::Duplicated { to: to.to_string(), fingerprint: parcel.fingerprint().get() }
            }
            What::Reported(event) => Self::of_event(event),
            What::ClientSaw { .. } => Self::ClientSaw,
            What::FaultOn { index } => Self::FaultOn(*index),
            What::FaultOff { index } => Self::FaultOff(*index),
            _ => Self::Other,
        }
    }

    fn of_event(event: &Event) -> Self {
        match event {
            Event::Started { view, height, repeated, .. } => {
                Self::Resumes { view: view.get(), height: height.get(), repeated: *repeated }
            }
            Event::Entered { view, leader, by, timeout } => Self::Entered {
                view: view.get(),
                leader: u32::from(leader.get()),
                by: kind_name(*by).to_owned(),
                timeout: timeout.nanos(),
            },
            Event::TimedOut { view, reason, .. } => {
                Self::TimedOut { view: view.get(), reason: reason_words(*reason).to_owned() }
            }
            Event::Proposed { candidate, height, transactions } => Self::Proposed {
                view: candidate.view.get(),
                height: height.get(),
                transactions: *transactions,
            },
            Event::ProposalAccepted { candidate } => Self::Accepted(candidate.view.get()),
            Event::Certified { kind, view, gathered, .. } => Self::Certified {
                kind: kind_name(*kind).to_owned(),
                view: view.get(),
                gathered: *gathered,
            },
            Event::Finalized { height, view, block } => {
                Self::Finalized { height: height.get(), view: view.get(), block: block.to_string() }
            }
            Event::SafetyHalt { height } => Self::Halted(height.get()),
            Event::Evidence(evidence) => Self::Evidence {
                signer: u32::from(evidence.signer().get()),
                offence: evidence.offence().map_or("no offence", offence_words).to_owned(),
            },
            Event::Fetching { height } => Self::Fetching(height.get()),
            _ => Self::Other,
        }
    }
}

/// The place of a reason among [`super::LOSSES`].
pub(super) fn loss_code(words: &str) -> u8 {
    let last = super::LOSSES.len() - 1;
    let place = super::LOSSES.iter().position(|known| *known == words).unwrap_or(last);
    u8::try_from(place).expect("there are few reasons")
}

/// The kinds of certificates, as events name them.
pub(super) const fn certificate_of(kind: &str) -> &'static str {
    match kind.as_bytes() {
        b"notarize" => "notarization",
        b"nullify" => "nullification",
        b"finalize" => "finalization",
        _ => "certificate",
    }
}
