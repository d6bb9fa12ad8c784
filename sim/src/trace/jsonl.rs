//! A trace as a file: one JSON object a line, always the same keys in the same order.
//!
//! `at`, `node`, `seq` and `what` come first and always, then what belongs to that kind of
//! observation, then `text`, the same words people read on the terminal. The first line says what was
//! run and the last one what it came to, as observations of a node named `world`; a trace that breaks
//! off has no such last line.

use std::io::{Result as IoResult, Write};

use quorate_core::{event::Event, vote::Promise};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{
    describe::{kind_name, message_view, message_words, offence_words, reason_words, timer_name},
    observation::{Observation, Parcel, What},
};

/// Writes one observation and a line feed.
///
/// # Errors
/// If the sink fails.
pub fn write_line(sink: &mut dyn Write, observation: &Observation) -> IoResult<()> {
    serde_json::to_writer(&mut *sink, &Line(observation))?;
    sink.write_all(b"\n")
}

/// Writes the world's own line: `what` is `run` at the beginning and `verdict` in the end, and `content`
/// stands under that name.
///
/// # Errors
/// If the sink fails.
pub fn write_world(
    sink: &mut dyn Write,
    at: u64,
    what: &'static str,
    content: &impl Serialize,
) -> IoResult<()> {
    let content = serde_json::to_value(content)?;
    let head =
        [("at", at.into()), ("node", WORLD.into()), ("seq", Value::from(0)), ("what", what.into())];
    serde_json::to_writer(&mut *sink, &Fixed(head.into_iter().chain([(what, content)]).collect()))?;
    sink.write_all(b"\n")
}

/// The name of the node of [`write_world`].
pub const WORLD: &str = "world";

/// Keys and values, in this order.
struct Fixed(Fields);

impl Serialize for Fixed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

struct Line<'a>(&'a Observation);

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let observation = self.0;
        let head = [
            ("at", observation.at.into()),
            ("node", observation.node.to_string().into()),
            ("seq", observation.seq.into()),
            ("what", observation.what.name().into()),
        ];
        let text = ("text", Value::from(observation.what.to_string()));
        serializer.collect_map(head.into_iter().chain(fields(&observation.what)).chain([text]))
    }
}

impl What {
    /// The kind of observation, as it is called in files.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Started { .. } => "started",
            Self::Killed => "killed",
            Self::Stopped => "stopped",
            Self::Paused => "paused",
            Self::Resumed => "resumed",
            Self::WentDown(_) => "went_down",
            Self::Sent { .. } => "sent",
            Self::Delivered { .. } => "delivered",
            Self::Dropped { .. } => "dropped",
            Self::Duplicated { .. } => "duplicated",
            Self::Penalized { .. } => "penalized",
            Self::Woke(_) => "woke",
            Self::Wrote { .. } => "wrote",
            Self::PledgeAppended { .. } => "pledge_appended",
            Self::Durable { .. } => "durable",
            Self::WriteFailed => "write_failed",
            Self::SignStateDurable(_) => "sign_state_durable",
            Self::Signed(_) => "signed",
            Self::Reported(_) => "reported",
            Self::Executed { .. } => "executed",
            Self::Diverged(_) => "diverged",
            Self::Supply { .. } => "supply",
            Self::Assets { .. } => "assets",
            Self::Submitted { .. } => "submitted",
            Self::ClientSaw { .. } => "client_saw",
            Self::FaultOn { .. } => "fault_on",
            Self::FaultOff { .. } => "fault_off",
            Self::PassedPoint { .. } => "passed_point",
            Self::Holds(_) => "holds",
        }
    }
}

