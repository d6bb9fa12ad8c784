//! `quorate start`: one node, until it is told to stop or has to.
//!
//! Everything that can be refused is refused before a socket is opened: settings, permissions, the lock,
//! the genesis, keys and what they promised, the store. A panic anywhere ends the process, because a part
//! of a validator is worse than none.

mod assemble;
mod ends;
mod logs;

use std::time::Duration;

use tokio::{runtime::Runtime, sync::watch};
use tracing::{error, info};

use self::assemble::Parts;
pub(super) use self::ends::asked_to_stop;
use super::{Console, arguments::StartOptions, client::Addresses, config as config_command};
use crate::{
    api::{self, ApiServer},
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
    let runtime = runtime(&config)?;
    let outcome = Parts::load(&home, &config)
        .and_then(|parts| runtime.block_on(run(&home, &config, parts, panics)));
    // What still runs is given up: nothing that was acknowledged depends on it.
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

fn runtime(config: &Config) -> Result<Runtime, Failure> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all().thread_name("worker").on_thread_start(guard::forbid_on_this_thread);
    if let Ok(workers @ 1..) = usize::try_from(config.threads.workers.get()) {
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
) -> Result<(), Failure> {
    let mut running = node::start(parts.options).await?;
    let served = serve(home, config, &running).await;
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
    let stopping = async {
        api.shutdown().await;
        running.stop().await
    };
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
async fn serve(home: &Home, config: &Config, running: &Running) -> Result<ApiServer, Failure> {
    let handle = running.handle();
    let network = handle.network.local_addr();
    let api = api::serve(config.api.listen, config.metrics.listen, handle, api::Limits::default())
        .await?;
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
