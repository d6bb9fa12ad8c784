//! Observations in words: one line each, for people.
//!
//! Views are `v5`, heights `h3`, sequence numbers `#7`, candidates and blocks the first four bytes of
//! their digests.

use std::fmt;

use quorate_core::{
    certificate::Certificate,
    checkpoint::Checkpoint,
    effect::Timer,
    event::{Event, TimeoutReason},
    evidence::Offence,
    job::Job,
    message::{BlockWant, Body, Message},
    signer::Pledge,
    store::Record,
    types::View,
    vote::{Kind, Promise, Statement, Vote},
};

use super::observation::{DownReason, DropReason, Observation, What};

impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, nanos) = (self.at / 1_000_000_000, self.at % 1_000_000_000);
        write!(f, "{seconds}.{nanos:09}s {:<4} {}", self.node.to_string(), self.what)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { life, height, torn_bytes, amnesiac, survived: _ } => {
                write!(f, "started, life {life}, at height {height}")?;
                if *torn_bytes > 0 {
                    write!(f, ", cut a torn tail of {torn_bytes} bytes")?;
                }
                if *amnesiac { f.write_str(", without its sign-state") } else { Ok(()) }
            }
            Self::Killed => f.write_str("killed"),
            Self::Stopped => f.write_str("stopped"),
            Self::Paused => f.write_str("paused"),
            Self::Resumed => f.write_str("resumed"),
            Self::WentDown(reason) => write!(f, "went down: {}", reason.words()),
            Self::Sent { to, parcel } => {
                f.write_str("sent")?;
                write!(f, " {} to", message_words(parcel.message()))?;
                to.iter().try_for_each(|number| write!(f, " n{number}"))
            }
            Self::Delivered { from, parcel } => {
                write!(f, "received {} from {from}", message_words(parcel.message()))
            }
            Self::Dropped { to, why, parcel } => {
                write!(f, "lost {} to {to}: {}", message_words(parcel.message()), why.words())
            }
            Self::Duplicated { to, parcel } => {
                write!(f, "has a copy made of {} to {to}", message_words(parcel.message()))
            }
            Self::Penalized { peer, fault } => write!(f, "complains of {peer:?}: {fault:?}"),
            Self::Woke(timer) => write!(f, "woke: {}", timer_name(*timer)),
            Self::Wrote { seq, records } => {
                write!(f, "wrote {seq:?}")?;
                records.iter().try_for_each(|record| write!(f, " {}", record_words(record)))
            }
            Self::PledgeAppended { seq, pledge } => {
                let words = promise_words(&pledge.promise());
                match pledge.as_ref() {
                    Pledge::View { safety, .. } => {
                        write!(f, "pledged {seq:?} {words}, floor {}", safety.floor)
                    }
                    Pledge::Checkpoint { certified, .. } => {
                        write!(f, "pledged {seq:?} {words}, certified {certified:?}")
                    }
                }
            }
            Self::Durable { upto } => write!(f, "durable up to {upto:?}"),
            Self::WriteFailed => f.write_str("a write failed"),
            Self::SignStateDurable(promise) => {
                write!(f, "sign-state durable with {}", promise_words(promise))
            }
            Self::Signed(vote) => {
                write!(f, "signed {} by {:?}", promise_words(&vote.statement), vote.signer)
            }
            Self::Reported(event) => write!(f, "reports {}", event_words(event)),
            Self::Executed { block, result, replayed } => write!(
                f,
                "{} block {:?} at height {}, state {:?}",
                if *replayed { "executed again" } else { "executed" },
                block.digest(),
                result.height,
                result.state,
            ),
            Self::Diverged(height) => write!(f, "got the execution of height {height} wrong"),
            Self::Supply { height, total } => write!(f, "supply {total} at height {height}"),
            Self::Assets { height, kept, .. } => {
                write!(f, "{} assets at height {height}", kept.len())
            }
            Self::Submitted { transaction, .. } => {
                write!(f, "was handed transaction {transaction:?}")
            }
            Self::ClientSaw { transaction, height } => {
                write!(f, "told a client that {transaction:?} is final at height {height}")
            }
            Self::FaultOn { index } => write!(f, "fault {index} begins"),
            Self::FaultOff { index } => write!(f, "fault {index} ends"),
            Self::PassedPoint { point, nth, proposal } => {
                let subject = if *proposal { "proposal" } else { "vote" };
                write!(f, "passed {subject}.{} for the {nth}. time", point.name())
            }
            Self::Holds(held) => write!(
                f,
                "holds {} views, {} votes, {} certificates, {} blocks, {} pending, {} transactions",
                held.views,
                held.votes,
                held.certificates,
                held.blocks,
                held.pending,
                held.mempool_transactions,
            ),
        }
    }
}

