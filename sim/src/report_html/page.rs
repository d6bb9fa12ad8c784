//! The page of a run, and of two runs one above the other.

use std::fmt::Write as _;

use super::{
    escape::Escaped,
    pack::{PackOptions, Packed, pack},
    shell::Shell,
    story::{Telling, grouped, short_story, story, summary},
};
use crate::{
    explain::clock,
    history::{History, Tail},
};

const STYLE: &str = include_str!("assets/report.css");
const SCRIPTS: [&str; 6] = [
    include_str!("assets/data.js"),
    include_str!("assets/scene.js"),
    include_str!("assets/draw.js"),
    include_str!("assets/hover.js"),
    include_str!("assets/overview.js"),
    include_str!("assets/report.js"),
];

/// Lines of a story that are shown at once: the picture below should still be on the first screen.
const STORY_SHOWN: usize = 7;

/// How many of them are faults, whatever else happened.
const FAULTS_SHOWN: usize = 3;

/// Observations shown at once before a failure.
const LAST_SHOWN: usize = 25;

/// The page of one run.
#[must_use]
pub fn run_page(history: &History, options: &PackOptions) -> String {
    let title = format!("{} seed {}", history.head.scenario, history.head.seed);
    page(&title, &[history], options, "")
}

/// Two runs one above the other, on one time axis.
#[must_use]
pub fn compare_page(one: &History, other: &History, options: &PackOptions) -> String {
    let name = |history: &History| format!("{} seed {}", history.head.scenario, history.head.seed);
    let title = format!("{} and {}", name(one), name(other));
    let note = match first_difference(one, other) {
        Some(at) => format!(
            "<p class=\"parting\" data-parting=\"{}\">The two runs part at <button type=\"button\" \
             class=\"jump\" data-from=\"{}\" data-to=\"{}\">{}</button>: up to there they sent the same \
             messages at the same times.</p>",
            at / 1_000,
            at.saturating_sub(300_000_000) / 1_000,
            at.saturating_add(300_000_000) / 1_000,
            clock(at),
        ),
        None => {
            "<p class=\"parting\">The two runs sent the same messages at the same times, to the \
                 end.</p>"
                .to_owned()
        }
    };
    page(&title, &[one, other], options, &note)
}

/// When two runs first differ in what they send or in what becomes of it.
fn first_difference(one: &History, other: &History) -> Option<u64> {
    let fates = |history: &History| -> Vec<(u64, u64, u8)> {
        history
            .crossings
            .iter()
            .map(|crossing| (crossing.sent, crossing.ended, crossing.fate.code()))
            .collect()
    };
    let sent = one
        .letters
        .iter()
        .zip(&other.letters)
        .find(|(a, b)| (a.at, a.from, &a.words) != (b.at, b.from, &b.words));
    let (ours, theirs) = (fates(one), fates(other));
    let moved = ours.iter().zip(&theirs).find(|(a, b)| a != b);
    let rest = (one.letters.len() != other.letters.len()).then(|| {
        let shorter = one.letters.len().min(other.letters.len());
        one.letters.get(shorter).or(other.letters.get(shorter)).map_or(0, |letter| letter.at)
    });
    let ended = |(a, b): (&(u64, u64, u8), &(u64, u64, u8))| {
        if a.0 == b.0 { a.1.min(b.1) } else { a.0.min(b.0) }
    };
    [sent.map(|(a, b)| a.at.min(b.at)), moved.map(ended), rest].into_iter().flatten().min()
}

fn page(title: &str, runs: &[&History], options: &PackOptions, note: &str) -> String {
    let mut body = String::new();
    for (number, history) in runs.iter().enumerate() {
        header(&mut body, history);
        if runs.len() == 1 {
            story_list(&mut body, history);
        } else {
            let _ = write!(
                body,
                "<details class=\"told\"><summary>What happened in run {}</summary>",
                letter(number)
            );
            story_list(&mut body, history);
            body.push_str("</details>");
        }
    }
    body.push_str(note);
    body.push_str(TOOLS);
    for (number, history) in runs.iter().enumerate() {
        let packed = pack(history, options);
        picture(&mut body, number, runs.len(), history, &packed);
    }
    body.push_str(LEGEND);
    for (number, history) in runs.iter().enumerate() {
        last(&mut body, number, runs.len(), history);
    }
    Shell { title, styles: &[STYLE], scripts: &SCRIPTS, body: &body }.page()
}

const fn letter(number: usize) -> &'static str {
    if number == 0 { "A" } else { "B" }
}

fn header(body: &mut String, history: &History) {
    let (tone, sign, word) = match &history.tail {
        Some(tail) if tail.code == 0 => ("good", "✓", tail.word.as_str()),
        Some(tail) if tail.code == 24 || tail.code == 25 => ("warning", "!", tail.word.as_str()),
        Some(tail) => ("bad", "✗", tail.word.as_str()),
        None => ("warning", "?", "the trace breaks off"),
    };
    let head = &history.head;
    let _ = write!(
        body,
        "<header class=\"run\"><h1><span class=\"verdict {tone}\"><b aria-hidden=\"true\">{sign}</b> \
         {}</span> {} <span class=\"seed\">seed {}</span></h1>",
        Escaped(word),
        Escaped(&head.scenario),
        head.seed,
    );
    let detail = history.tail.as_ref().map_or("", |tail: &Tail| tail.detail.as_str());
    if !detail.is_empty() {
        let _ = write!(body, "<p class=\"detail {tone}\">{}</p>", Escaped(detail));
    }
    if !head.about.is_empty() {
        let _ = write!(body, "<p class=\"about\">{}</p>", Escaped(&head.about));
    }
    let _ = write!(body, "<p class=\"sums\">{}.</p>", Escaped(&summary(history)));
    if !head.replay.is_empty() {
        let _ = write!(
            body,
            "<p class=\"replay\"><span>replay</span> <code>{}</code> <button type=\"button\" \
             class=\"copy\">copy</button></p>",
            Escaped(&head.replay)
        );
    }
    body.push_str("</header>");
}

