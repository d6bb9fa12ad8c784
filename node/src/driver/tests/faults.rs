//! A disk that can be held back, and whose operations can be made to fail.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use quorate_core::{
    signer::Pledge,
    store::Batch,
    testing::contract::Operation,
    vote::{Promise, Vote},
};
use tokio::sync::Notify;

use crate::{
    driver::{Log, Signs},
    exit::{Exit, Failure},
};

/// What a test wants of a disk. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    wanted: Mutex<Wanted>,
    changed: Condvar,
    /// Told when an operation has come to the point where it is held.
    reached: Notify,
}

#[derive(Debug, Default)]
struct Wanted {
    held: bool,
    fails: Option<Operation>,
}

impl Faults {
    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.0.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds operations back, or lets them go.
    pub(super) fn hold(&self, held: bool) {
        self.wanted().held = held;
        self.0.changed.notify_all();
    }

    /// Whether operations are held back.
    pub(super) fn is_holding(&self) -> bool {
        self.wanted().held
    }

    /// Makes the next operation of a kind fail.
    pub(super) fn fail(&self, operation: Operation) {
        self.wanted().fails = Some(operation);
    }

    /// Waits until an operation is held back.
    pub(super) async fn reached(&self) {
        self.0.reached.notified().await;
    }

    fn pass(&self, operation: Operation) -> Result<(), Failure> {
        let mut wanted = self.wanted();
        while wanted.held {
            self.0.reached.notify_one();
            wanted = self.0.changed.wait(wanted).unwrap_or_else(PoisonError::into_inner);
        }
        if wanted.fails == Some(operation) {
            wanted.fails = None;
            return Err(Failure::new(Exit::Disk, format!("{operation:?} was made to fail")));
        }
        Ok(())
    }
}

/// A log or signer behind such a disk.
#[derive(Debug)]
pub(super) struct Faulty<T> {
    inner: T,
    faults: Faults,
}

impl<T> Faulty<T> {
    pub(super) fn new(inner: T, faults: &Faults) -> Self {
        Self { inner, faults: faults.clone() }
    }
}

impl<L: Log> Log for Faulty<L> {
    fn append(&mut self, batches: &[Batch]) -> Result<(), Failure> {
        self.faults.pass(Operation::Append)?;
        self.inner.append(batches)
    }

    fn sync(&mut self) -> Result<(), Failure> {
        self.inner.sync()
    }
}

impl<S: Signs> Signs for Faulty<S> {
    fn sign(&mut self, pledges: &[Pledge]) -> Result<Vec<Vote<Promise>>, Failure> {
        self.faults.pass(Operation::Record)?;
        self.inner.sign(pledges)
    }
}
