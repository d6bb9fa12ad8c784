//! Which threads may touch the disk.
//!
//! Every call into the store or the signer blocks, for milliseconds when the disk is busy. On a worker of
//! the async runtime that stops everything else the worker was to do, so it is a mistake of this program,
//! found in every build and not only under load. Threads are marked when the runtime starts them.

use std::cell::Cell;

thread_local! {
    static FORBIDDEN: Cell<bool> = const { Cell::new(false) };
}

/// From now on a call into the store on this thread is a panic. For the `on_thread_start` of a runtime.
pub fn forbid_on_this_thread() {
    FORBIDDEN.set(true);
}

/// Runs something that may block, on a thread of a runtime that is there for that: tokio starts its
/// blocking threads with the same `on_thread_start` as its workers.
pub fn permit<T>(work: impl FnOnce() -> T) -> T {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            FORBIDDEN.set(self.0);
        }
    }
    let _restore = Restore(FORBIDDEN.replace(false));
    work()
}

/// Checks the thread.
///
/// # Panics
/// If it was marked.
#[track_caller]
pub(crate) fn check() {
    assert!(
        !FORBIDDEN.get(),
        "the disk is used on an async worker; run this on the store thread or a blocking one",
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On a thread of its own, since the mark stays.
    fn on_marked_thread(work: impl FnOnce() + Send + 'static) -> bool {
        let run = || {
            forbid_on_this_thread();
            work();
        };
        std::thread::spawn(run).join().is_ok()
    }

    #[test]
    fn a_marked_thread_may_not_unless_it_is_permitted() {
        check();
        assert!(!on_marked_thread(check));
        assert!(on_marked_thread(|| permit(check)));
        assert!(!on_marked_thread(|| {
            permit(check);
            check();
        }));
    }

    #[test]
    fn a_panic_within_leaves_the_mark() {
        assert!(!on_marked_thread(|| {
            let within = std::panic::catch_unwind(|| permit(|| panic!("on purpose")));
            assert!(within.is_err());
            check();
        }));
    }

    /// The way a runtime does it: its workers may not.
    #[test]
    fn workers_of_a_runtime_are_caught() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .on_thread_start(forbid_on_this_thread)
            .build()
            .expect("a runtime");
        let on_worker = runtime.block_on(async { tokio::spawn(async { check() }).await });
        assert!(on_worker.expect_err("caught").is_panic());
        let blocking =
            runtime.block_on(async { tokio::task::spawn_blocking(|| permit(check)).await });
        assert!(blocking.is_ok(), "blocking threads may, if they say so");
    }
}
