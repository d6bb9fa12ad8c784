//! `merge`: results of several sweeps as one. Doing it again changes nothing.

use std::fs;

use super::{
    arguments::MergeOptions,
    console::{Console, Paint, Stop},
    graver,
    results::{self, Tally},
};

pub(super) fn merge(options: &MergeOptions, console: &mut Console<'_>) -> Result<u8, Stop> {
    let mut tally = Tally::default();
    for path in &options.files {
        for row in results::read(path)? {
            tally.add(row);
        }
    }
    if let Some(path) = &options.output {
        let text: String = tally.rows().map(results::line).collect();
        // Beside it first: the output may be one of the inputs.
        let draft = path.with_extension("merging");
        fs::write(&draft, text)
            .and_then(|()| fs::rename(&draft, path))
            .map_err(|error| Stop::file(format_args!("cannot write {}", path.display()), &error))?;
    }
    tally.show(console.out, Paint(console.paint))?;
    let wanted = options.require_marks.as_ref().map(|required| &required.0);
    let missing = tally.demand(wanted, console.out, Paint(console.paint))?;
    tally.write_pages(&options.pages)?;
    let builds = tally.rows().map(|row| &row.build).collect::<std::collections::BTreeSet<_>>();
    if builds.len() > 1 {
        writeln!(console.err, "note: these are results of {} different builds", builds.len())?;
    }
    Ok(graver(tally.code(), missing))
}
