//! Old blocks are forgotten while the node runs, on a thread of its own that nobody waits for.

use std::{
    convert::Infallible,
    sync::mpsc::{Sender, channel},
    thread::JoinHandle,
    time::Duration,
};

use tokio::task::spawn_blocking;

use crate::{driver::Fate, exit::Failure, store::Store};

/// Between two looks whether there is something to forget.
const PAUSE: Duration = Duration::from_secs(2);

/// The thread. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Pruner {
    stop: Sender<Infallible>,
    thread: JoinHandle<()>,
}

impl Pruner {
    /// Starts it if the store has a policy.
    pub(super) fn start(store: &Store, fate: &Fate) -> Result<Option<Self>, Failure> {
        if !store.has_policy() {
            return Ok(None);
        }
        let (stop, stopped) = channel();
        let (store, sealed) = (store.clone(), fate.clone());
        let body = move || {
            if let Err(error) = store.keep_pruning(&stopped, PAUSE) {
                sealed.seal(error.into());
            }
        };
        Ok(Some(Self { stop, thread: fate.spawn("prune", body)? }))
    }

    /// Waits until it has let go of the store.
    pub(super) async fn stop(self) {
        drop(self.stop);
        let ended = spawn_blocking(|| self.thread.join()).await;
        assert!(matches!(ended, Ok(Ok(()))), "threads catch their own panics: {ended:?}");
    }
}
