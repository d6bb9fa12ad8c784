//! A process as people want to see it when a run is broken off.

use quorate_core::time::Span;

use super::{super::host::Host, Process};
use crate::{
    report::Portrait,
    trace::describe::{statement_words, timer_name},
};

impl Process {
    /// What a person wants to see of this replica.
    pub(super) fn portrait(&self, host: &Host) -> Portrait {
        let tip = self.promised.promises().iter().next_back();
        let promises = tip.map_or_else(
            || "none".to_owned(),
            |(view, promises)| {
                let words: Vec<String> = promises.iter().map(statement_words).collect();
                format!("in view {view}: {}", words.join(", "))
            },
        );
        let wakeup = self.wakeup.map_or_else(
            || "nothing".to_owned(),
            |(at, timer)| format!("{} at {} ns of its own clock", timer_name(timer), at.nanos()),
        );
        let archive = host
            .standing
            .archive
            .map_or_else(|| "empty".to_owned(), |(low, high)| format!("heights {low} to {high}"));
        let lines = vec![
            ("view", self.replica.view().to_string()),
            ("leads it", format!("n{}", self.common.leader(self.replica.view()))),
            ("final height", self.replica.finalized_height().to_string()),
            ("state", format!("height {}", self.execution.height())),
            ("archive", archive),
            ("waits for", wakeup),
            ("last promises", promises),
            ("floor", self.promised.safety().floor.to_string()),
            ("not durable yet", format!("{} log entries", self.appended.len())),
            ("votes", if self.amnesiac { "never: its sign-state was lost" } else { "yes" }.into()),
            ("life", host.lives.saturating_sub(1).to_string()),
            ("inbox", format!("{} messages", self.inbox.len())),
            ("holds", format!("{:?}", self.replica.footprint())),
        ];
        Portrait {
            node: host.node.name(),
            at: Span::from_nanos(self.now),
            lines,
            replica: format!("{:#?}", self.replica),
        }
    }
}
