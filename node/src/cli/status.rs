//! `quorate status` and `quorate peers`: how a running node is doing.

use std::time::Duration;

use super::{
    Console,
    arguments::{PeersListOptions, StatusOptions},
    client::{Client, block_on},
};
use crate::{
    api::json::{HeightJson, ModeJson, NodeJson, PeersJson, StatusJson},
    exit::{Exit, Failure},
};

/// Time between two looks of `--watch`.
const INTERVAL: Duration = Duration::from_secs(1);

pub(super) fn status(options: &StatusOptions, console: &mut Console<'_>) -> Result<(), Failure> {
    let client = Client::of(&options.api)?;
    block_on(async {
        if !options.watch {
            return show(&client, options, console).await;
        }
        loop {
            if !options.json && console.paint {
                // Home, and clear what is below: a screen that changes instead of one that scrolls.
                console.text(format_args!("\x1b[H\x1b[2J"))?;
            }
            match show(&client, options, console).await {
                // A node that is being restarted comes back.
                Err(failure) if failure.exit == Exit::Unreachable => console.line(failure)?,
                shown => shown?,
            }
            console.flush()?;
            tokio::select! {
                _ = tokio::signal::ctrl_c() => return Ok(()),
                () = tokio::time::sleep(INTERVAL) => {}
            }
        }
    })
}

async fn show(
    client: &Client,
    options: &StatusOptions,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let status: StatusJson = client.get("/v1/status").await?;
    if options.json {
        let text = serde_json::to_string(&status).expect("plain data becomes JSON");
        return console.line(text);
    }
    let node: NodeJson = client.get("/v1/node").await?;
    let role = match (node.mode, node.validator) {
        (ModeJson::Validator, Some(validator)) => format!("validator n{validator}"),
        (ModeJson::Validator, None) => "validator".to_owned(),
        (ModeJson::Full, _) => "full node".to_owned(),
    };
    let quorum = &status.quorum;
    let margin = quorum.online.0.checked_sub(quorum.needed.0);
    let quorum_text =
        format!("{} of {} online, {} needed", quorum.online.0, quorum.total.0, quorum.needed.0);
    let quorum_text = match margin {
        Some(0) => console.bad(format_args!("{quorum_text}: one more failure stops the chain")),
        Some(_) => console.good(quorum_text),
        None => console.bad(format_args!("{quorum_text}: the chain stands still")),
    };
    console.line(format_args!(
        "node        {role}, version {}, {}",
        node.version,
        client.base()
    ))?;
    console.line(format_args!("chain       {}, genesis {}", status.chain_id, status.genesis))?;
    console.line(format_args!(
        "finalized   {}  {}",
        console.strong(status.finalized_height),
        status.finalized_block
    ))?;
    console.line(format_args!("executed    {}  {}", status.executed_height, status.state_root))?;
    console.line(format_args!("checkpoint  {}", status.checkpoint_height))?;
    console.line(format_args!("view        {}", status.view))?;
    console.line(format_args!("weight      {quorum_text}"))?;
    console.line(format_args!("peers       {}", status.peers))?;
    if let Some(why) = &status.halted {
        console.line(format_args!("halted      {}", console.bad(why)))?;
    }
    recent(&status.recent, console)
}

/// The last heights, the newest first.
fn recent(heights: &[HeightJson], console: &mut Console<'_>) -> Result<(), Failure> {
    if heights.is_empty() {
        return Ok(());
    }
    console.line("\n  height   view  views  leader     txs  final after")?;
    for height in heights.iter().rev().take(8) {
        let after =
            height.finalized_after_ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms} ms"));
        let line = format!(
            "{:>8} {:>6} {:>6} {:>7} {:>7}  {:>11}",
            height.height,
            height.view,
            height.views_used,
            height.leader,
            height.transactions,
            after
        );
        let line = if height.views_used > 1 { console.bad(line) } else { line };
        console.line(line)?;
    }
    Ok(())
}

pub(super) fn list(options: &PeersListOptions, console: &mut Console<'_>) -> Result<(), Failure> {
    let client = Client::of(&options.api)?;
    let peers: PeersJson = block_on(client.get("/v1/peers"))?;
    if options.json {
        let text = serde_json::to_string(&peers).expect("plain data becomes JSON");
        return console.line(text);
    }
    console.line(
        "peer             validator  address                  way  round trip   height  score",
    )?;
    for peer in &peers.peers {
        let short: String = peer.peer.to_string().chars().take(16).collect();
        let validator = peer.validator.map_or_else(|| "-".to_owned(), |index| index.to_string());
        let way = if peer.inbound { "in" } else { "out" };
        let trip = peer.round_trip_us.map_or_else(|| "-".to_owned(), |us| format!("{us} us"));
        console.line(format_args!(
            "{short} {validator:>9}  {:<24} {way:<4} {trip:>10} {:>8} {:>6}",
            peer.address, peer.height, peer.score
        ))?;
    }
    for peer in &peers.absent {
        let short: String = peer.peer.to_string().chars().take(16).collect();
        let validator = peer.validator.map_or_else(|| "-".to_owned(), |index| index.to_string());
        let address = peer.address.as_deref().unwrap_or("-");
        let why = match (peer.banned_s, &peer.last_end) {
            (Some(seconds), _) => format!("banned for {seconds} s more"),
            (None, Some(end)) => end.clone(),
            (None, None) => "not connected yet".to_owned(),
        };
        let line = format!("{short} {validator:>9}  {address:<24} {}", console.bad(why));
        console.line(line)?;
    }
    Ok(())
}
