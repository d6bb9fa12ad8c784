//! The canonical bytes of an observation: what the trace's hash is over.
//!
//! Short on purpose: a message is its fingerprint and a block its digest, both computed once however
//! often they are seen. Equal observations have equal bytes and different ones different bytes, as far
//! as digests do.

use borsh::BorshSerialize;
use quorate_core::store::Record;

use super::observation::{Observation, Parcel, What};

impl Observation {
    /// Appends the canonical bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put(out, &(self.at, self.node, self.seq));
        self.what.encode(out);
    }
}

impl What {
    /// The number that stands for this variant in the encoding.
    fn tag(&self) -> u8 {
        match self {
            Self::Started { .. } => 0,
            Self::Killed => 1,
            Self::Stopped => 2,
            Self::Paused => 3,
            Self::Resumed => 4,
            Self::WentDown(_) => 5,
            Self::Sent { .. } => 6,
            Self::Delivered { .. } => 7,
            Self::Dropped { .. } => 8,
            Self::Woke(_) => 9,
            Self::Wrote { .. } => 10,
            Self::PledgeAppended { .. } => 11,
            Self::Durable { .. } => 12,
            Self::WriteFailed => 13,
            Self::SignStateDurable(_) => 14,
            Self::Signed(_) => 15,
            Self::Reported(_) => 16,
            Self::Executed { .. } => 17,
            Self::Supply { .. } => 18,
            Self::Submitted { .. } => 19,
            Self::ClientSaw { .. } => 20,
            Self::FaultOn { .. } => 21,
            Self::FaultOff { .. } => 22,
            Self::PassedPoint { .. } => 23,
            Self::Holds(_) => 24,
            Self::Duplicated { .. } => 25,
            Self::Penalized { .. } => 26,
            Self::Diverged(_) => 27,
            Self::Assets { .. } => 28,
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.tag());
        match self {
            Self::Killed | Self::Stopped | Self::Paused | Self::Resumed | Self::WriteFailed => {}
            Self::Started { life, height, survived, torn_bytes, amnesiac } => {
                put(out, &(life, height, survived, torn_bytes, amnesiac));
            }
            Self::WentDown(reason) => put(out, reason),
            Self::Sent { to, parcel } => {
                put(out, to.as_ref());
                put_parcel(out, parcel);
            }
            Self::Delivered { from, parcel } => {
                put(out, from);
                put_parcel(out, parcel);
            }
            Self::Dropped { to, why, parcel } => {
                put(out, &(to, why));
                put_parcel(out, parcel);
            }
            Self::Duplicated { to, parcel } => {
                put(out, to);
                put_parcel(out, parcel);
            }
            Self::Penalized { peer, fault } => put(out, &(peer, fault)),
            Self::Woke(timer) => out.push(super::describe::timer_code(*timer)),
            Self::Wrote { seq, records } => {
                put(out, seq);
                put(out, &count(records.len()));
                records.iter().for_each(|record| put_record(out, record));
            }
            Self::PledgeAppended { seq, pledge } => put(out, &(seq, pledge)),
            Self::Durable { upto } => put(out, upto),
            Self::SignStateDurable(statement) => put(out, statement),
            Self::Signed(vote) => put(out, vote),
            Self::Reported(event) => put(out, event.as_ref()),
            Self::Executed { block, result, replayed } => {
                put(out, &(block.digest(), result.height, result.state, replayed));
            }
            Self::Diverged(height) => put(out, height),
            Self::Supply { height, total } => put(out, &(height, total)),
            Self::Assets { height, kept, counted } => {
                put(out, &(height, kept.as_ref(), counted.as_ref()));
            }
            // The id is of the whole body, with what it pays.
            Self::Submitted { transaction, .. } => put(out, transaction),
            Self::ClientSaw { transaction, height } => put(out, &(transaction, height)),
            Self::FaultOn { index } | Self::FaultOff { index } => put(out, index),
            Self::PassedPoint { point, nth, proposal } => {
                out.extend(point.name().bytes());
                put(out, &(nth, proposal));
            }
            Self::Holds(held) => {
                put(out, &(held.views, held.votes, held.certificates, held.blocks, held.pending));
                put(out, &(held.mempool_transactions, held.mempool_bytes, held.unchecked_bytes));
            }
        }
    }
}

fn put<T: BorshSerialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    value.serialize(out).expect("encoding to memory does not fail");
}

fn put_parcel(out: &mut Vec<u8>, parcel: &Parcel) {
    put(out, &parcel.fingerprint());
}

fn put_record(out: &mut Vec<u8>, record: &Record) {
    match record {
        Record::Block(block) => {
            out.push(0);
            put(out, &block.digest());
        }
        Record::Certificate(_)
        | Record::Finalized(_)
        | Record::Proof(_)
        | Record::Evidence(_)
        | Record::Checkpoint(_) => {
            out.push(1);
            put(out, record);
        }
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).expect("a length in memory fits")
}
