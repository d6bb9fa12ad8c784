//! The page of a sweep: a heat map of scenarios and seeds, and what failed, each kind once.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::json;

use super::{escape::Escaped, shell::Shell, story::grouped};
use crate::coverage::Coverage;

const STYLES: [&str; 2] = [include_str!("assets/report.css"), include_str!("assets/index.css")];
const SCRIPTS: [&str; 1] = [include_str!("assets/index.js")];

/// Seeds of a kind of failure that are listed.
const SEEDS_LISTED_MAX: usize = 12;

/// One run of a sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The scenario's name.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// The exit code the run alone would have.
    pub code: u8,
    /// The verdict in a word.
    pub verdict: String,
    /// What went wrong, without the numbers: equal for failures of one kind.
    pub signature: String,
    /// What went wrong, in full.
    pub detail: String,
    /// The line that makes the run again.
    pub replay: String,
    /// The file of the scenario.
    pub file: String,
    /// Wall time in milliseconds.
    pub wall_ms: u64,
    /// Which situations the run reached, and how often.
    pub marks: BTreeMap<String, u64>,
}

/// Failures of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster<'a> {
    /// The verdict in a word.
    pub verdict: &'a str,
    /// What went wrong, without the numbers.
    pub signature: &'a str,
    /// The runs, by scenario and seed.
    pub cells: Vec<&'a Cell>,
}

/// Failures by verdict and signature, the gravest kinds and then the most frequent first.
#[must_use]
pub fn clusters(cells: &[Cell]) -> Vec<Cluster<'_>> {
    let mut groups: BTreeMap<(&str, &str), Vec<&Cell>> = BTreeMap::new();
    for cell in cells.iter().filter(|cell| cell.code != 0) {
        groups.entry((&cell.verdict, &cell.signature)).or_default().push(cell);
    }
    let mut clusters: Vec<Cluster<'_>> = groups
        .into_iter()
        .map(|((verdict, signature), mut cells)| {
            cells.sort_by_key(|cell| (&cell.scenario, cell.seed));
            Cluster { verdict, signature, cells }
        })
        .collect();
    clusters.sort_by_key(|cluster| {
        (
            grade(cluster.cells.first().map_or(0, |cell| cell.code)),
            std::cmp::Reverse(cluster.cells.len()),
        )
    });
    clusters
}

/// How early a failure is told: what breaks safety comes first.
const fn grade(code: u8) -> u8 {
    match code {
        20 => 0,
        23 => 1,
        22 => 2,
        21 => 3,
        30 => 4,
        25 => 5,
        _ => 6,
    }
}

/// The page. `cells` may come in any order.
#[must_use]
pub fn index_page(title: &str, cells: &[Cell]) -> String {
    let clusters = clusters(cells);
    let failed = cells.iter().filter(|cell| cell.code != 0).count();
    let mut body = String::new();
    let (tone, sign, word) = match failed {
        0 => ("good", "✓", "all held".to_owned()),
        1 => ("bad", "✗", "1 failed".to_owned()),
        failed => ("bad", "✗", format!("{} failed", grouped(failed))),
    };
    let scenarios = by_scenario(cells);
    let wall: u64 = cells.iter().map(|cell| cell.wall_ms).sum();
    let _ = write!(
        body,
        "<header class=\"run\"><h1><span class=\"verdict {tone}\"><b aria-hidden=\"true\">{sign}</b> \
         {word}</span> {}</h1><p class=\"sums\">{} runs of {} scenarios, {} kinds of failure, {} s of \
         processor time.</p></header>",
        Escaped(title),
        grouped(cells.len()),
        grouped(scenarios.len()),
        clusters.len(),
        wall / 1_000,
    );
    failures(&mut body, &clusters);
    heat(&mut body, &scenarios);
    reached(&mut body, cells);
    table(&mut body, &scenarios);
    Shell { title, styles: &STYLES, scripts: &SCRIPTS, body: &body }.page()
}

fn by_scenario(cells: &[Cell]) -> BTreeMap<&str, Vec<&Cell>> {
    let mut scenarios: BTreeMap<&str, Vec<&Cell>> = BTreeMap::new();
    for cell in cells {
        scenarios.entry(&cell.scenario).or_default().push(cell);
    }
    for cells in scenarios.values_mut() {
        cells.sort_by_key(|cell| cell.seed);
    }
    scenarios
}

