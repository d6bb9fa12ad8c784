//! `quorate load`: sends transfers at a rate and says how long they took.
//!
//! An open loop: each transfer has the moment at which it is due, and its latency counts from then, not
//! from when there was time to send it; a node that falls behind cannot hide it. As much as fits is signed
//! before the clock starts. Each worker owns its accounts, so that their nonces stay in order.

mod account;
mod measure;
mod worker;

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use quorate_core::types::{ChainId, Height};
use serde_json::Value;

use self::{
    account::{Accounts, Signing},
    measure::{Measured, Report},
    worker::{FINAL_PATIENCE, Worker},
};
use super::{
    Console,
    arguments::LoadOptions,
    client::{Client, block_on},
    tx,
};
use crate::{
    api::json::StatusJson,
    config::duration,
    exit::{Exit, Failure},
    home,
    keys::KeySeed,
};

/// Heights for which a transfer counts: more than any run sees.
const VALID_FOR: u64 = 1_000_000_000;

/// Transfers that are signed ahead when there is no rate to say how many there will be.
const AHEAD_PER_SECOND: u64 = 16_000;

/// And at the most, because they are kept in memory. What comes after is signed when it is sent.
const AHEAD_MAX: u64 = 1_000_000;

/// What a run of load is.
#[derive(Clone, Debug)]
pub(super) struct Load {
    /// Transfers a second; `None` for as fast as it goes.
    pub(super) rate: Option<u64>,
    /// For how long.
    pub(super) time: Duration,
    /// Requests under way at a time.
    pub(super) workers: u64,
    /// Transfers in one request at the most.
    pub(super) batch: u64,
    /// Accounts that send.
    pub(super) accounts: u64,
    /// What each transfer pays.
    pub(super) fee: u64,
}

pub(super) fn load(options: &LoadOptions, console: &mut Console<'_>) -> Result<(), Failure> {
    let time = duration(&options.time).filter(|time| *time >= Duration::from_secs(1));
    let time = time.ok_or_else(|| {
        let what = format!("`{}` is no time to run for: expected one from `1s`", options.time);
        Failure::new(Exit::Usage, what)
    })?;
    let load = Load {
        rate: (options.rate > 0).then_some(options.rate),
        time,
        workers: options.workers,
        batch: options.batch,
        accounts: options.accounts,
        fee: options.fee,
    };
    if load.accounts < load.workers {
        let what =
            "every worker needs an account of its own: use more --accounts or fewer --workers";
        return Err(Failure::new(Exit::Usage, what));
    }
    let key = KeySeed::read(&options.key)?;
    let client = Client::of(&options.api)?;
    let report = block_on(run(&load, &key, &client, console))?;
    match &options.report {
        None => {}
        Some(path) => write(path, &report.json(&load))?,
    }
    match options.json {
        true => console.line(report.json(&load)),
        false => console.text(format_args!("{report}")),
    }
}

fn write(path: &Path, json: &Value) -> Result<(), Failure> {
    let text = format!("{json:#}\n");
    std::fs::write(path, text).map_err(|error| home::failed("write", path, &error))
}

/// Signs, sends, and waits for what was admitted.
pub(super) async fn run(
    load: &Load,
    key: &KeySeed,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Report, Failure> {
    let status: StatusJson = client.get("/v1/status").await?;
    let per_second = load.rate.unwrap_or(AHEAD_PER_SECOND);
    let signing = Signing {
        chain: ChainId::new(status.chain_id),
        fee: load.fee,
        valid_until: Height::new(status.finalized_height).plus(VALID_FOR),
        ahead: per_second.saturating_mul(load.time.as_secs()).min(AHEAD_MAX),
    };
    console.note(format_args!("signing {} transfers of {} accounts", signing.ahead, load.accounts));
    let mut parts = Vec::new();
    for worker in 0..load.workers {
        parts.push(Accounts::sign(&signing, load, key, worker, client).await?);
    }
    let before: u64 = parts.iter().map(Accounts::executed).sum();

    let measured = Arc::new(Mutex::new(Measured::new()));
    let begun = Instant::now();
    let workers: Vec<_> = parts
        .into_iter()
        .map(|accounts| {
            let worker = Worker {
                client: client.clone(),
                accounts,
                begun,
                last: None,
                load: load.clone(),
                measured: Arc::clone(&measured),
            };
            tokio::spawn(worker.run())
        })
        .collect();
    let progress = tokio::spawn(show(Arc::clone(&measured), load.clone(), begun, console.live));
    let mut sent = Vec::new();
    for worker in workers {
        let done = worker.await.map_err(|error| {
            Failure::new(Exit::Restart, format!("a worker of the load failed: {error}"))
        })?;
        sent.push(done?);
    }
    let elapsed = begun.elapsed();
    progress.abort();
    console.note("waiting until what was admitted is executed");
    for done in &sent {
        if let Some(last) = done.last {
            // Whatever does not come is missing in the count.
            let _ = tx::wait(client, last, FINAL_PATIENCE).await;
        }
    }
    let settled = begun.elapsed();
    let mut parts: Vec<Accounts> = sent.into_iter().map(|done| done.accounts).collect();
    let after = settle(&mut parts, client).await?;
    let measured = measured.lock().expect("no worker panicked").clone();
    Ok(Report { measured, elapsed, settled, executed: after.saturating_sub(before) })
}

/// How often nothing new may be executed before that counts as the end.
const QUIET_MAX: u32 = 20;

/// Waits until everything admitted is executed, or nothing moves any more.
async fn settle(parts: &mut [Accounts], client: &Client) -> Result<u64, Failure> {
    let mut quiet = 0;
    let mut before = None;
    loop {
        let mut executed = 0;
        for part in &mut *parts {
            executed += part.look(client).await?;
        }
        let admitted: u64 = parts.iter().map(Accounts::admitted).sum();
        quiet = if before == Some(executed) { quiet + 1 } else { 0 };
        before = Some(executed);
        if executed >= admitted || quiet >= QUIET_MAX {
            return Ok(executed);
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// A bar on a terminal, and nothing elsewhere.
async fn show(measured: Arc<Mutex<Measured>>, load: Load, begun: Instant, live: bool) {
    if !live {
        return;
    }
    let total = load.time.as_secs();
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} s, {msg}");
    bar.set_style(style.expect("the template is sound"));
    loop {
        tokio::time::sleep(Duration::from_millis(250)).await;
        bar.set_position(begun.elapsed().as_secs().min(total));
        let line = measured.lock().map(|measured| measured.line()).unwrap_or_default();
        bar.set_message(line);
        if begun.elapsed() > load.time {
            bar.finish_and_clear();
            return;
        }
    }
}
