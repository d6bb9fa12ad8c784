//! Blocks, and why they are final.

use axum::{Json, extract::State, response::Response};
use quorate_core::{execution::Outcome, store::ArchivedBlock, types::Height};
use serde::Deserialize;
use utoipa::IntoParams;

use super::super::{
    extract::{HEIGHT_MAX, Params, Segment, height},
    json::{
        BlockJson, BlockSummaryJson, BlocksJson, CheckpointCertificateJson, CheckpointsJson,
        CommitProofJson, EvidenceJson, HeaderJson, Hex32, OutcomeJson, TransactionJson, page_below,
    },
    limits::{BLOCKS_PAGE_MAX, LARGE_BYTES},
    problem::{Answer, Problem},
    reply::{encoded, json},
    state::{Api, Shared},
};
use crate::store::BlockSummary;

/// Checkpoints on the one page there is of them.
const CHECKPOINTS_MAX: usize = 16;

/// Which page of blocks.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Page {
    /// The highest height on the page; the highest there is if left out.
    #[param(minimum = 0, maximum = 999_999_999_999_999u64)]
    from: Option<u64>,
    /// Blocks on the page: 20 if left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// Final blocks, newest first
#[utoipa::path(get, path = "/v1/blocks", tag = "chain", params(Page),
    responses((status = 200, body = BlocksJson), (status = 400, description = "A parameter is out of range.")))]
pub(crate) async fn blocks(
    State(api): State<Api>,
    Params(page): Params<Page>,
) -> Answer<Json<BlocksJson>> {
    let limit = page.limit.unwrap_or(20);
    if !(1..=BLOCKS_PAGE_MAX).contains(&limit) {
        return Err(Problem::bad_request(format!(
            "limit is {limit}; it must be from 1 to {BLOCKS_PAGE_MAX}"
        )));
    }
    if page.from.is_some_and(|from| from > HEIGHT_MAX) {
        return Err(Problem::bad_request(format!("from must be a height, at most {HEIGHT_MAX}")));
    }
    let newest = api.backend.now().finalized_height;
    let from = page.from.map_or(newest, Height::new).min(newest);
    let found = api.backend.summaries(from, limit).await?;
    let blocks: Vec<_> = found.iter().map(BlockSummaryJson::of).collect();
    let lowest = blocks.last().map_or(Height::ZERO, |last| Height::new(last.height));
    let is_full = u64::try_from(blocks.len()) == Ok(limit);
    let next_from = is_full.then(|| page_below(lowest)).flatten();
    Ok(Json(BlocksJson { blocks, next_from }))
}

/// A final block
///
/// With its transactions, what became of them, and the proof that it is final.
#[utoipa::path(get, path = "/v1/blocks/{block}", tag = "chain",
    params(("block" = String, Path, pattern = "^(0|[1-9][0-9]{0,14}|[0-9a-f]{64}|latest)$", description = "A height, a block's digest, or `latest`.")),
    responses((status = 200, body = BlockJson), (status = 400, description = "Not a block's name."),
        (status = 404, description = "No such final block is kept here.")))]
pub(crate) async fn block(State(api): State<Api>, name: Segment) -> Answer<Response> {
    let height = height_of(&api, &name).await?;
    let found = api.backend.block_at(height).await?.ok_or_else(|| missing(&api, height))?;
    let outcomes = api.backend.outcomes_at(height).await?;
    let length = usize::try_from(found.block.header().payload_len).unwrap_or(usize::MAX);
    let write = move || encoded(&whole(&found, outcomes.as_deref()));
    Ok(json(match length > LARGE_BYTES {
        true => api.aside(write).await?,
        false => write(),
    }))
}

fn whole(found: &ArchivedBlock, outcomes: Option<&[Outcome]>) -> BlockJson {
    let payload = found.block.payload();
    BlockJson {
        header: HeaderJson::new(found.block.header(), found.block.digest()),
        transactions: payload.transactions.iter().map(TransactionJson::from).collect(),
        evidence: payload.evidence.iter().map(EvidenceJson::from).collect(),
        outcomes: outcomes.map(|all| all.iter().map(OutcomeJson::from).collect()),
        proof: found.proof.as_ref().map(CommitProofJson::from),
    }
}

/// A final block's header
#[utoipa::path(get, path = "/v1/headers/{block}", tag = "chain",
    params(("block" = String, Path, pattern = "^(0|[1-9][0-9]{0,14}|[0-9a-f]{64}|latest)$", description = "A height, a block's digest, or `latest`.")),
    responses((status = 200, body = HeaderJson), (status = 400, description = "Not a block's name."),
        (status = 404, description = "No such final block is kept here.")))]
