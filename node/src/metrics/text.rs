//! The two formats that scrapers read.

use std::{collections::BTreeSet, fmt::Write as _};

/// The media type of the OpenMetrics text format.
pub const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The media type of Prometheus' own text format.
pub const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";

/// OpenMetrics text in Prometheus' own format, which names counters by their samples and has neither units
/// nor an end.
#[must_use]
pub fn plain(openmetrics: &str) -> String {
    let counter = |line: &str| {
        let rest = line.strip_prefix("# TYPE ")?;
        rest.strip_suffix(" counter").map(str::to_owned)
    };
    let counters: BTreeSet<String> = openmetrics.lines().filter_map(counter).collect();
    let mut text = String::with_capacity(openmetrics.len());
    for line in openmetrics.lines() {
        let described = ["# HELP ", "# TYPE "].into_iter().find_map(|kind| {
            let (name, words) = line.strip_prefix(kind)?.split_once(' ')?;
            Some((kind, name, words))
        });
        // Writing to a string does not fail.
        let _ = match described {
            _ if line == "# EOF" || line.starts_with("# UNIT ") => Ok(()),
            Some((kind, name, words)) if counters.contains(name) => {
                writeln!(text, "{kind}{name}_total {words}")
            }
            _ => writeln!(text, "{line}"),
        };
    }
    text
}
