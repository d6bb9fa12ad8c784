//! How far a long piece of work is: a bar on a terminal, a line now and then elsewhere.

use std::{
    collections::BTreeMap,
    io::Write,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Time between two lines when there is no terminal.
const INTERVAL: Duration = Duration::from_secs(10);

/// The state of a sweep, shown as it goes.
pub(super) struct Progress {
    /// Unknown if only the time is limited.
    total: Option<u64>,
    done: u64,
    failures: BTreeMap<String, u64>,
    begun: Instant,
    told: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Of work of `total` runs; with a bar if standard error is a terminal.
    pub(super) fn new(total: u64, live: bool) -> Self {
        Self::of(Some(total), live)
    }

    /// Of work of so many runs, or of as many as there is time for.
    pub(super) fn of(total: Option<u64>, live: bool) -> Self {
        let template = match total {
            Some(_) => "{bar:30} {pos}/{len} runs, {per_sec}, {eta} left{msg}",
            None => "{spinner} {pos} runs, {per_sec}, {elapsed}{msg}",
        };
        let bar = live.then(|| {
            let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
            bar.set_style(ProgressStyle::with_template(template).expect("the template is sound"));
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        let now = Instant::now();
        Self { total, done: 0, failures: BTreeMap::new(), begun: now, told: now, bar }
    }

    /// One more run is done.
    pub(super) fn advance(&mut self, verdict: &str, held: bool, err: &mut dyn Write) {
        self.done += 1;
        if !held {
            *self.failures.entry(verdict.to_owned()).or_default() += 1;
        }
        match &self.bar {
            Some(bar) => {
                bar.set_message(self.failures_text());
                bar.inc(1);
            }
            None if self.told.elapsed() >= INTERVAL => {
                self.told = Instant::now();
                // Progress is a courtesy: nobody fails for want of it.
                let _ = writeln!(err, "{}", self.line(self.begun.elapsed()));
            }
            None => {}
        }
    }

    /// Runs something that prints, with the bar out of the way.
    pub(super) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }

    fn line(&self, elapsed: Duration) -> String {
        let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
        let hundredths = self.done.saturating_mul(100_000) / millis;
        let rate = format!("{}.{:02}/s", hundredths / 100, hundredths % 100);
        let failures = self.failures_text();
        let Some(total) = self.total else {
            return format!("{} runs, {rate}, {} s{failures}", self.done, elapsed.as_secs());
        };
        let left_millis = (total - self.done.min(total)).saturating_mul(millis) / self.done.max(1);
        format!(
            "{}/{total} runs, {rate}, {} s left{failures}",
            self.done,
            left_millis.div_ceil(1_000),
        )
    }

    fn failures_text(&self) -> String {
        if self.failures.is_empty() {
            return ", no failure".to_owned();
        }
        self.failures.iter().map(|(verdict, count)| format!(", {verdict} {count}")).collect()
    }
}

/// The state of work of which nobody knows how long it takes.
pub(super) struct Spinner {
    told: Instant,
    bar: Option<ProgressBar>,
}

impl Spinner {
    /// One that turns if standard error is a terminal.
    pub(super) fn new(live: bool) -> Self {
        let bar = live.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_style(
                ProgressStyle::with_template("{spinner} {elapsed} {msg}")
                    .expect("the template is sound"),
            );
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        Self { told: Instant::now(), bar }
    }

    /// Says how far it is: at once on a terminal, a line now and then elsewhere.
    pub(super) fn show(&mut self, text: &str, err: &mut dyn Write) {
        match &self.bar {
            Some(bar) => bar.set_message(text.to_owned()),
            None if self.told.elapsed() >= INTERVAL => {
                self.told = Instant::now();
                // Progress is a courtesy: nobody fails for want of it.
                let _ = writeln!(err, "{text}");
            }
            None => {}
        }
    }

    /// Takes it away.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
