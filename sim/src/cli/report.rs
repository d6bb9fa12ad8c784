//! `report`: a run as a picture, or two of them one above the other. `explain`: a height in words.

use std::{fs, path::Path};

use super::{
    Runner,
    arguments::{ExplainOptions, ReportOptions},
    console::{Console, Paint, Stop},
    histories,
};
use crate::{
    explain,
    history::History,
    report_html::{PackOptions, compare_page, run_page},
};

/// Writes the page. Exit 0 whatever the run came to: the picture is what was asked for.
pub(super) fn report(
    options: &ReportOptions,
    runner: Runner,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let one = histories::load(&options.path, options.seed, runner)?;
    let pack = PackOptions {
        crossings_max: options.messages_max,
        between: options.between.clone().map(|between| (between.start, between.end)),
    };
    let (page, what) = match &options.other {
        Some(path) => {
            // A second scenario may be the same one with another seed.
            let other = histories::load(path, options.other_seed.or(options.seed), runner)?;
            (compare_page(&one, &other, &pack), format!("{} and {}", name(&one), name(&other)))
        }
        None => (run_page(&one, &pack), name(&one)),
    };
    write(&options.output, &page)?;
    writeln!(
        console.out,
        "{what}: {} ({} KiB), open it in a browser",
        options.output.display(),
        page.len().div_ceil(1024)
    )?;
    Ok(0)
}

/// Prints why a height took its views.
pub(super) fn explain(
    options: &ExplainOptions,
    runner: Runner,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let history = histories::load(&options.path, options.seed, runner)?;
    let paint = Paint(console.paint);
    match options.height {
        Some(height) => {
            let lines = explain::explain(&history, height).ok_or_else(|| {
                let highest = history.heights.keys().next_back().copied().unwrap_or(0);
                Stop::Usage(format!(
                    "the run never came near height {height}: it ends at {highest}"
                ))
            })?;
            tell(&lines, console, paint)?;
        }
        None => {
            let troubles = explain::troubles(&history);
            for trouble in &troubles {
                let time = explain::clock(trouble.from);
                writeln!(console.out, "{time:>10}  {}", paint.warning(&trouble.short))?;
                writeln!(console.out, "            {}", trouble.recovery())?;
            }
            if troubles.is_empty() {
                writeln!(console.out, "{}: the chain never stood still", name(&history))?;
            } else {
                writeln!(console.out, "\n--height H tells more of the block that was waited for")?;
            }
        }
    }
    Ok(0)
}

fn tell(lines: &[String], console: &mut Console<'_>, paint: Paint) -> Result<(), Stop> {
    for (place, line) in lines.iter().enumerate() {
        if place == 0 {
            writeln!(console.out, "{}", paint.strong(line))?;
        } else {
            writeln!(console.out, "  {line}")?;
        }
    }
    Ok(())
}

/// Writes a page to a file.
pub(super) fn write(path: &Path, page: &str) -> Result<(), Stop> {
    fs::write(path, page)
        .map_err(|error| Stop::file(format_args!("cannot write {}", path.display()), &error))
}

fn name(history: &History) -> String {
    format!("{} seed {}", history.head.scenario, history.head.seed)
}
