//! The ways in which a node is made to end from outside, and by its own mistakes.

use std::{
    io::{self, Read as _},
    panic, process, thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
    time::sleep,
};
use tracing::error;

use crate::exit::{Exit, Failure};

/// For the node to say itself why it ends, when a panic of it was the reason.
const VERDICT_PATIENCE: Duration = Duration::from_secs(2);

/// Waits for somebody to ask for an end. Says who.
pub(in crate::cli) async fn asked_to_stop() -> &'static str {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        // Without handlers signals end the process at once, which is safe as well.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => "interrupted",
        _ = terminate.recv() => "told to terminate",
    }
}

/// Writes down every panic, and says so: what is left of a program with a mistake could answer, and be wrong.
/// The thread that began the process has nobody to tell.
pub(super) fn notice_panics() -> watch::Receiver<bool> {
    let (panicked, notice) = watch::channel(false);
    let first = thread::current().id();
    panic::set_hook(Box::new(move |what| {
        let backtrace = std::backtrace::Backtrace::force_capture();
        error!("{what}\n{backtrace}");
        if thread::current().id() == first {
            process::exit(i32::from(Exit::Restart.code()));
        }
        panicked.send_replace(true);
    }));
    notice
}

/// Waits for a panic, and then a moment longer for whoever knows better what it means.
pub(super) async fn panicked(notice: &mut watch::Receiver<bool>) -> Failure {
    if notice.wait_for(|panicked| *panicked).await.is_err() {
        return std::future::pending().await;
    }
    sleep(VERDICT_PATIENCE).await;
    Failure::new(Exit::Restart, "a part of the program panicked; its log says where")
}

/// Ends the node when whoever holds the other end of its standard input is gone, however that came: the
/// operating system closes it even if that process was killed.
pub(super) fn stop_when_stdin_ends(grace: Duration) {
    thread::spawn(move || {
        let mut buffer = [0; 64];
        let mut input = io::stdin();
        while input.read(&mut buffer).is_ok_and(|count| count > 0) {}
        let own = Pid::from_raw(i32::try_from(process::id()).unwrap_or_default());
        let told = own.map(|own| kill_process(own, Signal::TERM));
        if !matches!(told, Some(Ok(()))) {
            process::exit(i32::from(Exit::Restart.code()));
        }
        thread::sleep(grace.saturating_add(Duration::from_secs(5)));
        process::exit(i32::from(Exit::Restart.code()));
    });
}
