//! Those to call: one task per node in the list, which keeps a connection to it for as long as the network runs.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use quorate_core::types::PeerId;
use tokio::time::timeout;

use super::{
    Shared,
    connection::{self, Admitted, Stream},
    counters::count,
    end::End,
    random::Backoff,
};

/// A connection that lasted this long was a good one: the next try comes soon.
const GOOD: Duration = Duration::from_secs(10);

/// Keeps a connection to one node, whoever dials, until the network stops.
pub(crate) async fn keep(shared: Arc<Shared>, peer: PeerId) {
    let mut backoff = Backoff::new(shared.limits.dial_min, shared.limits.dial_max);
    loop {
        let called = tokio::select! {
            () = shared.stopped() => return,
            called = next_call(&shared, peer, &mut backoff) => called,
        };
        let Some((stream, admitted)) = called else { continue };
        let start = Instant::now();
        // Ends by itself when the network stops, with a farewell.
        connection::run(stream, admitted).await;
        if start.elapsed() >= GOOD {
            backoff.reset();
        }
    }
}

/// Waits until a call makes sense, and makes it.
async fn next_call(
    shared: &Arc<Shared>,
    peer: PeerId,
    backoff: &mut Backoff,
) -> Option<(Stream, Admitted)> {
    let wanted = &shared.registry.wanted[&peer];
    let mut is_connected = wanted.is_connected.subscribe();
    is_connected.wait_for(|is_connected| !is_connected).await.ok()?;
    // Two nodes that start together need one connection: the smaller key goes first.
    if shared.registry.own() > peer {
        tokio::time::sleep(shared.limits.dial_min).await;
    }
    tokio::time::sleep(backoff.pause()).await;
    if let Some(left) = shared.registry.banned_for(&peer) {
        tokio::time::sleep(left).await;
    }
    if *is_connected.borrow() {
        backoff.reset();
        return None;
    }
    call(shared, peer, &wanted.address).await
}

async fn call(shared: &Arc<Shared>, peer: PeerId, address: &str) -> Option<(Stream, Admitted)> {
    count(&shared.cells.dialed, 1);
    let limit = shared.limits.introduction;
    let called = match shared.tls.client(peer) {
        Ok(config) => timeout(limit, connection::call(shared, peer, address, config)).await,
        Err(error) => Ok(Err(End::Tls(error.to_string()))),
    };
    let end = match called {
        Ok(Ok(connection)) => return Some(connection),
        Ok(Err(end)) => end,
        Err(_) => End::Late(limit),
    };
    count(&shared.cells.dials_failed, 1);
    // The same again and again is worth one line, and two calls that crossed are worth none.
    if !end.is_duplicate() && shared.registry.note_end(&peer, &end) {
        tracing::warn!(?peer, address, why = %end, "cannot connect");
    } else {
        tracing::debug!(?peer, address, why = %end, "cannot connect");
    }
    None
}
