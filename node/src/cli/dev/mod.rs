//! `quorate dev`: a whole network on this machine, in one command.
//!
//! Every node is a process of its own, the same program and the same `start` as in production. They end
//! with this one, however it ends: each watches a pipe that the operating system closes with us.

mod children;
mod events;

use std::{fs, net::SocketAddr, path::Path, pin::pin, process, time::Duration};

use self::children::Children;
use super::{
    Console,
    arguments::DevOptions,
    client::{Client, block_on},
    load::{self, Load},
    start::asked_to_stop,
    testnet::{Placed, Plan},
};
use crate::{
    config::Mode,
    exit::{Exit, Failure},
    home::failed,
    keys::KeySeed,
};

/// How long one stretch of load lasts; it is signed ahead, and then comes the next.
const LOAD_STRETCH: Duration = Duration::from_secs(10);

/// How often ports are chosen anew because somebody else took one meanwhile.
const ATTEMPTS: u32 = 3;

pub(super) fn dev(options: &DevOptions, console: &mut Console<'_>) -> Result<(), Failure> {
    let (root, is_kept) = match &options.keep {
        Some(root) => (root.clone(), true),
        None => (std::env::temp_dir().join(format!("quorate-dev-{}", process::id())), false),
    };
    let outcome = block_on(run(options, &root, console));
    if is_kept {
        console.note(format_args!("everything is kept in {}", root.display()));
    } else if let Err(error) = fs::remove_dir_all(&root)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        console.note(failed("remove", &root, &error));
    }
    outcome
}

async fn run(options: &DevOptions, root: &Path, console: &mut Console<'_>) -> Result<(), Failure> {
    let mut asked_to_stop = pin!(asked_to_stop());
    let mut children = tokio::select! {
        _ = &mut asked_to_stop => return Ok(()),
        children = begin(options, root, console) => children?,
    };
    let outcome = tokio::select! {
        _ = &mut asked_to_stop => Ok(()),
        outcome = watch(options, root, &mut children, console) => outcome,
    };
    children.stop().await;
    outcome
}

/// Starts all nodes, with other ports if somebody took one.
async fn begin(
    options: &DevOptions,
    root: &Path,
    console: &mut Console<'_>,
) -> Result<Children, Failure> {
    let mut attempt = 1;
    loop {
        let fresh = !root.join("genesis.json").exists();
        if fresh {
            plan(options, root)?.write()?;
        }
        console.note(format_args!("starting {} nodes", options.validators + options.full));
        match Children::start(root, &names(options)).await {
            Err(failure) if failure.exit == Exit::Busy && fresh && attempt < ATTEMPTS => {
                attempt += 1;
                fs::remove_dir_all(root).map_err(|error| failed("remove", root, &error))?;
            }
            started => return started,
        }
    }
}

fn names(options: &DevOptions) -> Vec<String> {
    let validators = (0..options.validators).map(|place| format!("n{place}"));
    validators.chain((0..options.full).map(|place| format!("f{place}"))).collect()
}

fn plan(options: &DevOptions, root: &Path) -> Result<Plan, Failure> {
    let names = names(options);
    let ports = children::free_ports(names.len())?;
    let placed = |(place, (name, network)): (usize, (String, SocketAddr))| {
        let is_validator = place < usize::from(options.validators);
        // A port that nobody has to know in advance is chosen by the node itself.
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        Placed {
            name,
            mode: if is_validator { Mode::Validator } else { Mode::Full },
            network,
            address: network.to_string(),
            api: any,
            metrics: any,
        }
    };
    Ok(Plan {
        root: root.to_path_buf(),
        chain_id: 1,
        accounts: 1_000,
        balance: 1_000_000_000_000,
        parameters: Vec::new(),
        nodes: names.into_iter().zip(ports).enumerate().map(placed).collect(),
    })
}

/// Shows what goes on until a node ends or nobody wants to see it any more.
async fn watch(
    options: &DevOptions,
    root: &Path,
    children: &mut Children,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    children.table(console)?;
    console.flush()?;
    let client = Client::at(&children.first_api())?;
    let key = KeySeed::read(&root.join("accounts.key"))?;
    let loading = loading(options.load, &key, &client);
    let showing = events::show(&client, options.blocks, console);
    tokio::select! {
        shown = showing => shown,
        ended = children.ended() => Err(ended),
        failed = loading => Err(failed),
    }
}

/// Sends load for as long as the network runs.
async fn loading(rate: u64, key: &KeySeed, client: &Client) -> Failure {
    if rate == 0 {
        return std::future::pending().await;
    }
    let load = Load {
        rate: Some(rate),
        time: LOAD_STRETCH,
        workers: 4,
        batch: 500,
        accounts: 1_000.min(rate.max(16)),
        fee: 1_000,
    };
    let (mut out, mut err) = (std::io::sink(), std::io::sink());
    loop {
        let mut silent = Console { out: &mut out, err: &mut err, paint: false, live: false };
        if let Err(failure) = load::run(&load, key, client, &mut silent).await {
            return failure;
        }
    }
}
