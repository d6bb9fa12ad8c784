//! Why a height took the time it took: who led, what was missing where and until when, through which
//! fault.
//!
//! Reads a [`History`] and says in words what it finds there. It never judges: that validators were
//! right to give up on a view is for the checkers to say.

mod height;
mod late;
mod letters;
#[cfg(test)]
mod tests;
mod trouble;
mod view;

pub use self::{
    height::explain,
    trouble::{Trouble, troubles},
    view::{Failure, fate_of},
};
use crate::history::{Band, History, Lane};

/// A time of the run: seconds with three digits after the point.
#[must_use]
pub fn clock(at: u64) -> String {
    format!("{}.{:03} s", at / 1_000_000_000, at / 1_000_000 % 1_000)
}

/// A length of time, as precise as people want it.
#[must_use]
pub fn lasting(nanos: u64) -> String {
    match nanos / 100_000 {
        tenths @ ..100 => format!("{}.{} ms", tenths / 10, tenths % 10),
        tenths @ 100..10_000 => format!("{} ms", tenths / 10),
        tenths @ 10_000..100_000 => format!("{}.{:02} s", tenths / 10_000, tenths / 100 % 100),
        tenths => format!("{}.{} s", tenths / 10_000, tenths / 1_000 % 10),
    }
}

/// The names of lanes, one after the other; of many the first few.
fn names(history: &History, lanes: &[Lane]) -> String {
    const LISTED_MAX: usize = 8;
    let listed: Vec<&str> = lanes.iter().take(LISTED_MAX).map(|lane| history.name(*lane)).collect();
    let more = lanes.len().saturating_sub(LISTED_MAX);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{more}", listed.join(" "))
}

/// A fault as it acted, in words: `fault 1, isolate n3`.
#[must_use]
pub fn fault_words(history: &History, band: &Band) -> String {
    let place = usize::try_from(band.fault).unwrap_or(usize::MAX);
    let Some(head) = history.head.faults.get(place) else {
        return format!("fault {}", band.fault);
    };
    let hit = names(history, &band.lanes);
    let parts = [head.verb.as_str(), hit.as_str(), head.particulars.as_str()];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    format!("fault {}, {}", band.fault, parts.join(" "))
}

/// Faults that acted on a lane, or on all links, at some time of a stretch.
fn faults_on(history: &History, lane: Lane, from: u64, to: u64) -> impl Iterator<Item = &Band> {
    let acts = move |band: &&Band| {
        band.from <= to && band.to >= from && (band.lanes.is_empty() || band.lanes.contains(&lane))
    };
    history.faults.iter().filter(acts)
}

/// Whether a fault can keep messages from coming or nodes from sending them. Of what ends another
/// fault, doubles messages, turns clocks or damages what was written nobody waits for a message.
fn hinders(history: &History, band: &Band) -> bool {
    const HARMLESS: [&str; 14] = [
        "heal",
        "restart",
        "resume",
        "duplicate",
        "diverge",
        "skew",
        "drift",
        "jump",
        "strobe",
        "lost_unsynced",
        "torn_write",
        "bitrot",
        "misdirected_write",
        "fsync_lie",
    ];
    !HARMLESS.contains(&view::verb(history, band).as_str())
}