impl DropReason {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Partition => "partition",
            Self::Down => "receiver down",
            Self::Corrupted => "corrupted frame",
            Self::Undecodable => "undecodable",
            Self::Cut => "cut in flight",
            Self::Overflow => "queue full",
        }
    }
}

impl DownReason {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::WriteFailed => "a write failed",
            Self::CorruptLog => "its log is corrupt",
            Self::SignerRefused => "the signer refused",
            Self::Panicked => "the core panicked",
        }
    }
}

/// The number that stands for a timer in the trace's encoding.
#[must_use]
pub const fn timer_code(timer: Timer) -> u8 {
    match timer {
        Timer::Start => 0,
        Timer::Leader => 1,
        Timer::Advance => 2,
        Timer::Propose => 3,
        Timer::Timestamp => 4,
        Timer::Retry => 5,
        Timer::Relay => 6,
        Timer::Status => 7,
        Timer::Fetch => 8,
        Timer::Gossip => 9,
        Timer::Checkpoint => 10,
    }
}

/// A timer's name.
#[must_use]
pub const fn timer_name(timer: Timer) -> &'static str {
    match timer {
        Timer::Start => "start",
        Timer::Leader => "leader",
        Timer::Advance => "advance",
        Timer::Propose => "propose",
        Timer::Timestamp => "timestamp",
        Timer::Retry => "retry",
        Timer::Relay => "relay",
        Timer::Status => "status",
        Timer::Fetch => "fetch",
        Timer::Gossip => "gossip",
        Timer::Checkpoint => "checkpoint",
    }
}

/// The name of a kind of vote.
#[must_use]
pub const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Notarize => "notarize",
        Kind::Nullify => "nullify",
        Kind::Finalize => "finalize",
    }
}

/// The name of a certificate.
#[must_use]
pub const fn certificate_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Notarize => "notarization",
        Kind::Nullify => "nullification",
        Kind::Finalize => "finalization",
    }
}

/// Why a validator gives up on a view, in words.
#[must_use]
pub const fn reason_words(reason: TimeoutReason) -> &'static str {
    match reason {
        TimeoutReason::NoProposal => "no proposal in time",
        TimeoutReason::NoCertificate => "no certificate in time",
        TimeoutReason::InvalidProposal => "the proposal is not acceptable",
        TimeoutReason::LeaderNullified => "the leader gave up itself",
        TimeoutReason::LeaderInactive => "the leader has been silent for long",
    }
}

/// What evidence proves, in words.
#[must_use]
pub const fn offence_words(offence: Offence) -> &'static str {
    match offence {
        Offence::ConflictingNotarize => "it notarized two blocks in one view",
        Offence::ConflictingFinalize => "it finalized two blocks in one view",
        Offence::NullifyFinalize => "it nullified and finalized one view",
        Offence::ConflictingCheckpoint => "it signed two checkpoints of one height",
    }
}

/// A statement in words.
#[must_use]
pub fn statement_words(statement: &Statement) -> String {
    let (kind, view) = (kind_name(statement.kind()), statement.view());
    match statement.candidate() {
        Some(candidate) => format!("{kind} {view:?} {:?}", candidate.id()),
        None => format!("{kind} {view:?}"),
    }
}

/// A checkpoint in words.
#[must_use]
pub fn checkpoint_words(checkpoint: &Checkpoint) -> String {
    format!("checkpoint {:?} of state {:?}", checkpoint.height, checkpoint.state_root)
}

/// Anything a key can sign, in words.
#[must_use]
pub fn promise_words(promise: &Promise) -> String {
    match promise {
        Promise::View(statement) => statement_words(statement),
        Promise::Checkpoint(checkpoint) => checkpoint_words(checkpoint),
    }
}

/// A vote in words.
#[must_use]
pub fn vote_words(vote: &Vote) -> String {
    format!("{} by {:?}", statement_words(&vote.statement), vote.signer)
}

