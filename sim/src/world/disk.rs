//! A disk as a value: what was written, what is durable, and what a crash leaves of the rest.
//!
//! Three files: the data log, which only grows, and two slots that are overwritten in turn. A write
//! is pending until an fsync covers it. What happens to a write is looked up by its number, so one
//! fault more or less does not shift the others. Appends reach the platter in their order (as with a
//! journalling file system): a crash keeps a prefix of them, the first lost one perhaps in part.
//! Knows nothing of what the bytes mean.

use super::{delay::sample, keyed::Key, network::FaultId, platter::Platter};
use crate::scenario::{Disk as DiskModel, DiskOp, Distribution, Ppm, Torn};

/// Which file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum File {
    /// The log of records and pledges.
    Data,
    /// One of the two slots of the sign-state.
    SlotA,
    /// The other.
    SlotB,
}

impl File {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Data, Self::SlotA, Self::SlotB];

    const fn place(self) -> usize {
        match self {
            Self::Data => 0,
            Self::SlotA => 1,
            Self::SlotB => 2,
        }
    }
}

/// An operation failed. It is never tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiskError {
    /// The device reported an error.
    #[error("input/output error")]
    Io,
    /// There is no space left.
    #[error("no space left on the device")]
    Full,
}

/// What a fault does to a disk while it lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskFault {
    /// A crash loses unsynced writes.
    LostUnsynced(Ppm),
    /// A crash tears the last write.
    Torn(Torn),
    /// A durable write has a bit flipped.
    Bitrot(Ppm),
    /// A write lands where another one is.
    Misdirected(Ppm),
    /// Operations fail.
    IoError(Ppm, Vec<DiskOp>),
    /// An fsync takes this long instead.
    Latency(Distribution),
    /// Writes fail.
    Full,
    /// An fsync makes nothing durable.
    Lie(Ppm),
}

/// An fsync under way: what it covers and how long it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sync {
    file: File,
    number: u64,
    covers: u64,
    /// How long it takes, in nanoseconds.
    pub latency: u64,
}

/// What a crash did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CrashOutcome {
    /// Writes of which nothing is left.
    pub lost: u64,
    /// Writes of which a part is left.
    pub torn: u64,
    /// Whether a write that an fsync had claimed durable was lost or torn.
    pub betrayed: bool,
}

/// Buffers kept for later writes: few are pending at a time.
const SPARE_MAX: usize = 16;

#[derive(Clone, Debug)]
struct Write {
    number: u64,
    offset: usize,
    bytes: Vec<u8>,
    /// Whether the file ends where this write ends.
    truncates: bool,
    /// An fsync that lied has claimed it durable.
    claimed: bool,
}

#[derive(Clone, Debug, Default)]
struct Contents {
    durable: Platter,
    pending: Vec<Write>,
    /// Where the next append goes.
    end: usize,
    /// How far an fsync that did not lie, or what is as good as one, has come.
    synced: usize,
}

impl Contents {
    fn note_synced(&mut self, write: &Write) {
        let end = write.offset + write.bytes.len();
        self.synced = if write.truncates { end } else { self.synced.max(end) };
    }
}

/// One machine's disk. Survives its crashes.
#[derive(Debug)]
pub struct Disk {
    key: Key,
    model: DiskModel,
    faults: Vec<(FaultId, DiskFault)>,
    /// Whether damage beyond losing unsynced writes may happen here (`atlas`).
    may_be_damaged: bool,
    files: [Contents; 3],
    /// Empty buffers of writes that are durable.
    spare: Vec<Vec<u8>>,
    writes: u64,
    syncs: u64,
    reads: u64,
    crashes: u64,
}

/// Purposes of draws.
mod purpose {
    pub(super) const LOST: u64 = 1;
    pub(super) const TORN: u64 = 2;
    pub(super) const TORN_AT: u64 = 3;
    pub(super) const BITROT: u64 = 4;
    pub(super) const BITROT_AT: u64 = 5;
    pub(super) const MISDIRECTED: u64 = 6;
    pub(super) const MISDIRECTED_TO: u64 = 7;
    pub(super) const WRITE_ERROR: u64 = 8;
    pub(super) const SYNC_ERROR: u64 = 9;
    pub(super) const READ_ERROR: u64 = 10;
    pub(super) const LATENCY: u64 = 11;
    pub(super) const LIE: u64 = 12;
}

