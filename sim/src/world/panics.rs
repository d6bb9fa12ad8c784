//! Panics of the core are part of a run's report, so they are not printed, and their place is kept.

use std::{
    any::Any,
    cell::RefCell,
    panic::{self, PanicHookInfo},
    sync::Once,
    thread,
};

/// The name of every run's thread.
pub const THREAD: &str = "quorate-run";

thread_local! {
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Sees to it that panics on threads of runs are kept instead of printed. Others are as before.
pub fn keep_quiet() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
            if thread::current().name() == Some(THREAD) {
                let place = info.location().map(|at| format!("{}:{}", at.file(), at.line()));
                LAST.with_borrow_mut(|last| *last = place);
            } else {
                before(info);
            }
        }));
    });
}

/// What a panic on this thread said, and where.
#[must_use]
pub fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned());
    match LAST.with_borrow_mut(Option::take) {
        Some(place) => format!("{text} ({place})"),
        None => text,
    }
}
