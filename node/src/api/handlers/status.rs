//! Who the node is and how it is doing.

use axum::{Json, body::Bytes, extract::State, response::Response};
use quorate_core::{committee::Committee, time::Span};
use serde::Deserialize;
use utoipa::IntoParams;

use super::super::{
    backend::Identity,
    extract::{HEIGHT_MAX, Params},
    json::{
        Decimal, GenesisAccountJson, GenesisJson, HeightJson, NodeJson, ParametersJson, StatusJson,
        ValidatorJson, ValidatorsJson,
    },
    problem::{Answer, Problem},
    reply::{encoded, json},
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

/// At which height.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct At {
    /// The height that they decide; the next one if left out.
    #[param(minimum = 0, maximum = 999_999_999_999_999u64)]
    height: Option<u64>,
}

/// The committee
///
/// Who votes, with what weight, and whether this node is connected to them. A chain has one committee as yet, so
/// it is the same for every height up to the next one.
#[utoipa::path(get, path = "/v1/validators", tag = "chain", params(At),
    responses((status = 200, body = ValidatorsJson), (status = 400, description = "Not a height."),
        (status = 404, description = "Nobody knows yet who decides that height.")))]
pub(crate) async fn validators(
    State(api): State<Api>,
    Params(at): Params<At>,
) -> Answer<Json<ValidatorsJson>> {
    let next = api.backend.now().finalized_height.next();
    if let Some(height) = at.height {
        if height > HEIGHT_MAX {
            return Err(Problem::bad_request(format!(
                "height must be a height, at most {HEIGHT_MAX}"
            )));
        }
        if height > next.get() {
            return Err(Problem::not_found(format!(
                "the committee of height {height} is not certain yet: the next to be decided is {next}"
            )));
        }
    }
    let online = api.quorum(&api.backend.peers()).members;
    Ok(Json(committee(&api.backend.identity().committee, Some(&online))))
}

/// The committee, with who of it is connected if that is to be said.
fn committee(committee: &Committee, online: Option<&[u16]>) -> ValidatorsJson {
    let members = committee.members().map(|(index, member)| ValidatorJson {
        index: index.get(),
        validator: member.validator.get(),
        key: member.key.into(),
        peer: member.peer.into(),
        weight: Decimal(member.weight.get()),
        online: online.map(|online| online.contains(&index.get())),
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
pub(crate) async fn genesis(State(api): State<Api>) -> Answer<Response> {
    // It never changes and may have hundreds of thousands of accounts: it is written once.
    let written = api.genesis.get_or_try_init(|| {
        let identity = api.backend.identity().clone();
        api.aside(move || Bytes::from(encoded(&document(&identity))))
    });
    Ok(json(written.await?.clone()))
}

fn document(identity: &Identity) -> GenesisJson {
    let genesis = &identity.genesis;
    let account = |one: &quorate_core::config::GenesisAccount| GenesisAccountJson {
        address: one.address.into(),
        balance: Decimal(one.balance),
    };
    let p = &genesis.parameters;
    let us = |span: Span| span.nanos() / 1_000;
    GenesisJson {
        digest: identity.genesis_digest.into(),
        chain_id: genesis.chain_id.get(),
        timestamp_ms: genesis.timestamp.get(),
        validators: committee(&identity.committee, None),
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
    }
}