fn story_list(body: &mut String, history: &History) {
    let (lines, mut shown) = (story(history), short_story(history));
    body.push_str("<section class=\"story\"><h2>What happened</h2><ol>");
    // Of a long story the first faults and the worst are told, in order of time.
    if shown.len() > STORY_SHOWN {
        let mut faults = 0;
        shown.sort_by_cached_key(|line| {
            let rank = match line.tone {
                "fault" => {
                    faults += 1;
                    if faults > FAULTS_SHOWN { 2 } else { 0 }
                }
                "bad" => 1,
                _ => 3,
            };
            (rank, std::cmp::Reverse(line.to - line.from))
        });
        shown.truncate(STORY_SHOWN);
        shown.sort_by_key(|line| line.from);
    }
    for line in &shown {
        item(body, line, history);
    }
    if shown.is_empty() {
        body.push_str(
            "<li class=\"plain\"><span>nothing went wrong: block after block</span></li>",
        );
    }
    body.push_str("</ol>");
    if shown.len() < lines.len() {
        let _ = write!(
            body,
            "<details><summary>all {} things that happened</summary><ol>",
            grouped(lines.len())
        );
        for line in &lines {
            item(body, line, history);
        }
        body.push_str("</ol></details>");
    }
    body.push_str("</section>");
}

fn item(body: &mut String, line: &Telling, history: &History) {
    let margin = ((line.to - line.from) / 3).clamp(250_000_000, 2_000_000_000);
    let _ = write!(
        body,
        "<li class=\"{}\"><button type=\"button\" class=\"jump\" data-from=\"{}\" data-to=\"{}\">{}\
         </button> <span>{}</span></li>",
        line.tone,
        line.from.saturating_sub(margin) / 1_000,
        line.to.saturating_add(margin).min(history.end) / 1_000,
        clock(line.from),
        Escaped(&line.words),
    );
}

/// What acts on all pictures of the page. The script fills it in.
const TOOLS: &str = "<section class=\"tools\" id=\"tools\">\
    <div class=\"row\" id=\"moves\"></div>\
    <div class=\"row\" id=\"kinds\"><span class=\"label\">messages</span></div>\
    <div class=\"row\" id=\"nodes\"><span class=\"label\">validators</span></div></section>";

/// What the signs mean and how to move about, below the pictures.
const LEGEND: &str = "<section class=\"signs\"><div class=\"row legend\" id=\"legend\"></div>\
    <p class=\"help\">Drag the picture to move, drag in the overview to choose a \
    stretch; wheel with Ctrl or Shift to zoom, or + and −; ← and → move, 0 shows everything, n and p go \
    to the next and the previous standstill. Point at anything to see what it is; click to keep that \
    open.</p></section>";

fn picture(body: &mut String, number: usize, count: usize, history: &History, packed: &Packed) {
    let label = if count > 1 { format!("Run {}: ", letter(number)) } else { String::new() };
    let _ = write!(
        body,
        "<section class=\"picture\" data-run=\"{number}\"><h2>{label}{} seed {}</h2>\
         <canvas class=\"overview\" role=\"img\" aria-label=\"the whole run in small\"></canvas>\
         <canvas class=\"main\" tabindex=\"0\" role=\"img\" aria-label=\"space-time diagram: a lane per \
         validator, messages between them, faults behind them\"></canvas>\
         <p class=\"count\"></p>\
         <noscript><p>The picture needs JavaScript; the story above does not.</p></noscript>\
         <script type=\"application/octet-stream\" class=\"packed\">{}</script></section>",
        Escaped(&history.head.scenario),
        history.head.seed,
        packed.base64,
    );
}

/// The last observations, open if something is wrong.
fn last(body: &mut String, number: usize, count: usize, history: &History) {
    if history.last.is_empty() {
        return;
    }
    let bad = history.tail.as_ref().is_none_or(|tail| tail.broken_at.is_some() || tail.code != 0);
    let (open, what) = if bad {
        (" open", "The last things before it was found")
    } else {
        ("", "The last things that happened")
    };
    let run = if count > 1 { format!(" in run {}", letter(number)) } else { String::new() };
    let _ = write!(
        body,
        "<details class=\"last\"{open}><summary>{what}{run}</summary><div class=\"scroll\"><table>\
         <thead><tr><th>time</th><th>node</th><th>what</th></tr></thead><tbody>"
    );
    let skip = if bad { history.last.len().saturating_sub(LAST_SHOWN) } else { 0 };
    for line in &history.last[skip..] {
        let _ = write!(
            body,
            "<tr><td>{}.{:06} s</td><td>{}</td><td>{}</td></tr>",
            line.at / 1_000_000_000,
            line.at / 1_000 % 1_000_000,
            Escaped(&line.node),
            Escaped(&line.text),
        );
    }
    body.push_str("</tbody></table></div></details>");
}
