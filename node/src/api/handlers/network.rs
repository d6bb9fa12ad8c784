//! Who is connected, and where the metrics are.

use axum::{Json, extract::State};

use super::super::{
    json::{PeerJson, PeersJson, QueuedJson, TargetJson},
    state::Api,
};
use crate::metrics::ClassReading;

/// Connected peers
#[utoipa::path(get, path = "/v1/peers", tag = "node", responses((status = 200, body = PeersJson)))]
pub(crate) async fn peers(State(api): State<Api>) -> Json<PeersJson> {
    let mut peers = api.backend.peers();
    peers.sort_unstable_by_key(|one| one.peer);
    let json = peers.into_iter().map(|one| {
        let ClassReading { votes, proposals, bulk } = one.queued;
        PeerJson {
            peer: one.peer.into(),
            validator: one.validator.map(|index| index.get()),
            address: one.address,
            inbound: one.inbound,
            round_trip_us: one
                .round_trip
                .map(|trip| u64::try_from(trip.as_micros()).unwrap_or(u64::MAX)),
            height: one.height.get(),
            queued: QueuedJson { votes, proposals, bulk },
            score: one.score,
            connected_s: one.connected_for.as_secs(),
        }
    });
    Json(PeersJson { peers: json.collect() })
}

/// Targets for Prometheus
///
/// This node's metrics, for `http_sd_configs`.
#[utoipa::path(get, path = "/v1/sd/prometheus", tag = "node", responses((status = 200, body = Vec<TargetJson>)))]
pub(crate) async fn targets(State(api): State<Api>) -> Json<Vec<TargetJson>> {
    let identity = api.backend.identity();
    let mut labels = std::collections::BTreeMap::new();
    labels.insert("chain".to_owned(), identity.genesis.chain_id.get().to_string());
    if let Some(validator) = identity.validator {
        labels.insert("validator".to_owned(), validator.get().to_string());
    }
    Json(vec![TargetJson { targets: vec![api.metrics_address.to_string()], labels }])
}
