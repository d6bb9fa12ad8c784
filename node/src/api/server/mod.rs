//! A listener that serves HTTP/1.1 within limits.
//!
//! Every connection is counted, in all and for its address; headers have to come within a time, which needs
//! a timer that is really there; a client that takes nothing of what it is sent is cut off. Whoever is turned
//! away is told why before the connection is closed, as far as that costs nothing.

mod census;
mod stall;
mod turn_away;

use std::{io, net::SocketAddr, sync::Arc};

use axum::{Router, extract::ConnectInfo};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinHandle,
    time,
};
use tower::ServiceExt as _;

pub(crate) use self::census::{Census, Counted};
use self::{stall::Stall, turn_away::turn_away};
use super::{
    limits::{HEAD_BYTES_MAX, Limits},
    problem::Problem,
};
use crate::{
    exit::{Exit, Failure},
    metrics::{HttpMetrics, Refused},
};

/// A listener that serves until it is told to stop.
#[derive(Debug)]
pub(crate) struct Server {
    /// Where it listens.
    pub(crate) local_addr: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// Opens a port.
pub(crate) async fn bind(what: &str, listen: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(listen).await.map_err(|error| {
        let exit = match error.kind() {
            io::ErrorKind::AddrInUse => Exit::Busy,
            _ => Exit::Config,
        };
        let mend = "choose another address in the configuration, or stop what uses this one";
        Failure::new(exit, format!("cannot listen for {what} on {listen}: {error}; {mend}"))
    })
}

impl Server {
    /// Serves on an open port.
    pub(crate) fn start(
        listener: TcpListener,
        router: Router,
        limits: Arc<Limits>,
        metrics: HttpMetrics,
    ) -> io::Result<Self> {
        let local_addr = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(accept(listener, router, limits, metrics, stopped));
        Ok(Self { local_addr, stop, task })
    }

    /// Takes no more connections, lets requests under way end, and returns when all have.
    pub(crate) async fn shutdown(self) {
        self.stop.send_replace(true);
        // It ends by itself within the time for shutting down.
        let _ = self.task.await;
    }
}

async fn accept(
    listener: TcpListener,
    router: Router,
    limits: Arc<Limits>,
    metrics: HttpMetrics,
    mut stopped: watch::Receiver<bool>,
) {
    let census = Census::new(limits.connections_max, limits.connections_per_ip);
    // Few are turned away politely at a time; the others find the door closed.
    let doormen = Arc::new(Semaphore::new(16));
    let graceful = GracefulShutdown::new();
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(64)
        .half_close(false);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.changed() => break,
        };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            // A connection that was gone before it was taken, or no descriptors left: others end soon.
            Err(_) => {
                time::sleep(std::time::Duration::from_millis(10)).await;
                continue;
            }
        };
        match census.admit(from.ip()) {
            Ok(counted) => {
                let connection = Connection { router: &router, limits: &limits, from, counted };
                connection.spawn(stream, &builder, &graceful);
            }
            Err(problem) => {
                metrics.refused(Refused::Connections);
                if let Ok(permit) = Arc::clone(&doormen).try_acquire_owned() {
                    tokio::spawn(async move {
                        turn_away(stream, &problem).await;
                        drop(permit);
                    });
                }
            }
        }
    }
    drop(listener);
    // What has not ended by then is cut off with the runtime.
    let _ = time::timeout(limits.shutdown_timeout, graceful.shutdown()).await;
}

/// One accepted connection.
struct Connection<'a> {
    router: &'a Router,
    limits: &'a Limits,
    from: SocketAddr,
    counted: Counted,
}

impl Connection<'_> {
    fn spawn(
        self,
        stream: TcpStream,
        builder: &Builder<TokioExecutor>,
        graceful: &GracefulShutdown,
    ) {
        // Answers are small; a failure to say so changes nothing else.
        let _ = stream.set_nodelay(true);
        let io = TokioIo::new(Stall::new(stream, self.limits.write_timeout));
        let from = self.from;
        let service =
            self.router.clone().map_request(move |mut request: axum::http::Request<_>| {
                request.extensions_mut().insert(ConnectInfo(from));
                request
            });
        let connection = builder.serve_connection(io, TowerToHyperService::new(service));
        let watched = graceful.watch(connection.into_owned());
        let counted = self.counted;
        tokio::spawn(async move {
            // How a client goes away is its own affair.
            let _ = watched.await;
            drop(counted);
        });
    }
}

/// The problem of a full house.
fn full(detail: &str) -> Problem {
    Problem::busy(detail)
}
