//! Writes down a run while it is made: as a trace file, as a history, as both or as neither.

use std::{fs::File, io::BufWriter, io::Write, sync::Arc};

use super::{Builder, Head, History, Record, Saying, Tail};
use crate::{
    report::RunReport,
    trace::{Observation, jsonl},
};

/// Writes down a run.
#[derive(Debug, Default)]
pub struct Scribe {
    file: Option<BufWriter<File>>,
    builder: Option<Builder>,
    now: u64,
}

impl Scribe {
    /// Begins with what is run.
    ///
    /// # Panics
    /// If the file cannot be written to, here and later: a trace with a hole in it is worse than none.
    #[must_use]
    pub fn begin(head: &Head, story: bool, file: Option<BufWriter<File>>) -> Self {
        let builder = story.then(|| Builder::new(head.clone()));
        let mut scribe = Self { file, builder, now: 0 };
        scribe.world("run", head);
        scribe
    }

    /// Whether there is anything to write down.
    #[must_use]
    pub fn writes(&self) -> bool {
        self.file.is_some() || self.builder.is_some()
    }

    /// Takes in the next observation.
    pub fn observe(&mut self, observation: &Observation) {
        self.now = observation.at;
        if let Some(file) = &mut self.file {
            let written = jsonl::write_line(file, observation);
            written.expect("the trace file takes what is written to it");
        }
        if let Some(builder) = &mut self.builder {
            builder.observe(&Record::of(observation), Saying::of(observation));
        }
    }

    /// Ends with what the run came to, and gives the story if it was asked for.
    #[must_use]
    pub fn finish(mut self, report: &RunReport) -> Option<Arc<History>> {
        let tail = Tail::new(report);
        self.world("verdict", &tail);
        self.builder.map(|builder| Arc::new(builder.finish(Some(tail))))
    }

    fn world(&mut self, what: &'static str, content: &impl serde::Serialize) {
        let now = self.now;
        if let Some(file) = &mut self.file {
            let written = jsonl::write_world(file, now, what, content).and_then(|()| file.flush());
            written.expect("the trace file takes what is written to it");
        }
    }
}
