//! What a process writes, in the order that makes a promise safe: data log, fsync, sign-state, fsync,
//! signature, and only then the core is told. A failed write ends the process; nothing is tried again.
//! Every place at which a crash could matter is a crash point.

use std::sync::Arc;

use quorate_core::{
    effect::Input,
    signer::Pledge,
    store::Batch,
    types::Seq,
    vote::{Kind, Promise},
};

use super::{
    super::{
        disk::{File, Sync},
        fabric::Ledger,
        host::{Halt, Host, Role, Snap, Trap},
        log::{encode_pledge, encode_slot, encode_snapshot, encode_write},
    },
    Appended, Due, Process, Stop,
};
use crate::{
    scenario::CrashPoint,
    trace::{DownReason, What},
};

impl Process {
    pub(super) fn on_write(
        &mut self,
        host: &mut Host,
        ledger: &mut Ledger,
        seq: Seq,
        batch: Batch,
    ) -> Result<(), Stop> {
        let bytes = encode_write(host.disk.buffer(), self.next_entry, seq, &batch);
        self.append(host, ledger, bytes)?;
        for record in &batch {
            self.stored.apply(record);
        }
        self.seq = seq;
        self.appended.push_back(Appended::Write(seq));
        self.note(ledger, What::Wrote { seq, records: Arc::new(batch) });
        Ok(())
    }

    pub(super) fn on_pledge(
        &mut self,
        host: &mut Host,
        ledger: &mut Ledger,
        seq: Seq,
        pledge: Pledge,
    ) -> Result<(), Stop> {
        self.pass(host, ledger, CrashPoint::BeforeWrite, &pledge.promise())?;
        if self.amnesiac {
            return self.stop(Halt::Broken("a key without a sign-state was asked to sign".into()));
        }
        if let Err(refusal) = self.promised.record(&pledge) {
            self.note(ledger, What::WentDown(DownReason::SignerRefused));
            return self.stop(Halt::Broken(format!("the signer refused: {refusal}")));
        }
        let bytes = encode_pledge(host.disk.buffer(), self.next_entry, seq, &pledge);
        self.append(host, ledger, bytes)?;
        self.seq = seq;
        self.appended.push_back(Appended::Pledge(seq, pledge));
        self.note(ledger, What::PledgeAppended { seq, pledge: Box::new(pledge) });
        self.pass(host, ledger, CrashPoint::AfterWriteBeforeSync, &pledge.promise())
    }

    fn append(&mut self, host: &mut Host, ledger: &mut Ledger, bytes: Vec<u8>) -> Result<(), Stop> {
        if host.disk.append(File::Data, bytes).is_err() {
            return self.fail(ledger);
        }
        self.next_entry += 1;
        Ok(())
    }

    /// A write or an fsync failed: it is never tried again, and nothing is sent any more.
    fn fail<T>(&self, ledger: &mut Ledger) -> Result<T, Stop> {
        self.note(ledger, What::WriteFailed);
        self.stop(Halt::Down(DownReason::WriteFailed))
    }

    /// Starts an fsync of the data log if there is something to cover and none is under way.
    pub(super) fn sync_if_idle(&mut self, host: &mut Host) {
        if self.syncing.is_some() || self.appended.is_empty() {
            return;
        }
        let sync = host.disk.begin_sync(File::Data);
        self.syncing = Some(self.appended.len());
        self.later_at_pace(sync.latency, Due::DataSynced(sync));
    }

    pub(super) fn on_data_synced(
        &mut self,
        host: &mut Host,
        ledger: &mut Ledger,
        sync: Sync,
    ) -> Result<(), Stop> {
        if host.disk.finish_sync(sync).is_err() {
            return self.fail(ledger);
        }
        let covered = self.syncing.take().expect("one fsync is under way");
        let covered: Vec<Appended> = self.appended.drain(..covered).collect();
        let mut written = None;
        let mut pledges = Vec::new();
        for entry in &covered {
            let seq = match entry {
                Appended::Write(seq) => *written.insert(*seq),
                Appended::Pledge(seq, pledge) => {
                    pledges.push(*pledge);
                    *seq
                }
            };
            self.note(ledger, What::Durable { upto: seq });
        }
        for pledge in &pledges {
            self.pass(host, ledger, CrashPoint::AfterSyncBeforeSign, &pledge.promise())?;
        }
        self.to_record.extend(pledges);
        self.record_if_idle(host, ledger)?;
        self.compact_if_due(host);
        if let Some(upto) = written {
            self.step(host, ledger, Input::Written { upto })?;
        }
        self.sync_if_idle(host);
        Ok(())
    }

