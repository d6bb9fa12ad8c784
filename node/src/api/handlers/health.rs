//! Whether the process works, and whether it should get traffic: two questions with different answers.

use std::time::Duration;

use axum::{Json, extract::State, http::StatusCode};
use quorate_core::types::Height;

use super::{
    super::{
        backend::now_ms,
        json::{HealthJson, HealthReasonJson},
        state::{Api, Shared},
    },
    consensus::progress,
    status::halted,
};

/// A replica ticks several times a second, so one that has been still for this long is stuck.
const STILL_MAX: Duration = Duration::from_secs(10);

/// Final blocks that may wait to be executed.
const UNEXECUTED_MAX: u64 = 8;

/// Without a new final block for this long, something is wrong.
const STALLED_AFTER: Duration = Duration::from_secs(30);

/// Whether the process works
///
/// Restart the node if it does not. Says nothing about peers or progress.
#[utoipa::path(get, path = "/health/live", tag = "health",
    responses((status = 200, body = HealthJson), (status = 503, body = HealthJson, description = "It is stuck.")))]
pub(crate) async fn live(State(api): State<Api>) -> (StatusCode, Json<HealthJson>) {
    let mut reasons = Vec::new();
    let still = api.hub.silent_for(api.backend.now().counters.steps);
    if still > STILL_MAX {
        reasons.push(reason(
            "stuck",
            format!(
                "the replica has not done anything for {} s: restart the node",
                still.as_secs()
            ),
        ));
    }
    answer(reasons)
}

/// Whether the node should get traffic
///
/// With every reason why not. Metrics stay reachable either way.
#[utoipa::path(get, path = "/health/ready", tag = "health",
    responses((status = 200, body = HealthJson), (status = 503, body = HealthJson, description = "It should not.")))]
pub(crate) async fn ready(State(api): State<Api>) -> (StatusCode, Json<HealthJson>) {
    answer(against(&api))
}

/// What speaks against giving the node traffic.
fn against(api: &Shared) -> Vec<HealthReasonJson> {
    let (now, sync) = (api.backend.now(), progress(api));
    let mut reasons = Vec::new();
    if let Some(why) = halted(&now) {
        reasons.push(reason("halted", why));
    }
    if now.finalized_height == Height::ZERO {
        reasons.push(reason("no-block", "no block is final yet".to_owned()));
    } else {
        let age = age_of(now.finalized_timestamp.get());
        if age > STALLED_AFTER {
            let text = format!(
                "the newest final block is {} s old: see /v1/consensus and /v1/peers",
                age.as_secs()
            );
            reasons.push(reason("stalled", text));
        }
    }
    if sync.catching_up {
        let text = format!("the node is {} blocks behind its peers and catches up", sync.lag);
        reasons.push(reason("behind", text));
    }
    let unexecuted = now.finalized_height.delta_from(now.executed_height);
    if unexecuted > UNEXECUTED_MAX {
        let text = format!("{unexecuted} final blocks wait to be executed");
        reasons.push(reason("execution-behind", text));
    }
    if now.health.checkpoints_overdue {
        let text =
            "no new checkpoint is certified: validators may disagree about the state".to_owned();
        reasons.push(reason("checkpoints-overdue", text));
    }
    let quorum = api.quorum(&api.backend.peers());
    if quorum.online < quorum.needed {
        let text = format!(
            "validators with {:?} of the {:?} voting weight that a decision takes are connected: see /v1/peers",
            quorum.online, quorum.needed,
        );
        reasons.push(reason("no-quorum", text));
    }
    reasons
}

/// How long ago that was by the clock; nothing if it is ahead.
fn age_of(timestamp_ms: u64) -> Duration {
    Duration::from_millis(now_ms().get().saturating_sub(timestamp_ms))
}

fn reason(code: &str, detail: String) -> HealthReasonJson {
    HealthReasonJson { code: code.to_owned(), detail }
}

fn answer(reasons: Vec<HealthReasonJson>) -> (StatusCode, Json<HealthJson>) {
    let ok = reasons.is_empty();
    let status = if ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(HealthJson { ok, reasons }))
}