fn failures(body: &mut String, clusters: &[Cluster<'_>]) {
    if clusters.is_empty() {
        return;
    }
    body.push_str("<section class=\"story failures\"><h2>What failed, each kind once</h2>");
    for cluster in clusters {
        let Some(first) = cluster.cells.first() else { continue };
        let mut scenarios: Vec<&str> =
            cluster.cells.iter().map(|cell| cell.scenario.as_str()).collect();
        scenarios.dedup();
        let seeds: Vec<String> = cluster
            .cells
            .iter()
            .take(SEEDS_LISTED_MAX)
            .map(|cell| {
                if scenarios.len() > 1 {
                    format!("{} {}", cell.scenario, cell.seed)
                } else {
                    cell.seed.to_string()
                }
            })
            .collect();
        let more = if cluster.cells.len() > SEEDS_LISTED_MAX { " …" } else { "" };
        let tone = if matches!(first.code, 24 | 25) { "warning" } else { "bad" };
        let runs = if cluster.cells.len() == 1 { "run" } else { "runs" };
        let _ = write!(
            body,
            "<article class=\"cluster\"><h3><span class=\"verdict {tone}\">{}</span> {} {runs} of {}</h3>\
             <p class=\"detail {tone}\">{}</p><p class=\"faint\">seeds {}{more}</p>\
             <p class=\"replay\"><span>replay</span> <code>{}</code> <button type=\"button\" \
             class=\"copy\">copy</button></p>\
             <p class=\"replay\"><span>picture</span> <code>cargo sim report {} --seed {} -o r.html</code> \
             <button type=\"button\" class=\"copy\">copy</button></p></article>",
            Escaped(cluster.verdict),
            grouped(cluster.cells.len()),
            Escaped(&scenarios.join(", ")),
            Escaped(&first.detail),
            Escaped(&seeds.join(", ")),
            Escaped(&first.replay),
            Escaped(&first.file),
            first.seed,
        );
    }
    body.push_str("</section>");
}

/// Runs of equal verdicts and following seeds as one: `[first seed, how many, code]`.
fn stretches(cells: &[&Cell]) -> Vec<(u64, u64, u8)> {
    let mut out: Vec<(u64, u64, u8)> = Vec::new();
    for cell in cells {
        match out.last_mut() {
            Some((first, count, code)) if *first + *count == cell.seed && *code == cell.code => {
                *count += 1;
            }
            _ => out.push((cell.seed, 1, cell.code)),
        }
    }
    out
}

fn heat(body: &mut String, scenarios: &BTreeMap<&str, Vec<&Cell>>) {
    let rows: Vec<_> = scenarios
        .iter()
        .map(|(name, cells)| {
            let file = cells.first().map_or("", |cell| cell.file.as_str());
            json!({ "name": name, "file": file, "runs": stretches(cells) })
        })
        .collect();
    let data = json!({ "rows": rows }).to_string().replace('<', "\\u003c");
    let _ = write!(
        body,
        "<section class=\"picture\"><h2>Scenarios and seeds</h2><p class=\"row\" id=\"legend\"></p>\
         <canvas class=\"heat\" tabindex=\"0\" role=\"img\" aria-label=\"heat map of scenarios and \
         seeds\"></canvas><p class=\"help\">A cell is as many seeds as fit; it has the colour of the \
         gravest verdict among them, paler if few of them failed. Point at it for numbers, click to keep \
         its replay line open.</p><script type=\"application/json\" id=\"data\">{data}</script></section>"
    );
}

/// Which situations the runs reached, those that none did first.
fn reached(body: &mut String, cells: &[Cell]) {
    let coverage = Coverage::of(cells.iter().map(|cell| &cell.marks));
    if coverage.is_empty() {
        return;
    }
    body.push_str(
        "<section class=\"story\"><h2>What was reached</h2><div class=\"scroll\"><table><thead><tr>\
         <th>situation</th><th>in runs</th><th>times</th></tr></thead><tbody>",
    );
    for mark in coverage.never() {
        let _ = write!(
            body,
            "<tr class=\"never\"><td>{}</td><td>never</td><td></td></tr>",
            Escaped(mark)
        );
    }
    for (mark, times) in coverage.reached() {
        let _ = write!(
            body,
            "<tr><td>{}</td><td>{} of {}</td><td>{}</td></tr>",
            Escaped(mark),
            times.runs,
            coverage.runs(),
            times.all,
        );
    }
    body.push_str("</tbody></table></div></section>");
}

fn table(body: &mut String, scenarios: &BTreeMap<&str, Vec<&Cell>>) {
    body.push_str(
        "<details class=\"last\"><summary>Counts</summary><div class=\"scroll\"><table><thead><tr>\
         <th>scenario</th><th>runs</th><th>verdicts</th><th>wall time per run</th></tr></thead><tbody>",
    );
    for (name, cells) in scenarios {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for cell in cells {
            *counts.entry(&cell.verdict).or_default() += 1;
        }
        let counts: Vec<String> = counts
            .iter()
            .map(|(verdict, count)| format!("{verdict} {}", grouped(*count)))
            .collect();
        let wall: u64 = cells.iter().map(|cell| cell.wall_ms).sum();
        let runs = u64::try_from(cells.len().max(1)).unwrap_or(u64::MAX);
        let _ = write!(
            body,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{} ms</td></tr>",
            Escaped(name),
            grouped(cells.len()),
            Escaped(&counts.join(", ")),
            wall / runs,
        );
    }
    body.push_str("</tbody></table></div></details>");
}
