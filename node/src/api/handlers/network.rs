//! Who is connected, and where the metrics are.

use std::net::SocketAddr;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header, uri::Authority},
};

use super::super::{
    json::{AbsentPeerJson, PeerJson, PeersJson, QueuedJson, TargetJson},
    state::Api,
};
use crate::metrics::ClassReading;

/// Connected peers, and those that should be
///
/// With why a connection ended, and for how long a peer is banned.
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
            banned_s: one.banned_for.map(|left| left.as_secs()),
            connected_s: one.connected_for.as_secs(),
        }
    });
    let mut absent = api.backend.absent_peers();
    absent.sort_unstable_by_key(|one| one.peer);
    let absent = absent.into_iter().map(|one| AbsentPeerJson {
        peer: one.peer.into(),
        validator: one.validator.map(|index| index.get()),
        address: one.address,
        score: one.score,
        banned_s: one.banned_for.map(|left| left.as_secs()),
        last_end: one.last_end,
    });
    Json(PeersJson { peers: json.collect(), absent: absent.collect() })
}

/// Targets for Prometheus
///
/// This node's metrics, for `http_sd_configs`. If they are served on all addresses, the target is the host
/// that was asked.
#[utoipa::path(get, path = "/v1/sd/prometheus", tag = "node", responses((status = 200, body = Vec<TargetJson>)))]
pub(crate) async fn targets(State(api): State<Api>, headers: HeaderMap) -> Json<Vec<TargetJson>> {
    let identity = api.backend.identity();
    let mut labels = std::collections::BTreeMap::new();
    labels.insert("chain".to_owned(), identity.genesis.chain_id.get().to_string());
    if let Some(validator) = identity.validator {
        labels.insert("validator".to_owned(), validator.get().to_string());
    }
    let target = usable(api.metrics_address, &headers);
    Json(vec![TargetJson { targets: vec![target], labels }])
}

/// An address that others can connect to. One that means "all of them" is none: then it is the name by which
/// whoever asks found this node.
fn usable(address: SocketAddr, headers: &HeaderMap) -> String {
    if !address.ip().is_unspecified() {
        return address.to_string();
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = host.and_then(|host| host.parse::<Authority>().ok());
    match authority {
        Some(authority) => format!("{}:{}", authority.host(), address.port()),
        None => address.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_addresses_that_others_can_use() {
        let target = |address: &str, host: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().expect("a value"));
            usable(address.parse().expect("an address"), &headers)
        };
        assert_eq!(target("10.0.0.1:9400", "node2:8400"), "10.0.0.1:9400");
        assert_eq!(target("0.0.0.0:9400", "node2:8400"), "node2:9400");
        assert_eq!(target("[::]:9400", "[2001:db8::1]:8400"), "[2001:db8::1]:9400");
        assert_eq!(target("0.0.0.0:9400", "no host"), "0.0.0.0:9400");
    }
}
