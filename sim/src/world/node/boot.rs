//! How a process starts: from what its disk holds, and from nothing else.

use std::{
    collections::{BinaryHeap, VecDeque},
    sync::Arc,
};

use quorate_core::{
    effect::Effects,
    execution::{ExecutionState, Executor},
    replica::Replica,
    signer::SignState,
    store::{SignerRecord, Stored},
    types::{Height, Seq, View},
};

use super::{
    super::{
        common::Common,
        disk::File,
        fabric::{Ledger, Note},
        host::{Halt, Host},
        log::{self, Entry},
    },
    Process, Stop,
    jobs::execute,
};
use crate::{
    check::Lapse,
    trace::{DownReason, What},
};

impl Process {
    /// Starts the process: reads the disk, rebuilds the state, makes the replica.
    pub(super) fn boot(
        common: &Arc<Common>,
        host: &mut Host,
        ledger: &mut Ledger,
    ) -> Result<Self, Stop> {
        let at = host.boot_at;
        let life = host.lives;
        host.lives += 1;
        let down = |reason| (at, Halt::Down(reason));
        let data = host.disk.read(File::Data).map_err(|_| down(DownReason::WriteFailed))?;
        let found = log::read(&data).map_err(|_| down(DownReason::CorruptLog))?;
        if found.length < host.disk.synced(File::Data) {
            // Damage at the log's end looks like a torn tail: the log does not say how far it was
            // synced.
            host.lapse = Some(Lapse::LyingDisk);
        }
        host.disk.truncate(File::Data, found.length);
        let survived = survived(&found, host.life_begins);
        let (stored, mut execution) = fold(common, &found.entries);
        let slot =
            |host: &mut Host, file| host.disk.read(file).map_err(|_| down(DownReason::WriteFailed));
        let slots = [slot(host, File::SlotA)?, slot(host, File::SlotB)?];
        // Nothing fails from here on. A life that never began has no part in what the log holds.
        host.life_begins = found.next;
        let signer = log::read_slots([&slots[0], &slots[1]]);
        match &signer {
            None => host.lapse = Some(Lapse::Amnesiac),
            Some((version, _)) if *version < host.slot_version => {
                host.lapse = Some(Lapse::LyingDisk);
            }
            Some(_) => {}
        }
        let height = stored.archive.last_key_value().map_or(Height::ZERO, |(height, _)| *height);
        let number = u64::from(host.machine.get());
        let mut rng = common.seed.fork("behaviours", number).fork("life", u64::from(life)).rng();
        // A liar that forgets votes on, whatever is left of its promises.
        let forgets = life > 0
            && common.with_context(host.node, at, View::ZERO, height, &mut rng, |context| {
                host.behaviours.forget(context)
            });
        let amnesiac = signer.is_none() && !forgets;
        let (version, recorded) = signer.unwrap_or_default();
        let recorded = if forgets { SignState::default() } else { recorded };
        host.slot_version = version;
        let torn_bytes = u64::try_from(found.torn).expect("memory is finite");
        let started = What::Started { life, height, survived, torn_bytes, amnesiac };
        ledger.notes.push(Note { at, what: started });
        let mut executor = common.executor(host.machine);
        replay(&stored, &mut execution, &mut executor, at, ledger);
        let record =
            if amnesiac { SignerRecord::Lost } else { SignerRecord::Intact(recorded.clone()) };
        let seed = common.seed.fork("replica", number).fork("life", u64::from(life));
        let config = common.config(host.node);
        let replica = Replica::new(config, stored.recover(record, execution.checkpoints()), seed);
        let wakeup = replica.next_wakeup();
        Ok(Self {
            common: Arc::clone(common),
            replica,
            stored,
            execution,
            executor,
            promised: recorded.clone(),
            recorded,
            amnesiac,
            next_entry: found.next,
            slow_milli: host.slow_milli,
            appended: VecDeque::new(),
            syncing: None,
            to_record: Vec::new(),
            recording: false,
            due: BinaryHeap::new(),
            due_places: 0,
            inbox: VecDeque::new(),
            wakeup,
            effects: Effects::new(),
            now: at,
            steps_at_once: 0,
            seq: Seq::ZERO,
            rng,
        })
    }
}

/// The last entry of the previous life that is on the disk.
fn survived(found: &log::Recovered, life_begins: u64) -> Seq {
    let count = u64::try_from(found.entries.len()).expect("memory is finite");
    let first = found.next - count;
    let own = (first..).zip(&found.entries).filter(|(number, _)| *number >= life_begins);
    own.map(|(_, entry)| entry.seq()).max().unwrap_or(Seq::ZERO)
}

/// What a log means, and the state as of its last snapshot.
fn fold(common: &Common, entries: &[Entry]) -> (Stored, ExecutionState) {
    let mut stored = Stored::default();
    let mut execution = common.genesis_state.clone();
    for entry in entries {
        match entry {
            Entry::Write { batch, .. } => batch.iter().for_each(|record| stored.apply(record)),
            Entry::Pledge { .. } => {}
            Entry::Snapshot(snapshot) => {
                stored = snapshot.stored.clone();
                execution = snapshot.execution.clone();
            }
        }
    }
    (stored, execution)
}

/// Executes every final block above the state again.
fn replay(
    stored: &Stored,
    execution: &mut ExecutionState,
    executor: &mut Executor,
    at: u64,
    ledger: &mut Ledger,
) {
    for (_, archived) in stored.archive.range(execution.height().next()..) {
        let block = Arc::clone(&archived.block);
        let result = Arc::new(execute(execution, executor, &block));
        let what = What::Executed { block, result, replayed: true };
        ledger.notes.push(Note { at, what });
    }
    let (height, total) = (execution.height(), execution.supply().total());
    ledger.notes.push(Note { at, what: What::Supply { height, total } });
    let kept = Arc::new(execution.asset_supplies().clone());
    let counted = Arc::new(execution.recounted_assets());
    // Most runs know no assets, and every run begins without.
    if !(kept.is_empty() && counted.is_empty()) {
        ledger.notes.push(Note { at, what: What::Assets { height, kept, counted } });
    }
}
