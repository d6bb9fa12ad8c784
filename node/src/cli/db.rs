//! `quorate db`: looks at a stopped node's database, and mends by policy. Takes the same lock as a node.

use std::{
    fs::OpenOptions,
    io::{BufWriter, Write as _},
    os::unix::fs::OpenOptionsExt as _,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use quorate_core::{config::Genesis, types::Height};

use super::{
    Console,
    arguments::{
        CheckpointOptions, DbCommand, ExportOptions, HomeOptions, PruneOptions, RollbackOptions,
    },
    config as config_command,
    node_home::store_options,
};
use crate::{
    config::{Overrides, bytes},
    exit::{Exit, Failure},
    genesis,
    home::{Home, HomeLock, failed},
    store::{ExportError, Store},
};

pub(super) fn db(
    command: &DbCommand,
    environment: Overrides,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let home = match command {
        DbCommand::Verify(home) | DbCommand::Stats(home) => home,
        DbCommand::Prune(options) => &options.home,
        DbCommand::Rollback(options) => &options.home,
        DbCommand::Export(options) => &options.home,
        DbCommand::Checkpoint(options) => &options.home,
    };
    let opened = Opened::of(home, environment)?;
    match command {
        DbCommand::Verify(_) => verify(&opened, console),
        DbCommand::Stats(_) => stats(&opened, console),
        DbCommand::Prune(options) => prune(&opened, options, console),
        DbCommand::Rollback(options) => rollback(&opened, options, console),
        DbCommand::Export(options) => export(&opened, options, console),
        DbCommand::Checkpoint(options) => checkpoint(&opened, options, console),
    }
}

/// A database that nobody else uses.
struct Opened {
    store: Store,
    genesis: Genesis,
    _lock: HomeLock,
}

impl Opened {
    fn of(options: &HomeOptions, environment: Overrides) -> Result<Self, Failure> {
        let config = config_command::load(options, environment)?.config;
        let home = Home::at(&options.home);
        home.check(&config)?;
        let lock = HomeLock::take(&home)?;
        let genesis = genesis::load(&home.resolve(&config.genesis.file), config.genesis.hash.0)?;
        if !home.data().exists() {
            let what = format!(
                "there is no database in {}: the node never started",
                home.root().display()
            );
            return Err(Failure::new(Exit::Storage, what));
        }
        let store = Store::open(&home.data(), &genesis, &store_options(&config))?;
        Ok(Self { store, genesis, _lock: lock })
    }
}

fn verify(opened: &Opened, console: &mut Console<'_>) -> Result<(), Failure> {
    let bar = console.live.then(|| {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} heights, {eta} left");
        bar.set_style(style.expect("the template is sound"));
        bar
    });
    let seen = opened.store.verify(&mut |done, total| {
        if let Some(bar) = &bar {
            bar.set_length(total);
            bar.set_position(done);
        }
    });
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    console.line(format_args!("blocks        {}", seen.blocks))?;
    console.line(format_args!("transactions  {}", seen.transactions))?;
    console.line(format_args!("cells         {}", seen.cells))?;
    if seen.findings.is_empty() {
        return console
            .line(format_args!("verdict       {}", console.good("everything is as it must be")));
    }
    for finding in &seen.findings {
        console.line(format_args!("{}  {}", console.bad(&finding.at), finding.what))?;
    }
    let what = format!(
        "{} things are not as they must be; keep a copy of the database, then see `quorate recover --help`",
        seen.findings.len()
    );
    Err(Failure::new(Exit::Storage, what))
}

fn stats(opened: &Opened, console: &mut Console<'_>) -> Result<(), Failure> {
    let stats = opened.store.stats()?;
    let lowest = stats.lowest.map_or_else(|| "none".to_owned(), |lowest| lowest.to_string());
    console.line(format_args!("finalized  {} (from {lowest})", stats.head))?;
    console.line(format_args!("executed   {}", stats.executed))?;
    console.line(format_args!("on disk    {}", size(stats.disk_bytes())))?;
    console.line(format_args!("log        {}", size(stats.wal_bytes)))?;
    console.line("\ncolumn              keys, about        files       memory    pending")?;
    for column in &stats.columns {
        console.line(format_args!(
            "{:<18} {:>12} {:>12} {:>12} {:>10}",
            format!("{:?}", column.column).to_lowercase(),
            column.keys_estimate,
            size(column.file_bytes),
            size(column.memory_bytes),
            size(column.compaction_pending_bytes)
        ))?;
    }
    Ok(())
}

/// A size that people compare: whole units, rounded down.
fn size(exact: u64) -> String {
    let unit = [1 << 30, 1 << 20, 1 << 10].into_iter().find(|unit| exact >= 10 * unit);
    unit.map_or_else(|| bytes(exact), |unit| bytes(exact / unit * unit))
}

fn prune(
    opened: &Opened,
    options: &PruneOptions,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let pruned = match options.below {
        Some(height) => opened.store.prune_below(Height::new(height))?,
        None => opened.store.prune()?,
    };
    let lowest = pruned.lowest.map_or_else(|| "none".to_owned(), |lowest| lowest.to_string());
    console.line(format_args!("forgot {} heights; the lowest kept is {lowest}", pruned.heights))
}

fn rollback(
    opened: &Opened,
    options: &RollbackOptions,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let to = Height::new(options.to);
    opened.store.rollback(to)?;
    console.line(format_args!(
        "the state is that after height {to}; executing what is final above it"
    ))?;
    let recovery = opened.store.recover(&opened.genesis)?;
    console.line(format_args!(
        "executed {} heights again, with the same results",
        recovery.executed_again
    ))
}

fn checkpoint(
    opened: &Opened,
    options: &CheckpointOptions,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    opened.store.checkpoint_to(&options.to)?;
    console.line(format_args!(
        "copied the database, finalized up to height {}, to {}",
        opened.store.head(),
        options.to.display()
    ))
}

fn export(
    opened: &Opened,
    options: &ExportOptions,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let (from, to) = options.heights.bounds(opened.store.head());
    let failure = |error: ExportError| match error {
        ExportError::Store(error) => error.into(),
        ExportError::Write(error) => Failure::new(Exit::Disk, error.to_string()),
    };
    let Some(path) = &options.out else {
        opened.store.export(from, to, console.out).map_err(failure)?;
        return Ok(());
    };
    let opened_file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(path);
    let file = opened_file.map_err(|error| failed("create", path, &error))?;
    let mut out = BufWriter::new(file);
    let count = opened.store.export(from, to, &mut out).map_err(failure)?;
    out.flush().map_err(|error| failed("write", path, &error))?;
    console.line(format_args!("wrote {count} blocks to {}", path.display()))
}
