//! The results of a sweep as JUnit XML, which every CI system reads.
//!
//! A test suite per scenario, a test case per run. What breaks an invariant or an expectation is a
//! failure; what the simulator itself could not do is an error.

use std::{collections::BTreeMap, fmt, fmt::Write as _};

use crate::report_html::Cell;

/// The exit code of a simulator that failed.
const INFRASTRUCTURE: u8 = 30;

/// The whole file. `cells` may come in any order.
#[must_use]
pub fn junit(cells: &[Cell]) -> String {
    let mut suites: BTreeMap<&str, Vec<&Cell>> = BTreeMap::new();
    for cell in cells {
        suites.entry(&cell.scenario).or_default().push(cell);
    }
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let all: Vec<&Cell> = cells.iter().collect();
    let _ = writeln!(out, "<testsuites name=\"quorate-sim\"{}>", Sums(&all));
    for (name, mut cells) in suites {
        cells.sort_by_key(|cell| cell.seed);
        let _ = writeln!(out, "  <testsuite name=\"{}\"{}>", Xml(name), Sums(&cells));
        cells.iter().for_each(|cell| case(&mut out, cell));
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn case(out: &mut String, cell: &Cell) {
    let _ = write!(
        out,
        "    <testcase classname=\"{}\" name=\"seed {}\" file=\"{}\" time=\"{}\"",
        Xml(&cell.scenario),
        cell.seed,
        Xml(&cell.file),
        Seconds(cell.wall_ms),
    );
    if cell.code == 0 {
        out.push_str("/>\n");
        return;
    }
    let element = if cell.code == INFRASTRUCTURE { "error" } else { "failure" };
    let _ = writeln!(
        out,
        ">\n      <{element} type=\"{}\" message=\"{}\">{}\nreplay: {}</{element}>\n    </testcase>",
        Xml(&cell.verdict),
        Xml(&cell.detail),
        Xml(&cell.detail),
        Xml(&cell.replay),
    );
}

/// The counts of a suite, as attributes.
struct Sums<'a>(&'a [&'a Cell]);

impl fmt::Display for Sums<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors = self.0.iter().filter(|cell| cell.code == INFRASTRUCTURE).count();
        let failures = self.0.iter().filter(|cell| cell.code != 0).count() - errors;
        let wall = self.0.iter().map(|cell| cell.wall_ms).sum();
        write!(
            f,
            " tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"0\" time=\"{}\"",
            self.0.len(),
            Seconds(wall)
        )
    }
}

/// Milliseconds as seconds.
struct Seconds(u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1_000, self.0 % 1_000)
    }
}

/// Text that means itself in XML. What XML cannot hold at all becomes a replacement character.
struct Xml<'a>(&'a str);

impl fmt::Display for Xml<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\t' | '\n' | '\r' => write!(f, "&#{};", u32::from(c))?,
                '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => f.write_char('\u{fffd}')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