/// A certificate in words.
#[must_use]
pub fn certificate_words(certificate: &Certificate) -> String {
    let (name, view) = (certificate_name(certificate.kind()), certificate.view());
    match certificate.statement.candidate() {
        Some(candidate) => format!("{name} {view:?} {:?}", candidate.id()),
        None => format!("{name} {view:?}"),
    }
}

/// A message in words.
#[must_use]
pub fn message_words(message: &Message) -> String {
    match message {
        Message::Proposal(proposal) => format!(
            "proposal {:?} h{} block {:?} with {} transactions{}",
            proposal.notarize.statement.view(),
            proposal.body.header().height,
            proposal.body.digest(),
            proposal.body.transactions(),
            match &proposal.body {
                Body::Full(_) => String::new(),
                Body::Compact(compact) => format!(", {} by short ids", compact.short_ids().len()),
            }
        ),
        Message::Vote(vote) => vote_words(vote),
        Message::Votes(votes) => {
            let words: Vec<String> = votes.iter().map(vote_words).collect();
            format!("votes [{}]", words.join(", "))
        }
        Message::Certificates(certificates) => {
            let words: Vec<String> = certificates.iter().map(certificate_words).collect();
            format!("certificates [{}]", words.join(", "))
        }
        Message::Status(status) => {
            format!("status {:?}, final h{}", status.view, status.finalized_height)
        }
        Message::CertificateRequest(request) => {
            let kind = request.kind.map_or("any certificate", certificate_name);
            format!("request for {kind} of {:?}", request.view)
        }
        Message::BlockRequest(request) => match request.want {
            BlockWant::Digest(digest) => format!("request for block {digest:?}"),
            BlockWant::From(height) => format!("request for blocks from h{height}"),
        },
        Message::BlockResponse(response) => match response.blocks.first() {
            Some(first) => {
                let height = first.header().height;
                format!("{} blocks from h{height}", response.blocks.len())
            }
            None => "no blocks".to_owned(),
        },
        Message::Transactions(transactions) => format!("{} transactions", transactions.len()),
        Message::Evidence(evidence) => format!("evidence against {:?}", evidence.signer()),
        Message::CheckpointVotes(votes) => {
            let words: Vec<String> =
                votes.iter().map(|vote| checkpoint_words(&vote.statement)).collect();
            format!("votes [{}]", words.join(", "))
        }
        Message::CheckpointCertificate(certificate) => {
            format!("certified {}", checkpoint_words(&certificate.statement))
        }
        Message::TransactionsRequest(request) => {
            format!("request for {} transactions of {:?}", request.places.len(), request.block)
        }
        Message::TransactionsResponse(response) => {
            let count = response.transactions.len();
            format!("{count} transactions of {:?}", response.block)
        }
    }
}

/// The view a message is about, the highest of several; `None` if it is about none.
#[must_use]
pub fn message_view(message: &Message) -> Option<View> {
    match message {
        Message::Proposal(proposal) => Some(proposal.notarize.statement.view()),
        Message::Vote(vote) => Some(vote.statement.view()),
        Message::Votes(votes) => votes.iter().map(|vote| vote.statement.view()).max(),
        Message::Certificates(certificates) => certificates.iter().map(Certificate::view).max(),
        Message::Status(status) => Some(status.view),
        Message::CertificateRequest(request) => Some(request.view),
        _ => None,
    }
}

/// A record in words.
#[must_use]
pub fn record_words(record: &Record) -> String {
    match record {
        Record::Block(block) => format!("block {:?}", block.digest()),
        Record::Certificate(certificate) => certificate_words(certificate),
        Record::Finalized(advance) => {
            let (height, block) = advance.head();
            format!("finality to h{height} {block:?}")
        }
        Record::Proof(proof) => format!("proof of h{}", proof.height),
        Record::Evidence(evidence) => format!("evidence against {:?}", evidence.signer()),
        Record::Checkpoint(certificate) => {
            format!("certified {}", checkpoint_words(&certificate.statement))
        }
    }
}

/// An event in words.
#[must_use]
pub fn event_words(event: &Event) -> String {
    format!("{event:?}")
}

/// A job in words.
#[must_use]
pub const fn job_name(job: &Job) -> &'static str {
    match job {
        Job::Verify { .. } => "verify",
        Job::CheckBlock { .. } => "check-block",
        Job::CheckTransactions { .. } => "check-transactions",
        Job::Execute { .. } => "execute",
        Job::Read { .. } => "read",
    }
}
