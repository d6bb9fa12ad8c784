//! `quorate start`: one node, until it is told to stop or has to.
//!
//! Everything that can be refused is refused before a socket is opened: settings, permissions, the lock,
//! the genesis, keys and what they promised, the store. A panic anywhere ends the process, because a part
//! of a validator is worse than none.

mod assemble;
mod ends;
mod logs;

use std::time::Duration;

use tokio::{
    runtime::{Handle, Runtime},
    sync::watch,
};
use tracing::{error, info};

use self::assemble::Parts;
pub(super) use self::{assemble::unlisted, ends::asked_to_stop};
use super::{Console, arguments::StartOptions, client::Addresses, config as config_command};
use crate::{
    api::{self, ApiServer, Limits},
    config::{Config, LogFormat, Overrides},
    exit::{Exit, Failure},
    home::{self, Home, HomeLock},
    node::{self, Running},
    store::guard,
};

pub(super) fn start(
    options: &StartOptions,
    mut environment: Overrides,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    environment.flags = flags(options);
    let config = config_command::load(&options.home, environment)?.config;
    let home = Home::at(&options.home.home);
    home.check(&config)?;
    home.restore_directories()?;
    let lock = HomeLock::take(&home)?;
    logs::begin(&config)?;
    let panics = ends::notice_panics();
    if options.while_stdin {
        ends::stop_when_stdin_ends(config.shutdown.grace.get());
    }
    let runtime = threads("worker", config.threads.workers.get())?;
    // Clients' requests are answered on threads of their own: whatever one of them costs, the replica's task
    // is not behind it.
    let clients = threads("clients", CLIENT_WORKERS)?;
    let outcome = Parts::load(&home, &config)
        .and_then(|parts| runtime.block_on(run(&home, &config, parts, panics, clients.handle())));
    // What still runs is given up: nothing that was acknowledged depends on it.
    clients.shutdown_timeout(Duration::from_millis(500));
    runtime.shutdown_timeout(Duration::from_secs(1));
    drop(lock);
    match &outcome {
        Ok(()) => info!("stopped"),
        // As text it is the last line on standard error anyway.
        Err(failure) if config.log.format == LogFormat::Json => {
            error!(exit = failure.exit.code(), "{failure}");
        }
        Err(_) => {}
    }
    let _ = console.flush();
    outcome
}

/// Settings that have a flag of their own.
fn flags(options: &StartOptions) -> Vec<(&'static str, &'static str, String)> {
    let flag =
        |name, key, value: &Option<String>| value.as_ref().map(|value| (name, key, value.clone()));
    [
        flag("--listen", "network.listen", &options.listen),
        flag("--api-listen", "api.listen", &options.api_listen),
        flag("--metrics-listen", "metrics.listen", &options.metrics_listen),
        flag("--log", "log.filter", &options.log),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Threads that answer clients, beside those that only wait for the disk.
const CLIENT_WORKERS: u64 = 2;

/// A runtime whose threads have a name; as many as there are processors if zero.
fn threads(name: &str, workers: u64) -> Result<Runtime, Failure> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all().thread_name(name).on_thread_start(guard::forbid_on_this_thread);
    if let Ok(workers @ 1..) = usize::try_from(workers) {
        builder.worker_threads(workers);
    }
    builder.build().map_err(|error| {
        Failure::new(Exit::Restart, format!("the system gives no threads: {error}"))
    })
}

async fn run(
    home: &Home,
    config: &Config,
    parts: Parts,
    mut panics: watch::Receiver<bool>,
    clients: &Handle,
) -> Result<(), Failure> {
    let mut running = node::start(parts.options).await?;
    let served = serve(home, config, &running, clients).await;
    let api = match served {
        Ok(api) => api,
        Err(failure) => {
            running.stop().await?;
            return Err(failure);
        }
    };
    let ended = tokio::select! {
        signal = ends::asked_to_stop() => {
            info!("{signal}: stopping");
            Ok(())
        }
        failure = running.finished() => Err(failure),
        failure = ends::panicked(&mut panics) => Err(failure),
    };
    let grace = config.shutdown.grace.get();
    // A client that does not go away must not cost the node the time to say goodbye to its peers.
    let stopping = async { tokio::join!(api.shutdown(), running.stop()).1 };
    match (ended, tokio::time::timeout(grace, stopping).await) {
        (Err(failure), _) => Err(failure),
        (Ok(()), Ok(stopped)) => stopped,
        (Ok(()), Err(_)) => {
            // Everything acknowledged is on the disk, so what has not ended by now is not waited for.
            error!("not everything ended within {grace:?}");
            Ok(())
        }
    }
}

/// Opens the interfaces and says where everything is.
async fn serve(
    home: &Home,
    config: &Config,
    running: &Running,
    clients: &Handle,
) -> Result<ApiServer, Failure> {
    let handle = running.handle();
    let network = handle.network.local_addr();
    let serving = api::serve(config.api.listen, config.metrics.listen, handle, limits(config));
    let served = clients.spawn(serving).await;
    let api = served.map_err(|error| Failure::new(Exit::Restart, error.to_string()))??;
    let addresses = Addresses {
        network: network.to_string(),
        api: api.local_addr().to_string(),
        metrics: api.metrics_addr().to_string(),
    };
    let text = serde_json::to_vec_pretty(&addresses).expect("plain data becomes JSON");
    let path = home.addresses_file();
    let written = tokio::task::spawn_blocking(move || home::replace(&path, &text)).await;
    written.map_err(|error| Failure::new(Exit::Restart, error.to_string()))??;
    info!(
        network = addresses.network,
        api = format!("http://{}", addresses.api),
        metrics = format!("http://{}/metrics", addresses.metrics),
        "listening"
    );
    Ok(api)
}

/// What clients are granted.
fn limits(config: &Config) -> Limits {
    // All of them are far below what each type holds.
    let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let api = &config.api;
    Limits {
        connections_max: size(api.connections.get()),
        connections_per_ip: size(api.connections_per_address.get()),
        requests_per_ip: u32::try_from(api.requests_per_address.get()).unwrap_or(u32::MAX),
        streams_max: size(api.streams.get()),
        streams_per_ip: size(api.streams_per_address.get()),
        ..Limits::default()
    }
}
