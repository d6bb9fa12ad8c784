//! How consensus is doing, from what was published: nothing here asks the replica.

use axum::{Json, extract::State};

use super::super::{
    extract::Segment,
    json::{ConsensusJson, EvidenceJson, EvidenceListJson, MempoolJson, SyncJson, TimelineJson},
    problem::{Answer, Problem},
    state::{Api, Shared, typical_height},
};

/// Evidence that is served at most.
const EVIDENCE_MAX: usize = 1_000;

/// Consensus right now
#[utoipa::path(get, path = "/v1/consensus", tag = "node", responses((status = 200, body = ConsensusJson)))]
pub(crate) async fn consensus(State(api): State<Api>) -> Json<ConsensusJson> {
    let now = api.backend.now();
    let silent = api.hub.silent_for(now.counters.steps);
    Json(ConsensusJson {
        view: now.view.get(),
        leader: now.leader.map(|index| index.get()),
        finalized_height: now.finalized_height.get(),
        silent_for_ms: u64::try_from(silent.as_millis()).unwrap_or(u64::MAX),
        views: now.footprint.views,
        votes: now.footprint.votes,
        certificates: now.footprint.certificates,
        blocks: now.footprint.blocks,
        pending: now.footprint.pending,
        checkpoints_overdue: now.health.checkpoints_overdue,
    })
}

/// How a height became final
///
/// Every view entered, given up and decided on the way, for the last 200 heights.
#[utoipa::path(get, path = "/v1/consensus/heights/{height}/timeline", tag = "node",
    params(("height" = String, Path, pattern = "^(0|[1-9][0-9]{0,14})$", description = "A height.")),
    responses((status = 200, body = TimelineJson), (status = 400, description = "Not a height."),
        (status = 404, description = "Not one of the last heights since the node started.")))]
pub(crate) async fn timeline(State(api): State<Api>, name: Segment) -> Answer<Json<TimelineJson>> {
    let height = name.height()?;
    let found = api.hub.timeline(height).ok_or_else(|| {
        Problem::not_found(format!(
            "nothing is remembered of how height {height} became final: only the last 200 since the node started are"
        ))
    })?;
    Ok(Json(found))
}

/// What waits for a block
#[utoipa::path(get, path = "/v1/mempool", tag = "transactions", responses((status = 200, body = MempoolJson)))]
pub(crate) async fn mempool(State(api): State<Api>) -> Json<MempoolJson> {
    let now = api.backend.now();
    let parameters = &api.backend.identity().genesis.parameters;
    Json(MempoolJson {
        transactions: now.footprint.mempool_transactions,
        bytes: now.footprint.mempool_bytes,
        unchecked_bytes: now.footprint.unchecked_bytes,
        transactions_max: parameters.mempool_transactions_max,
        bytes_max: parameters.mempool_bytes_max,
    })
}

/// Whether the node is where the others are
#[utoipa::path(get, path = "/v1/sync", tag = "node", responses((status = 200, body = SyncJson)))]
pub(crate) async fn sync(State(api): State<Api>) -> Json<SyncJson> {
    Json(progress(&api))
}

/// Where the node is, and where the others say they are.
pub(super) fn progress(api: &Shared) -> SyncJson {
    let now = api.backend.now();
    let (own, peers) = (now.finalized_height, api.backend.peers());
    let typical = typical_height(&api.backend.identity().committee, &peers, own);
    let lag = typical.delta_from(own);
    SyncJson {
        finalized_height: own.get(),
        executed_height: now.executed_height.get(),
        peers_height: typical.get(),
        lag,
        catching_up: lag > 1,
        waiting_for_execution: now.backlog.execution,
    }
}

/// Offences seen
///
/// Each is two votes of one validator that contradict each other; anybody can check them.
#[utoipa::path(get, path = "/v1/evidence", tag = "chain", responses((status = 200, body = EvidenceListJson)))]
pub(crate) async fn evidence(State(api): State<Api>) -> Answer<Json<EvidenceListJson>> {
    let all = api.backend.evidence().await?;
    let evidence = all.iter().rev().take(EVIDENCE_MAX).map(EvidenceJson::from).collect();
    Ok(Json(EvidenceListJson { evidence }))
}
