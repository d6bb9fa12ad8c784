//! Who the node is and how it is doing.

use axum::{Json, extract::State};
use quorate_core::{committee::Committee, time::Span};

use super::super::{
    json::{
        Decimal, GenesisAccountJson, GenesisJson, HeightJson, NodeJson, ParametersJson, StatusJson,
        ValidatorJson, ValidatorsJson,
    },
    problem::Answer,
    state::Api,
};
use crate::published::Snapshot;

/// The node at a glance
///
/// Heights, view, quorum and the last 200 heights, as last published.
#[utoipa::path(get, path = "/v1/status", tag = "node", responses((status = 200, body = StatusJson)))]
pub(crate) async fn status(State(api): State<Api>) -> Json<StatusJson> {
    let (identity, now, peers) = (api.backend.identity(), api.backend.now(), api.backend.peers());
    Json(StatusJson {
        chain_id: identity.genesis.chain_id.get(),
        genesis: identity.genesis_digest.into(),
        mode: api.mode(),
        finalized_height: now.finalized_height.get(),
        finalized_block: now.finalized_digest.into(),
        finalized_timestamp_ms: now.finalized_timestamp.get(),
        executed_height: now.executed_height.get(),
        state_root: now.state_root.into(),
        checkpoint_height: now.checkpoint_height.get(),
        view: now.view.get(),
        leader: now.leader.map(|index| index.get()),
        peers: u32::try_from(peers.len()).unwrap_or(u32::MAX),
        quorum: api.quorum(&peers),
        halted: halted(&now),
        recent: now.recent.iter().map(|summary| HeightJson::from(&**summary)).collect(),
    })
}

/// Why nothing is executed any more.
pub(super) fn halted(now: &Snapshot) -> Option<String> {
    let divergence = now.health.halted.as_ref()?;
    let (ours, theirs) = (&divergence.ours, &divergence.theirs);
    Some(format!(
        "at height {} this node computed the state root {} and others say {}: nothing is executed any more; \
         keep the data directory and see the log",
        ours.height, ours.state_root, theirs.state_root,
    ))
}

/// Who this node is
#[utoipa::path(get, path = "/v1/node", tag = "node", responses((status = 200, body = NodeJson)))]
pub(crate) async fn node(State(api): State<Api>) -> Json<NodeJson> {
    let identity = api.backend.identity();
    let index = identity.committee.index_of_peer(&identity.peer);
    Json(NodeJson {
        program: "quorate".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        chain_id: identity.genesis.chain_id.get(),
        genesis: identity.genesis_digest.into(),
        mode: api.mode(),
        validator: identity.validator.map(|validator| validator.get()),
        index: identity.validator.and(index).map(|index| index.get()),
        peer: identity.peer.into(),
        started_ms: identity.started.get(),
    })
}

/// The committee
///
/// Who votes, with what weight, and whether this node is connected to them.
#[utoipa::path(get, path = "/v1/validators", tag = "chain", responses((status = 200, body = ValidatorsJson)))]
pub(crate) async fn validators(State(api): State<Api>) -> Json<ValidatorsJson> {
    let peers = api.backend.peers();
    let online = api.quorum(&peers).members;
    Json(committee(&api.backend.identity().committee, &online))
}

fn committee(committee: &Committee, online: &[u16]) -> ValidatorsJson {
    let members = committee.members().map(|(index, member)| ValidatorJson {
        index: index.get(),
        validator: member.validator.get(),
        key: member.key.into(),
        peer: member.peer.into(),
        weight: Decimal(member.weight.get()),
        online: online.contains(&index.get()),
    });
    ValidatorsJson {
        committee: committee.digest().into(),
        total: Decimal(committee.total().get()),
        quorum: Decimal(committee.quorum().get()),
        validators: members.collect(),
    }
}

/// The chain's genesis
///
/// Everything that is fixed at the beginning. Compare the digest before trusting it.
#[utoipa::path(get, path = "/v1/genesis", tag = "chain", responses((status = 200, body = GenesisJson)))]
pub(crate) async fn genesis(State(api): State<Api>) -> Answer<Json<GenesisJson>> {
    let identity = api.backend.identity();
    let (genesis, online) = (&identity.genesis, api.quorum(&api.backend.peers()).members);
    let account = |one: &quorate_core::config::GenesisAccount| GenesisAccountJson {
        address: one.address.into(),
        balance: Decimal(one.balance),
    };
    let p = &genesis.parameters;
    let us = |span: Span| span.nanos() / 1_000;
    Ok(Json(GenesisJson {
        digest: identity.genesis_digest.into(),
        chain_id: genesis.chain_id.get(),
        timestamp_ms: genesis.timestamp.get(),
        validators: committee(&identity.committee, &online),
        accounts: genesis.accounts.iter().map(account).collect(),
        parameters: ParametersJson {
            delay_min_us: us(p.delay_min),
            delay_max_us: us(p.delay_max),
            timeout_max_us: us(p.timeout_max),
            retry_base_us: us(p.retry_base),
            status_interval_us: us(p.status_interval),
            skip_after_us: us(p.skip_after),
            idle_block_interval_us: us(p.idle_block_interval),
            timestamp_ahead_max_us: us(p.timestamp_ahead_max),
            payload_bytes_max: p.payload_bytes_max,
            transactions_max: p.transactions_max,
            mempool_bytes_max: Decimal(p.mempool_bytes_max),
            mempool_transactions_max: Decimal(p.mempool_transactions_max),
            checkpoint_interval: Decimal(p.checkpoint_interval.get()),
        },
    }))
}
