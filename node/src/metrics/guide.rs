//! The table of metrics for people.

use std::io::{self, Write};

use super::{
    metric::{Kind, Metric, Series},
    table::METRICS,
};

/// The committee that the guide counts with.
const EXAMPLE: u32 = 7;

impl Kind {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

impl Metric {
    /// The name that queries use.
    #[must_use]
    pub fn full_name(&self) -> String {
        let total = if self.kind == Kind::Counter { "_total" } else { "" };
        format!("quorate_{}{total}", self.name)
    }

    /// The most series there can be with so many validators.
    #[must_use]
    pub const fn series_max(&self, validators: u32) -> u32 {
        match self.series {
            Series::Fixed(count) => count,
            Series::PerValidator => validators,
        }
    }
}

/// Prints the table: name, kind, series, labels, help.
///
/// # Errors
/// If it cannot be written.
pub fn list(out: &mut impl Write) -> io::Result<()> {
    for metric in METRICS {
        let labels = match metric.labels {
            [] => String::new(),
            labels => format!(" {{{}}}", labels.join(", ")),
        };
        let (name, kind) = (metric.full_name(), metric.kind.name());
        let series = metric.series_max(EXAMPLE);
        writeln!(
            out,
            "{name}{labels}\n    {kind}, at most {series} series with {EXAMPLE} validators"
        )?;
        writeln!(out, "    {}.", metric.help)?;
    }
    Ok(())
}

/// The whole guide to monitoring: `docs/monitoring.md`.
#[must_use]
pub fn guide() -> String {
    let mut table =
        String::from("| metric | kind | labels | series | what it says |\n|---|---|---|---|---|\n");
    let mut sum = 0;
    for metric in METRICS {
        let series = metric.series_max(EXAMPLE);
        sum += series;
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        table += &format!(
            "| `{}` | {} | {} | {series} | {} |\n",
            metric.full_name(),
            metric.kind.name(),
            labels.join(", "),
            metric.help,
        );
    }
    let count = METRICS.len().to_string();
    include_str!("guide.md")
        .replace("{{table}}", table.trim_end())
        .replace("{{count}}", &count)
        .replace("{{series}}", &sum.to_string())
}