impl Disk {
    /// An empty disk.
    #[must_use]
    pub fn new(model: DiskModel, key: Key, may_be_damaged: bool) -> Self {
        Self {
            key,
            model,
            faults: Vec::new(),
            may_be_damaged,
            files: Default::default(),
            spare: Vec::new(),
            writes: 0,
            syncs: 0,
            reads: 0,
            crashes: 0,
        }
    }

    /// Starts a fault.
    pub fn begin(&mut self, id: FaultId, fault: DiskFault) {
        self.faults.push((id, fault));
        self.faults.sort_by_key(|(id, _)| *id);
    }

    /// Ends a fault. Damage done stays done.
    pub fn end(&mut self, id: FaultId) {
        self.faults.retain(|(held, _)| *held != id);
    }

    /// How many fsyncs were started.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.syncs
    }

    /// Bytes that would be there if nothing was ever lost.
    #[must_use]
    pub fn length(&self, file: File) -> usize {
        self.files[file.place()].end
    }

    /// The bytes of a file that were made durable, whatever has become of them since.
    #[must_use]
    pub fn synced(&self, file: File) -> usize {
        self.files[file.place()].synced
    }

    /// An empty buffer for the next write, perhaps one that was used before.
    #[must_use]
    pub fn buffer(&mut self) -> Vec<u8> {
        self.spare.pop().unwrap_or_default()
    }

    /// Appends to a file; pending until an fsync covers it.
    ///
    /// # Errors
    /// If the device fails or is full; nothing was written.
    pub fn append(&mut self, file: File, bytes: Vec<u8>) -> Result<(), DiskError> {
        let offset = self.files[file.place()].end;
        self.write(file, offset, bytes, false)
    }

    /// Overwrites a file from its start; pending until an fsync covers it.
    ///
    /// # Errors
    /// If the device fails or is full; nothing was written.
    pub fn overwrite(&mut self, file: File, bytes: Vec<u8>) -> Result<(), DiskError> {
        self.write(file, 0, bytes, true)
    }

    /// Replaces a file by another as a whole, durably and all or nothing: written beside it, synced
    /// and renamed. What was pending is in the new file.
    pub fn swap(&mut self, file: File, bytes: &[u8]) {
        let contents = &mut self.files[file.place()];
        contents.pending.clear();
        contents.end = bytes.len();
        contents.synced = bytes.len();
        contents.durable.truncate(0);
        contents.durable.write(0, bytes);
    }

    /// Starts an fsync of everything written to the file so far.
    pub fn begin_sync(&mut self, file: File) -> Sync {
        self.syncs += 1;
        let number = self.syncs;
        let latency = self.faults.iter().rev().find_map(|(_, fault)| match fault {
            DiskFault::Latency(latency) => Some(latency),
            _ => None,
        });
        let draw = self.key.at(number, purpose::LATENCY);
        let latency = sample(latency.unwrap_or(&self.model.fsync), draw);
        Sync { file, number, covers: self.writes, latency }
    }

    /// Ends an fsync: what it covers is durable, unless the disk lies.
    ///
    /// # Errors
    /// If the device fails. What was pending may or may not survive a crash.
    pub fn finish_sync(&mut self, sync: Sync) -> Result<(), DiskError> {
        if self.fails(DiskOp::Sync, sync.number, purpose::SYNC_ERROR) {
            return Err(DiskError::Io);
        }
        let lies = self.faults.iter().any(|(id, fault)| match fault {
            DiskFault::Lie(p) => p.hit(self.share(*id).at(sync.number, purpose::LIE)),
            _ => false,
        });
        let contents = &mut self.files[sync.file.place()];
        let covered = contents.pending.partition_point(|write| write.number <= sync.covers);
        if lies {
            for write in &mut contents.pending[..covered] {
                write.claimed = true;
            }
            return Ok(());
        }
        let rest = contents.pending.split_off(covered);
        let mut writes = std::mem::replace(&mut contents.pending, rest);
        for mut write in writes.drain(..) {
            self.persist(sync.file, &write);
            self.files[sync.file.place()].note_synced(&write);
            if self.spare.len() < SPARE_MAX {
                write.bytes.clear();
                self.spare.push(write.bytes);
            }
        }
        let contents = &mut self.files[sync.file.place()];
        if contents.pending.is_empty() {
            contents.pending = writes;
        }
        Ok(())
    }

    /// Makes everything durable, as an orderly end does.
    pub fn flush(&mut self) {
        for file in File::ALL {
            let writes = std::mem::take(&mut self.files[file.place()].pending);
            for write in &writes {
                self.persist(file, write);
                self.files[file.place()].note_synced(write);
            }
        }
    }

    /// Power is lost: decides what is left of every pending write.
    pub fn crash(&mut self) -> CrashOutcome {
        self.crashes += 1;
        let mut outcome = CrashOutcome::default();
        for file in File::ALL {
            let writes = std::mem::take(&mut self.files[file.place()].pending);
            let kept = writes.iter().take_while(|write| !self.is_lost(write.number)).count();
            let torn = self.tears().filter(|_| !writes.is_empty());
            // A tear spoils the write during which the power went: the first that did not make it,
            // or the last one of all.
            let spoilt = if kept < writes.len() { kept } else { writes.len().saturating_sub(1) };
            let whole = if torn.is_some() { spoilt } else { kept };
            for write in &writes[..whole] {
                self.persist(file, write);
            }
            if let Some(sector) = torn {
                outcome.torn += 1;
                self.persist_part(file, &writes[spoilt], sector);
            }
            let touched = writes.get(whole..).unwrap_or_default();
            outcome.lost += u64::try_from(writes.len() - whole).expect("few writes are pending");
            outcome.betrayed |= touched.iter().any(|write| write.claimed);
            let contents = &mut self.files[file.place()];
            contents.end = contents.durable.length();
        }
        outcome.lost -= outcome.torn.min(outcome.lost);
        outcome
    }

    /// Reads a whole file, after a crash or an orderly end.
    ///
    /// # Errors
    /// If the device fails.
    pub fn read(&mut self, file: File) -> Result<Vec<u8>, DiskError> {
        self.reads += 1;
        if self.fails(DiskOp::Read, self.reads, purpose::READ_ERROR) {
            return Err(DiskError::Io);
        }
        Ok(self.files[file.place()].durable.to_vec())
    }

    /// Cuts a file, durably: a recovery drops a torn tail.
    pub fn truncate(&mut self, file: File, length: usize) {
        let contents = &mut self.files[file.place()];
        assert!(contents.pending.is_empty(), "a file with pending writes is not cut");
        contents.durable.truncate(length);
        contents.end = contents.durable.length();
        contents.synced = contents.synced.min(contents.end);
    }

    /// Empties a file.
    pub fn erase(&mut self, file: File) {
        self.files[file.place()] = Contents::default();
    }

    fn write(
        &mut self,
        file: File,
        offset: usize,
        bytes: Vec<u8>,
        truncates: bool,
    ) -> Result<(), DiskError> {
        self.writes += 1;
        let number = self.writes;
        if self.faults.iter().any(|(_, fault)| *fault == DiskFault::Full) {
            return Err(DiskError::Full);
        }
        if self.fails(DiskOp::Write, number, purpose::WRITE_ERROR) {
            return Err(DiskError::Io);
        }
        let contents = &mut self.files[file.place()];
        contents.end = offset + bytes.len();
        contents.pending.push(Write { number, offset, bytes, truncates, claimed: false });
        Ok(())
    }

    /// One fault's own stream of draws on this disk.
    fn share(&self, id: FaultId) -> Key {
        self.key.within(u64::from(id.0))
    }

    /// Whether something happens to operation `number`, by the model or by any fault.
    fn strikes(
        &self,
        number: u64,
        purpose: u64,
        ambient: Ppm,
        of: impl Fn(&DiskFault) -> Option<Ppm>,
    ) -> bool {
        ambient.hit(self.key.at(number, purpose))
            || self.faults.iter().any(|(id, fault)| {
                of(fault).is_some_and(|p| p.hit(self.share(*id).at(number, purpose)))
            })
    }

    fn fails(&self, op: DiskOp, number: u64, purpose: u64) -> bool {
        let errors = &self.model.io_error;
        let spared = !self.may_be_damaged || !errors.ops.contains(&op);
        let ambient = if spared { Ppm::NEVER } else { errors.p };
        self.strikes(number, purpose, ambient, |fault| match fault {
            DiskFault::IoError(p, ops) if ops.contains(&op) => Some(*p),
            _ => None,
        })
    }

    fn is_lost(&self, number: u64) -> bool {
        self.strikes(number, purpose::LOST, self.model.lost_unsynced, |fault| match fault {
            DiskFault::LostUnsynced(p) => Some(*p),
            _ => None,
        })
    }

    /// The sector size at which this crash tears a write, if it does.
    fn tears(&self) -> Option<usize> {
        let ambient = (self.key, self.model.torn_write);
        let faults = self.faults.iter().filter_map(|(id, fault)| match fault {
            DiskFault::Torn(torn) => Some((self.share(*id), *torn)),
            _ => None,
        });
        std::iter::once(ambient)
            .chain(faults)
            .find(|(key, torn)| torn.p.hit(key.at(self.crashes, purpose::TORN)))
            .map(|(_, torn)| usize::try_from(torn.sector).expect("sectors are small").max(1))
    }

    fn persist(&mut self, file: File, write: &Write) {
        let rots =
            self.may_be_damaged
                && self.strikes(write.number, purpose::BITROT, self.model.bitrot, |fault| {
                    match fault {
                        DiskFault::Bitrot(p) => Some(*p),
                        _ => None,
                    }
                });
        let ambient = self.model.misdirected_write;
        let strays = self.may_be_damaged
            && self.strikes(write.number, purpose::MISDIRECTED, ambient, |fault| match fault {
                DiskFault::Misdirected(p) => Some(*p),
                _ => None,
            });
        let elsewhere = strays.then(|| self.stray(file, write)).flatten();
        let key = self.key;
        let durable = &mut self.files[file.place()].durable;
        let end = write.offset + write.bytes.len();
        match elsewhere {
            Some(place) => {
                // What should be here is not: the file is longer by zeros, and something else is gone.
                durable.write(end, &[]);
                durable.write(place, &write.bytes);
            }
            None => durable.write(write.offset, &write.bytes),
        }
        if write.truncates {
            durable.truncate(end);
        }
        if rots && !write.bytes.is_empty() {
            let bits = u64::try_from(write.bytes.len()).expect("memory is finite") * 8;
            let bit = key.below(write.number, purpose::BITROT_AT, bits);
            let byte = usize::try_from(bit / 8).expect("within the write");
            *durable.byte_mut(write.offset + byte) ^= 1 << (bit % 8);
        }
    }

    /// Where else in the file a write of this length could land, at a sector's start.
    fn stray(&self, file: File, write: &Write) -> Option<usize> {
        let sector =
            usize::try_from(self.model.torn_write.sector).expect("sectors are small").max(1);
        let room = self.files[file.place()].durable.length().checked_sub(write.bytes.len())?;
        let places = u64::try_from(room / sector + 1).expect("memory is finite");
        let place = self.key.below(write.number, purpose::MISDIRECTED_TO, places);
        let place = usize::try_from(place).expect("within the file") * sector;
        (place != write.offset).then_some(place)
    }

    /// Keeps the sectors of a write that had been written when the power went.
    fn persist_part(&mut self, file: File, write: &Write, sector: usize) {
        let end = write.offset + write.bytes.len();
        let sectors = (end / sector).saturating_sub(write.offset / sector);
        let choices = u64::try_from(sectors).expect("memory is finite") + 1;
        let kept = self.key.below(write.number, purpose::TORN_AT, choices);
        let kept = usize::try_from(kept).expect("at most the sectors");
        let stop = (write.offset / sector + kept) * sector;
        let length = stop.saturating_sub(write.offset).min(write.bytes.len());
        self.files[file.place()].durable.write(write.offset, &write.bytes[..length]);
    }
}

#[cfg(test)]
mod tests;
