//! Reads a trace file back, line by line, with a complaint that names the line.

use std::{
    borrow::Cow,
    io::{self, BufRead},
};

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::{
    Builder, Head, History, TRACE_FORMAT, Tail,
    head::number_of,
    record::{Fact, GOSSIP, ROUTINE, Record, Saying, loss_code},
};

/// Why a file is no trace.
#[derive(Debug, Error)]
pub enum TraceError {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It does not begin like a trace.
    #[error("it does not begin with what was run: was it written by `quorate-sim run --trace`?")]
    NoHead,
    /// It was written by another version.
    #[error("it is a trace of format {0}, and this is a reader of format {TRACE_FORMAT}")]
    Format(u32),
    /// A line is not what a trace has.
    #[error("line {number}: {message}")]
    Line {
        /// Which, from 1.
        number: u64,
        /// What is wrong with it.
        message: String,
    },
}

/// Reads a trace that `quorate-sim run --trace` has written.
///
/// One that breaks off is read as far as it goes, and has no tail.
///
/// # Errors
/// If it cannot be read, or is no trace.
pub fn read_trace(source: &mut dyn BufRead) -> Result<History, TraceError> {
    let mut builder: Option<Builder> = None;
    let mut tail = None;
    let mut text = String::new();
    for number in 1u64.. {
        text.clear();
        if source.read_line(&mut text)? == 0 {
            break;
        }
        if !text.ends_with('\n') {
            // The rest of this line was never written.
            break;
        }
        let wrong = |message: String| TraceError::Line { number, message };
        let mut line: Line<'_> = match serde_json::from_str(&text) {
            Ok(line) => line,
            Err(_) if builder.is_none() => return Err(TraceError::NoHead),
            Err(error) => return Err(wrong(error.to_string())),
        };
        match (&mut builder, line.run.take(), line.verdict.take()) {
            (None, Some(head), _) if head.format == TRACE_FORMAT => {
                builder = Some(Builder::new(head));
            }
            (None, Some(head), _) => return Err(TraceError::Format(head.format)),
            (None, None, _) => return Err(TraceError::NoHead),
            (Some(_), Some(_), _) => return Err(wrong("a second run begins here".to_owned())),
            (Some(_), None, Some(verdict)) => tail = Some(verdict),
            (Some(builder), None, None) => {
                let (at, node) = (line.at, line.node.clone().into_owned());
                let saying = line.saying();
                let fact = line.fact();
                let fact = fact.ok_or_else(|| wrong("something is missing here".to_owned()))?;
                builder.observe(&Record { at, node, fact }, saying);
            }
        }
    }
    let builder = builder.ok_or(TraceError::NoHead)?;
    Ok(builder.finish(tail))
}

/// A line of a trace, of whatever kind: what is read here, and nothing else of it.
#[derive(Deserialize)]
struct Line<'a> {
    at: u64,
    #[serde(borrow)]
    node: Cow<'a, str>,
    #[serde(borrow)]
    what: Cow<'a, str>,
    run: Option<Head>,
    verdict: Option<Tail>,
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    life: Option<u32>,
    why: Option<String>,
    to: Option<Value>,
    from: Option<String>,
    message: Option<String>,
    #[serde(borrow)]
    fingerprint: Option<Cow<'a, str>>,
    content: Option<String>,
    #[serde(borrow)]
    event: Option<Cow<'a, str>>,
    view: Option<u64>,
    height: Option<u64>,
    repeated: Option<u32>,
    leader: Option<u32>,
    by: Option<String>,
    timeout: Option<u64>,
    reason: Option<String>,
    transactions: Option<u32>,
    kind: Option<String>,
    gathered: Option<bool>,
    block: Option<String>,
    signer: Option<u32>,
    offence: Option<String>,
    fault: Option<Value>,
}

impl Line<'_> {
    /// The words worth keeping.
    fn saying(&mut self) -> Saying {
        let gossip = self.message.as_deref().is_some_and(|name| GOSSIP.contains(&name));
        let transaction = self.event.as_ref().is_some_and(|name| name.starts_with("transaction_"));
        if gossip || transaction || ROUTINE.contains(&self.what.as_ref()) {
            return Saying::Routine;
        }
        Saying::Read(self.text.take().unwrap_or_default().into_owned())
    }

    /// What it says happened; `None` if something is missing.
    fn fact(self) -> Option<Fact> {
        let fingerprint = || u64::from_str_radix(self.fingerprint.as_deref()?, 16).ok();
        Some(match self.what.as_ref() {
            "started" => Fact::Started(self.life?),
            "killed" => Fact::Ended("killed".to_owned()),
            "stopped" => Fact::Ended("stopped".to_owned()),
            "went_down" => Fact::Ended(self.why?),
            "paused" => Fact::Paused,
            "resumed" => Fact::Resumed,
            "sent" => Fact::Sent {
                to: numbers(self.to.as_ref()?)?,
                fingerprint: fingerprint()?,
                message: self.message?,
                view: self.view.unwrap_or(0),
                words: self.content?,
            },
            "delivered" => Fact::Delivered { fingerprint: fingerprint()?, from: self.from? },
            "dropped" => Fact::Dropped {
                to: self.to.as_ref()?.as_str()?.to_owned(),
                why: loss_code(&self.why?),
                fingerprint: u64::from_str_radix(self.fingerprint.as_deref()?, 16).ok()?,
            },
            "duplicated" => Fact::Duplicated {
                to: self.to.as_ref()?.as_str()?.to_owned(),
                fingerprint: fingerprint()?,
            },
            "client_saw" => Fact::ClientSaw,
            "fault_on" => Fact::FaultOn(number(self.fault.as_ref()?)?),
            "fault_off" => Fact::FaultOff(number(self.fault.as_ref()?)?),
            "reported" => self.event()?,
            _ => Fact::Other,
        })
    }

    fn event(self) -> Option<Fact> {
        Some(match self.event.as_deref()? {
            "started" => {
                Fact::Resumes { view: self.view?, height: self.height?, repeated: self.repeated? }
            }
            "entered" => Fact::Entered {
                view: self.view?,
                leader: self.leader?,
                by: self.by?,
                timeout: self.timeout?,
            },
            "timed_out" => Fact::TimedOut { view: self.view?, reason: self.reason? },
            "proposed" => Fact::Proposed {
                view: self.view?,
                height: self.height?,
                transactions: self.transactions?,
            },
            "proposal_accepted" => Fact::Accepted(self.view?),
            "certified" => {
                Fact::Certified { kind: self.kind?, view: self.view?, gathered: self.gathered? }
            }
            "finalized" => {
                Fact::Finalized { height: self.height?, view: self.view?, block: self.block? }
            }
            "safety_halt" => Fact::Halted(self.height?),
            "evidence" => Fact::Evidence { signer: self.signer?, offence: self.offence? },
            "fetching" => Fact::Fetching(self.height?),
            _ => Fact::Other,
        })
    }
}

fn number(value: &Value) -> Option<u32> {
    u32::try_from(value.as_u64()?).ok()
}

/// The numbers of validators by name.
fn numbers(value: &Value) -> Option<Vec<u32>> {
    value.as_array()?.iter().map(|name| number_of(name.as_str()?)).collect()
}