type Fields = Vec<(&'static str, Value)>;

fn fields(what: &What) -> Fields {
    match what {
        What::Killed | What::Stopped | What::Paused | What::Resumed | What::WriteFailed => vec![],
        What::Started { life, height, survived, torn_bytes, amnesiac } => vec![
            ("life", (*life).into()),
            ("height", height.get().into()),
            ("survived", survived.get().into()),
            ("torn_bytes", (*torn_bytes).into()),
            ("amnesiac", (*amnesiac).into()),
        ],
        What::WentDown(reason) => vec![("why", reason.words().into())],
        What::Sent { to, parcel } => {
            let to: Vec<String> = to.iter().map(|number| format!("n{number}")).collect();
            let mut fields = with_parcel(vec![("to", to.into())], parcel);
            if let Some(view) = message_view(parcel.message()) {
                fields.push(("view", view.get().into()));
            }
            fields.push(("content", message_words(parcel.message()).into()));
            fields
        }
        What::Delivered { from, parcel } => {
            with_parcel(vec![("from", from.to_string().into())], parcel)
        }
        What::Dropped { to, why, parcel } => {
            let places = vec![("to", to.to_string().into()), ("why", why.words().into())];
            with_parcel(places, parcel)
        }
        What::Duplicated { to, parcel } => with_parcel(vec![("to", to.to_string().into())], parcel),
        What::Penalized { peer, fault } => {
            vec![("peer", format!("{peer:?}").into()), ("fault", format!("{fault:?}").into())]
        }
        What::Woke(timer) => vec![("timer", timer_name(*timer).into())],
        What::Wrote { seq, records } => {
            vec![("log", seq.get().into()), ("records", records.len().into())]
        }
        What::PledgeAppended { seq, pledge } => {
            let mut fields = vec![("log", seq.get().into())];
            fields.extend(promise_fields(&pledge.promise()));
            fields
        }
        What::Durable { upto } => vec![("log", upto.get().into())],
        What::SignStateDurable(promise) => promise_fields(promise),
        What::Signed(vote) => promise_fields(&vote.statement),
        What::Reported(event) => event_fields(event),
        What::Executed { block, result, replayed } => vec![
            ("height", result.height.get().into()),
            ("block", block.digest().to_string().into()),
            ("state", result.state.to_string().into()),
            ("replayed", (*replayed).into()),
        ],
        What::Diverged(height) => vec![("height", height.get().into())],
        What::Supply { height, total } => {
            vec![("height", height.get().into()), ("total", total.to_string().into())]
        }
        What::Assets { height, kept, .. } => {
            vec![("height", height.get().into()), ("assets", kept.len().into())]
        }
        What::Submitted { transaction, .. } => {
            vec![("transaction", transaction.to_string().into())]
        }
        What::ClientSaw { transaction, height } => {
            vec![("transaction", transaction.to_string().into()), ("height", height.get().into())]
        }
        What::FaultOn { index } | What::FaultOff { index } => vec![("fault", (*index).into())],
        What::PassedPoint { point, nth, proposal } => vec![
            ("point", point.name().into()),
            ("nth", (*nth).into()),
            ("proposal", (*proposal).into()),
        ],
        What::Holds(held) => vec![
            ("views", held.views.into()),
            ("votes", held.votes.into()),
            ("certificates", held.certificates.into()),
            ("blocks", held.blocks.into()),
            ("pending", held.pending.into()),
            ("mempool_transactions", held.mempool_transactions.into()),
            ("mempool_bytes", held.mempool_bytes.into()),
            ("unchecked_bytes", held.unchecked_bytes.into()),
        ],
    }
}

fn promise_fields(promise: &Promise) -> Fields {
    match promise {
        Promise::View(statement) => vec![
            ("kind", kind_name(statement.kind()).into()),
            ("view", statement.view().get().into()),
        ],
        Promise::Checkpoint(checkpoint) => vec![
            ("kind", "checkpoint".into()),
            ("height", checkpoint.height.get().into()),
            ("state", checkpoint.state_root.to_string().into()),
        ],
    }
}

fn with_parcel(mut fields: Fields, parcel: &Parcel) -> Fields {
    fields.push(("message", parcel.message().name().into()));
    // Hexadecimal, because a reader's numbers may have only 53 bits.
    fields.push(("fingerprint", format!("{:?}", parcel.fingerprint()).into()));
    fields
}

/// What a reader sorts and draws by; the rest is in the text.
fn event_fields(event: &Event) -> Fields {
    let name = ("event", Value::from(event_name(event)));
    let mut fields = vec![name];
    match event {
        Event::Started { view, height, repeated, .. } => fields.extend([
            ("view", view.get().into()),
            ("height", height.get().into()),
            ("repeated", (*repeated).into()),
        ]),
        Event::Entered { view, leader, by, timeout } => fields.extend([
            ("view", view.get().into()),
            ("leader", leader.get().into()),
            ("by", kind_name(*by).into()),
            ("timeout", timeout.nanos().into()),
        ]),
        Event::TimedOut { view, reason, .. } => {
            fields.extend([("view", view.get().into()), ("reason", reason_words(*reason).into())])
        }
        Event::Proposed { candidate, height, transactions } => fields.extend([
            ("view", candidate.view.get().into()),
            ("height", height.get().into()),
            ("transactions", (*transactions).into()),
            ("block", candidate.block.to_string().into()),
        ]),
        Event::Announced { view, bytes, body_bytes } => fields.extend([
            ("view", view.get().into()),
            ("bytes", (*bytes).into()),
            ("body_bytes", (*body_bytes).into()),
        ]),
        Event::TransactionsMissing { view, missing, transactions } => fields.extend([
            ("view", view.get().into()),
            ("missing", (*missing).into()),
            ("transactions", (*transactions).into()),
        ]),
        Event::TransactionsGiven { view, count, bytes } => fields.extend([
            ("view", view.get().into()),
            ("count", (*count).into()),
            ("bytes", (*bytes).into()),
        ]),
        Event::ProposalAccepted { candidate } => fields.extend([
            ("view", candidate.view.get().into()),
            ("block", candidate.block.to_string().into()),
        ]),
        Event::Certified { kind, view, gathered, .. } => fields.extend([
            ("kind", kind_name(*kind).into()),
            ("view", view.get().into()),
            ("gathered", (*gathered).into()),
        ]),
        Event::Finalized { height, view, block } => fields.extend([
            ("view", view.get().into()),
            ("height", height.get().into()),
            ("block", block.to_string().into()),
        ]),
        Event::Executed { height, .. }
        | Event::Checkpointed { height, .. }
        | Event::CheckpointDissent { height, .. }
        | Event::CheckpointsOverdue { certified: height, .. }
        | Event::CheckpointsResumed { certified: height }
        | Event::SafetyHalt { height }
        | Event::Fetching { height }
        | Event::Fetched { height, .. } => {
            fields.push(("height", height.get().into()));
        }
        Event::ExecutionHalted(divergence) => fields.extend([
            ("height", divergence.ours.height.get().into()),
            ("ours", divergence.ours.state_root.to_string().into()),
            ("theirs", divergence.theirs.state_root.to_string().into()),
        ]),
        Event::Evidence(evidence) => {
            let offence = evidence.offence().map_or("no offence", offence_words);
            fields
                .extend([("signer", evidence.signer().get().into()), ("offence", offence.into())]);
        }
        Event::TransactionAdmitted(_) | Event::TransactionRefused(..) => {}
    }
    fields
}

const fn event_name(event: &Event) -> &'static str {
    match event {
        Event::Started { .. } => "started",
        Event::Entered { .. } => "entered",
        Event::TimedOut { .. } => "timed_out",
        Event::Proposed { .. } => "proposed",
        Event::Announced { .. } => "announced",
        Event::TransactionsMissing { .. } => "transactions_missing",
        Event::TransactionsGiven { .. } => "transactions_given",
        Event::ProposalAccepted { .. } => "proposal_accepted",
        Event::Certified { .. } => "certified",
        Event::Finalized { .. } => "finalized",
        Event::Executed { .. } => "executed",
        Event::Checkpointed { .. } => "checkpointed",
        Event::CheckpointDissent { .. } => "checkpoint_dissent",
        Event::CheckpointsOverdue { .. } => "checkpoints_overdue",
        Event::CheckpointsResumed { .. } => "checkpoints_resumed",
        Event::ExecutionHalted(_) => "execution_halted",
        Event::SafetyHalt { .. } => "safety_halt",
        Event::Evidence(_) => "evidence",
        Event::Fetching { .. } => "fetching",
        Event::Fetched { .. } => "fetched",
        Event::TransactionAdmitted(_) => "transaction_admitted",
        Event::TransactionRefused(..) => "transaction_refused",
    }
}