pub(crate) async fn header(State(api): State<Api>, name: Segment) -> Answer<Json<HeaderJson>> {
    let found = find(&api, &name).await?;
    Ok(Json(HeaderJson::new(&found.header, found.digest)))
}

/// Why a block is final
///
/// The quorums of signatures that made it so.
#[utoipa::path(get, path = "/v1/certificates/{block}", tag = "chain",
    params(("block" = String, Path, pattern = "^(0|[1-9][0-9]{0,14}|[0-9a-f]{64}|latest)$", description = "A height, a block's digest, or `latest`.")),
    responses((status = 200, body = CommitProofJson), (status = 400, description = "Not a block's name."),
        (status = 404, description = "No such final block is kept here, or its proof is not complete yet.")))]
pub(crate) async fn certificates(
    State(api): State<Api>,
    name: Segment,
) -> Answer<Json<CommitProofJson>> {
    let found = find(&api, &name).await?;
    let proof = found.proof.as_ref().ok_or_else(|| {
        Problem::not_found(
            "this node does not hold the proof yet; ask again in a second, or another node",
        )
    })?;
    Ok(Json(CommitProofJson::from(proof)))
}

/// The newest certified checkpoints
#[utoipa::path(get, path = "/v1/checkpoints", tag = "chain",
    responses((status = 200, body = CheckpointsJson)))]
pub(crate) async fn checkpoints(State(api): State<Api>) -> Answer<Json<CheckpointsJson>> {
    let interval = api.backend.identity().genesis.parameters.checkpoint_interval.get();
    let newest = api.backend.now().checkpoint_height;
    let mut checkpoints = Vec::new();
    let mut at = newest;
    while at > Height::ZERO && checkpoints.len() < CHECKPOINTS_MAX {
        let found = api.backend.checkpoint_at(at).await?;
        checkpoints.extend(found.as_ref().map(|one| (&one.statement).into()));
        at = at.minus(interval);
    }
    Ok(Json(CheckpointsJson { interval, checkpoints }))
}

/// A certified checkpoint
///
/// What a quorum signed about the state after a height.
#[utoipa::path(get, path = "/v1/checkpoints/{height}", tag = "chain",
    params(("height" = String, Path, pattern = "^(0|[1-9][0-9]{0,14}|latest)$", description = "A height, or `latest`.")),
    responses((status = 200, body = CheckpointCertificateJson), (status = 400, description = "Not a height."),
        (status = 404, description = "No checkpoint of this height is certified, or it is not kept.")))]
pub(crate) async fn checkpoint(
    State(api): State<Api>,
    name: Segment,
) -> Answer<Json<CheckpointCertificateJson>> {
    let height = match &*name.0 {
        "latest" => api.backend.now().checkpoint_height,
        _ => name.height()?,
    };
    let found = api.backend.checkpoint_at(height).await?.ok_or_else(|| {
        let interval = api.backend.identity().genesis.parameters.checkpoint_interval;
        Problem::not_found(format!(
            "no checkpoint of height {height} is held; there is one at every multiple of {interval}"
        ))
    })?;
    Ok(Json(CheckpointCertificateJson::from(&found)))
}

/// The block of a name, without its transactions.
async fn find(api: &Shared, name: &Segment) -> Answer<BlockSummary> {
    let height = height_of(api, name).await?;
    api.backend.summary_at(height).await?.ok_or_else(|| missing(api, height))
}

/// The height of a block's name, where there may be a block or not.
async fn height_of(api: &Shared, name: &Segment) -> Answer<Height> {
    match (&*name.0, height(&name.0), Hex32::parse(&name.0)) {
        ("latest", ..) => Ok(api.backend.now().finalized_height),
        (_, Some(height), _) => Ok(height),
        (_, _, Some(digest)) => {
            let height = api.backend.height_of(digest.digest()).await?;
            height
                .ok_or_else(|| Problem::not_found(format!("no final block {digest} is kept here")))
        }
        (name, None, None) => Err(Problem::bad_request(format!(
            "{name:?} is not a block: give a height, 64 lower-case hexadecimal digits, or latest"
        ))),
    }
}

/// There is no block at a height.
fn missing(api: &Shared, at: Height) -> Problem {
    let newest = api.backend.now().finalized_height;
    Problem::not_found(match at > newest {
        true => format!("height {at} is not final yet: the newest is {newest}"),
        false => format!("there is no block at height {at}, or it is not kept any more"),
    })
}
