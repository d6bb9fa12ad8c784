//! The node over HTTP: what it knows, as JSON; what happens, as server-sent events; a page to look at it.
//!
//! Two listeners: the public API with the page, and metrics with health for those who operate the node. All
//! answers come from published values, the store and the execution lane, within bounds: no client can hold
//! up the replica. Every error is a [`Problem`]. `docs/api.md` is the guide.

pub mod backend;
mod events;
mod extract;
mod handlers;
mod held;
pub mod json;
pub mod light;
mod limits;
mod live;
mod openapi;
mod problem;
mod rate;
mod reply;
mod router;
mod server;
mod state;

use std::{fmt, net::SocketAddr, sync::Arc};

use tokio::{
    sync::{OnceCell, Semaphore},
    task::JoinHandle,
};

use self::{
    backend::Backend,
    events::Hub,
    live::Live,
    rate::Rates,
    server::{Census, Server, bind},
    state::{Api, Counts, Shared},
};
pub use self::{
    limits::{BLOCKS_PAGE_MAX, HEAD_BYTES_MAX, Limits, TX_BYTES_MAX, TXS_BYTES_MAX, TXS_MAX},
    openapi::document,
    problem::Problem,
};
use crate::{
    exit::{Exit, Failure},
    metrics::Registry,
    node::NodeHandle,
};

/// The API while it runs.
pub struct ApiServer {
    public: Server,
    operations: Server,
    hub: Hub,
    tasks: [JoinHandle<()>; 2],
}

impl fmt::Debug for ApiServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiServer({}, metrics {})", self.local_addr(), self.metrics_addr())
    }
}

/// Serves a node.
///
/// # Errors
/// If a port cannot be opened.
pub async fn serve(
    listen: SocketAddr,
    metrics_listen: SocketAddr,
    handle: NodeHandle,
    limits: Limits,
) -> Result<ApiServer, Failure> {
    serve_backend(listen, metrics_listen, Arc::new(Live::new(handle)?), limits).await
}

/// Serves whatever answers like a node.
///
/// # Errors
/// If a port cannot be opened.
pub async fn serve_backend(
    listen: SocketAddr,
    metrics_listen: SocketAddr,
    backend: Arc<dyn Backend>,
    limits: Limits,
) -> Result<ApiServer, Failure> {
    let public = bind("the API", listen).await?;
    let operations = bind("metrics", metrics_listen).await?;
    let metrics_address = operations.local_addr().map_err(lost)?;
    let (api, tasks) = assemble(backend, metrics_address, limits);
    let (hub, http) = (api.hub.clone(), api.counted.http.clone());
    let limits = || Arc::clone(&api.limits);
    let public = Server::start(public, router::public(api.clone()), limits(), http.clone());
    let operations = Server::start(operations, router::operations(api.clone()), limits(), http);
    let (public, operations) = (public.map_err(lost)?, operations.map_err(lost)?);
    Ok(ApiServer { public, operations, hub, tasks })
}

/// What handlers share, and the tasks that keep it up to date.
fn assemble(
    backend: Arc<dyn Backend>,
    metrics_address: SocketAddr,
    limits: Limits,
) -> (Api, [JoinHandle<()>; 2]) {
    // Listening begins before the height is read, so that nothing falls in between.
    let events = backend.subscribe();
    let hub = Hub::new(backend.now().finalized_height);
    let tasks = [
        tokio::spawn(hub.clone().run(events)),
        tokio::spawn(hub.clone().watch_pulse(Arc::clone(&backend))),
    ];
    let counted = Counts::default();
    let api = Api(Arc::new(Shared {
        registry: Registry::new(backend.metrics(), &counted.http),
        counted,
        backend,
        hub,
        bodies: Arc::new(Semaphore::new(limits.bodies_max)),
        genesis: OnceCell::new(),
        waits: Semaphore::new(limits.waits_max),
        streams: Census::new(limits.streams_max, limits.streams_per_ip),
        rates: Rates::new(limits.requests_per_ip),
        metrics_address,
        limits: Arc::new(limits),
    }));
    (api, tasks)
}

fn lost(error: std::io::Error) -> Failure {
    Failure::new(Exit::Restart, format!("a listener was lost: {error}"))
}

impl ApiServer {
    /// Where the API is.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.public.local_addr
    }

    /// Where metrics and health are.
    #[must_use]
    pub fn metrics_addr(&self) -> SocketAddr {
        self.operations.local_addr
    }

    /// Takes no more connections, ends event streams and requests that wait, lets the others end, and returns.
    pub async fn shutdown(self) {
        self.hub.close();
        tokio::join!(self.public.shutdown(), self.operations.shutdown());
        for task in self.tasks {
            // It ends when the hub is closed; a panic in it was reported where it happened.
            let _ = task.await;
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