    /// Writes the sign-state if there are promises to record and no write is under way.
    fn record_if_idle(&mut self, host: &mut Host, ledger: &mut Ledger) -> Result<(), Stop> {
        if self.recording || self.to_record.is_empty() {
            return Ok(());
        }
        let pledges = std::mem::take(&mut self.to_record);
        for pledge in &pledges {
            let recorded = self.recorded.record(pledge);
            recorded.expect("it was recorded once when it was appended");
        }
        let version = host.slot_version + 1;
        let slot = if version.is_multiple_of(2) { File::SlotA } else { File::SlotB };
        let bytes = encode_slot(host.disk.buffer(), version, &self.recorded);
        if host.disk.overwrite(slot, bytes).is_err() {
            return self.fail(ledger);
        }
        let sync = host.disk.begin_sync(slot);
        self.recording = true;
        self.later_at_pace(sync.latency, Due::SlotSynced(sync, pledges));
        Ok(())
    }

    pub(super) fn on_slot_synced(
        &mut self,
        host: &mut Host,
        ledger: &mut Ledger,
        sync: Sync,
        pledges: &[Pledge],
    ) -> Result<(), Stop> {
        if host.disk.finish_sync(sync).is_err() {
            return self.fail(ledger);
        }
        host.slot_version += 1;
        self.recording = false;
        for pledge in pledges {
            self.note(ledger, What::SignStateDurable(Box::new(pledge.promise())));
        }
        for pledge in pledges {
            let promise = pledge.promise();
            self.pass(host, ledger, CrashPoint::AfterSignStateBeforeSign, &promise)?;
            let vote = self.common.sign(host.node, promise);
            self.note(ledger, What::Signed(Box::new(vote)));
            self.pass(host, ledger, CrashPoint::AfterSyncBeforeSend, &promise)?;
            self.step(host, ledger, Input::Pledged(vote))?;
            self.pass(host, ledger, CrashPoint::AfterSend, &promise)?;
        }
        self.record_if_idle(host, ledger)
    }

    /// Passes a crash point; a trap that waits here may end the process.
    fn pass(
        &mut self,
        host: &mut Host,
        ledger: &mut Ledger,
        point: CrashPoint,
        promise: &Promise,
    ) -> Result<(), Stop> {
        let proposal = match promise {
            Promise::View(statement) => {
                statement.kind() == Kind::Notarize && self.common.leads(host.node, statement.view())
            }
            Promise::Checkpoint(_) => false,
        };
        let (votes, proposals) = host.passages.count(point, proposal);
        self.note(ledger, What::PassedPoint { point, nth: votes, proposal });
        let view = self.replica.view();
        let strikes = |trap: &Trap| {
            let count = if trap.proposal_only { proposals } else { votes };
            let due = match trap.role {
                Role::Any => trap.nth == count,
                Role::Leader => trap.nth <= count && self.common.leads(host.node, view),
                Role::NextLeader => trap.nth <= count && self.common.leads(host.node, view.next()),
            };
            due && trap.point == point && (proposal || !trap.proposal_only)
        };
        let struck = host.traps.iter().position(strikes);
        let Some(place) = struck else { return Ok(()) };
        let trap = host.traps.remove(place);
        host.struck.push((trap, self.now));
        match trap.snaps {
            Snap::Kill | Snap::Stop => self.stop(Halt::Trapped(trap)),
            Snap::Hold => {
                host.holding = true;
                Ok(())
            }
        }
    }

    /// Once in a while rewrites the log as a snapshot, so that a long run does not fill the memory.
    fn compact_if_due(&mut self, host: &mut Host) {
        let kept = usize::try_from(self.common.heights_kept).expect("a small number").max(64);
        if self.stored.archive.len() < kept + kept / 2 || !self.appended.is_empty() {
            return;
        }
        let (tip, _) = self.stored.archive.last_key_value().expect("it is long");
        let lowest = tip.minus(self.common.heights_kept.max(64)).next();
        self.stored.prune_below(lowest.min(self.execution.height().next()));
        let bytes = encode_snapshot(self.next_entry, &self.stored, &self.execution, self.seq);
        host.disk.swap(File::Data, &bytes);
        self.next_entry += 1;
    }
}
