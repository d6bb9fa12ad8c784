//! How a node comes to its end: the first thing that cannot be gone on after decides.
//!
//! Every thread of a node shares one [`Fate`]. Once it is sealed nothing is sent any more, whoever sealed
//! it; the process then ends with the failure's code. A panic is such an end as well: broken invariants
//! stop the node, wherever they are noticed.

use std::{
    any::Any,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, OnceLock},
    thread::{Builder, JoinHandle},
};

use tokio::sync::Notify;

use crate::exit::{Exit, Failure};

/// Whether, and why, the node has come to its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fate(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    failure: OnceLock<Failure>,
    sealed: Notify,
}

impl Fate {
    /// Nothing has gone wrong yet.
    pub(crate) fn open() -> Self {
        Self::default()
    }

    /// Ends the node. Only the first reason counts: later ones follow from it.
    pub(crate) fn seal(&self, failure: Failure) {
        tracing::error!(exit = failure.exit.code(), "the node ends: {failure}");
        if self.0.failure.set(failure).is_ok() {
            self.0.sealed.notify_waiters();
        }
    }

    /// Why the node ends, if it does.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        self.0.failure.get()
    }

    /// Whether the node ends.
    pub(crate) fn is_sealed(&self) -> bool {
        self.0.failure.get().is_some()
    }

    /// Waits for the end.
    pub(crate) async fn sealed(&self) -> Failure {
        loop {
            let mut told = std::pin::pin!(self.0.sealed.notified());
            // Registered before looking, so that nothing falls in between.
            told.as_mut().enable();
            if let Some(failure) = self.failure() {
                return failure.clone();
            }
            told.await;
        }
    }

    /// Starts a thread whose panic ends the node.
    pub(crate) fn spawn(
        &self,
        name: &str,
        body: impl FnOnce() + Send + 'static,
    ) -> Result<JoinHandle<()>, Failure> {
        let (fate, title) = (self.clone(), name.to_owned());
        let guarded = move || {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(body)) {
                fate.seal(panicked(&title, &*panic));
            }
        };
        Builder::new().name(name.to_owned()).spawn(guarded).map_err(|error| {
            Failure::new(Exit::Restart, format!("the thread {name:?} cannot be started: {error}"))
        })
    }
}

/// The failure that a panic is.
pub(crate) fn panicked(who: &str, panic: &(dyn Any + Send)) -> Failure {
    let words = panic.downcast_ref::<&str>().map(|words| (*words).to_owned());
    let words = words.or_else(|| panic.downcast_ref::<String>().cloned());
    let words = words.unwrap_or_else(|| "without a message".to_owned());
    Failure::new(
        Exit::Restart,
        format!("{who} came upon something that cannot be, and stopped the node: {words}"),
    )
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.failure() {
            None => f.write_str("running"),
            Some(failure) => failure.fmt(f),
        }
    }
}
