//! Sending transactions, and finding out what became of them.

use std::time::Duration;

use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
};
use bytes::Bytes;
use quorate_core::{
    codec::{self, Bounded},
    transaction::Transaction,
    types::Digest,
};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::time;
use utoipa::IntoParams;

use super::super::{
    backend::{Submission, TransactionPlace},
    extract::{Encoding, Params, Segment, body},
    json::{
        AdmissionJson, FinalTransactionJson, Named, OutcomeJson, RefusalJson, SubmissionJson,
        SubmittedJson, TransactionJson,
    },
    limits::{LARGE_BYTES, TX_BYTES_MAX, TXS_BYTES_MAX, TXS_MAX},
    problem::{Answer, Problem},
    state::{Api, Refused, Shared},
};

/// Sends a transaction
///
/// JSON, or borsh as `application/octet-stream`. `admitted` means that it waits for a block here: nothing is
/// promised across a crash. `unanswered` means that it may: ask for it before sending it again. Only finality
/// is an acknowledgement; ask for it with `wait=finalized`.
#[utoipa::path(post, path = "/v1/tx", tag = "transactions", request_body(content((TransactionJson = "application/json"))),
    responses((status = 202, body = SubmissionJson), (status = 400, description = "Not a transaction."),
        (status = 413, description = "More than 64 KiB."), (status = 415, description = "Neither JSON nor borsh."),
        (status = 422, description = "The mempool refuses it."), (status = 503, description = "The node is busy.")))]
pub(crate) async fn send(
    State(api): State<Api>,
    request: Request,
) -> Answer<(StatusCode, Json<SubmissionJson>)> {
    let encoding = Encoding::of(request.headers())?;
    let body = body(request, TX_BYTES_MAX).await?;
    let transaction = match encoding {
        Encoding::Json => from_json(json::<TransactionJson>(&body)?)?,
        Encoding::Borsh => {
            Transaction::decode(&body).map_err(|error| not_borsh("a transaction", error))?
        }
    };
    let id = transaction.id();
    let fate = api.backend.submit(vec![transaction]).await;
    api.counted.submitted(&fate);
    match fate.first() {
        Some(Submission::Admitted) => {
            let (id, outcome) = (id.into(), AdmissionJson::Admitted);
            Ok((StatusCode::ACCEPTED, Json(SubmissionJson { id, outcome, refusal: None })))
        }
        Some(Submission::Refused(refusal)) => {
            let refusal = RefusalJson::from(*refusal);
            let detail = format!("transaction {id} is refused: {}", refusal.detail);
            Err(Problem::refused(detail).with_refusal(refusal))
        }
        Some(Submission::Unanswered) => {
            let (id, outcome) = (id.into(), AdmissionJson::Unanswered);
            Ok((StatusCode::ACCEPTED, Json(SubmissionJson { id, outcome, refusal: None })))
        }
        Some(Submission::Stopping) => Err(Problem::busy("the node is stopping")),
        Some(Submission::Busy) | None => Err(Problem::busy(
            "too many transactions wait to be looked at: send it again in a second",
        )),
    }
}

/// Sends up to 1,000 transactions
///
/// A JSON array, or a borsh vector as `application/octet-stream`. Each has its own outcome.
#[utoipa::path(post, path = "/v1/txs", tag = "transactions", request_body(content((Vec<TransactionJson> = "application/json"))),
    responses((status = 202, body = SubmittedJson), (status = 400, description = "Not a list of transactions."),
        (status = 413, description = "More than 4 MiB."), (status = 415, description = "Neither JSON nor borsh.")))]
pub(crate) async fn send_many(
    State(api): State<Api>,
    request: Request,
) -> Answer<(StatusCode, Json<SubmittedJson>)> {
    let encoding = Encoding::of(request.headers())?;
    let body = body(request, TXS_BYTES_MAX).await?;
    let (transactions, ids) = match body.len() > LARGE_BYTES {
        true => api.aside(move || take_apart(encoding, &body)).await??,
        false => take_apart(encoding, &body)?,
    };
    let fates = api.backend.submit(transactions).await;
    api.counted.submitted(&fates);
    let outcomes = ids.into_iter().enumerate().map(|(place, id)| {
        let (outcome, refusal) = match fates.get(place) {
            Some(Submission::Admitted) => (AdmissionJson::Admitted, None),
            Some(Submission::Refused(why)) => (AdmissionJson::Refused, Some((*why).into())),
            Some(Submission::Unanswered) => (AdmissionJson::Unanswered, None),
            Some(Submission::Busy | Submission::Stopping) | None => (AdmissionJson::Busy, None),
        };
        SubmissionJson { id: id.into(), outcome, refusal }
    });
    Ok((StatusCode::ACCEPTED, Json(SubmittedJson { outcomes: outcomes.collect() })))
}

/// The transactions of a body, and their ids.
fn take_apart(encoding: Encoding, body: &Bytes) -> Answer<(Vec<Transaction>, Vec<Digest>)> {
    let transactions = match encoding {
        Encoding::Json => {
            let many: Vec<TransactionJson> = json(body)?;
            if many.len() > TXS_MAX {
                return Err(Problem::bad_request(format!(
                    "{} transactions exceed the limit of {TXS_MAX}: send fewer at a time",
                    many.len(),
                )));
            }
            many.into_iter().map(from_json).collect::<Answer<Vec<_>>>()?
        }
        Encoding::Borsh => codec::decode::<Bounded<Transaction, TXS_MAX>>(body, TXS_BYTES_MAX)
            .map_err(|error| not_borsh("a list of at most 1000 transactions", error))?
            .into_inner(),
    };
    let ids = transactions.iter().map(Transaction::id).collect();
    Ok((transactions, ids))
}

/// Whether and how long to wait.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wait {
    /// `finalized` to wait until it is final and executed.
    #[param(pattern = "^finalized$")]
    wait: Option<String>,
    /// Seconds to wait at most, from 1 to 60: 10 if left out.
    #[param(pattern = "^([1-9]|[1-5][0-9]|60)s?$")]
    timeout: Option<String>,
}

/// What became of a transaction
///
/// Only final ones are known by their ids. With `wait=finalized` the answer comes when it is final, or 404
/// after the timeout: then it may still become final later, unless its `valid_until` has passed.
#[utoipa::path(get, path = "/v1/tx/{id}", tag = "transactions",
    params(("id" = String, Path, pattern = "^[0-9a-f]{64}$", description = "64 lower-case hexadecimal digits."), Wait),
    responses((status = 200, body = FinalTransactionJson), (status = 400, description = "Not an id."),
        (status = 404, description = "Not final, or not any more kept."),
        (status = 503, description = "Too many wait.")))]
pub(crate) async fn transaction(
    State(api): State<Api>,
    name: Segment,
    Params(params): Params<Wait>,
) -> Answer<Json<FinalTransactionJson>> {
    let id = name.hex("a transaction's id")?.digest();
    let place = match params.patience(&api)? {
        None => api.backend.transaction(id).await?.ok_or_else(|| {
            Problem::not_found(format!(
                "no final transaction {id} is kept here; with ?wait=finalized the answer waits for it"
            ))
        })?,
        Some(patience) => {
            let _place = api.waits.try_acquire().map_err(|_| {
                Problem::busy(format!(
                    "{} requests wait already, which is all there may be: ask without wait",
                    api.limits.waits_max
                ))
                .because(Refused::Waits)
            })?;
            wait_for(&api, id, patience).await?
        }
    };
    let found = api.backend.block_at(place.height).await?;
    let index = usize::try_from(place.index).unwrap_or(usize::MAX);
    let transaction = found
        .as_ref()
        .and_then(|found| found.block.payload().transactions.get(index))
        .filter(|transaction| transaction.id() == id);
    let OutcomeJson { outcome, reason } = OutcomeJson::from(&place.outcome);
    Ok(Json(FinalTransactionJson {
        id: id.into(),
        height: place.height.get(),
        block: found.as_ref().map(|found| found.block.digest().into()),
        index: place.index,
        outcome,
        reason,
        transaction: transaction.map(TransactionJson::from),
    }))
}

impl Wait {
    fn patience(&self, api: &Shared) -> Answer<Option<Duration>> {
        let most = api.limits.wait_max.as_secs();
        let seconds = match &self.timeout {
            None => 10.min(most),
            Some(text) => {
                let digits = text.strip_suffix('s').unwrap_or(text);
                let seconds: Option<u64> = digits.parse().ok();
                seconds.filter(|seconds| (1..=most).contains(seconds)).ok_or_else(|| {
                    Problem::bad_request(format!(
                        "timeout is {text:?}; it must be 1 to {most} seconds"
                    ))
                })?
            }
        };
        match self.wait.as_deref() {
            None => Ok(None),
            Some("finalized") => Ok(Some(Duration::from_secs(seconds))),
            Some(other) => Err(Problem::bad_request(format!(
                "wait is {other:?}; the only thing to wait for is finalized"
            ))),
        }
    }
}

/// The place of a transaction, once it is final and executed.
async fn wait_for(api: &Shared, id: Digest, patience: Duration) -> Answer<TransactionPlace> {
    let found = async {
        loop {
            // Waiting begins before the look, so that nothing falls in between.
            let waiter = api.backend.wait(id);
            if let Some(place) = api.backend.transaction(id).await? {
                return Ok(place);
            }
            waiter.executed().await;
        }
    };
    let found = tokio::select! {
        found = time::timeout(patience, found) => found,
        () = api.hub.closed() => return Err(Problem::busy("the node is stopping")),
    };
    match found {
        Ok(found) => found,
        Err(_) => Err(Problem::not_final(format!(
            "transaction {id} did not become final within {} s: it may still; ask again, and send it again \
             only if its valid_until has passed",
            patience.as_secs(),
        ))),
    }
}

fn json<T: DeserializeOwned>(body: &Bytes) -> Answer<T> {
    let read = serde_json::from_slice(body)
        .and_then(|read| serde_json::from_slice::<Named>(body).map(|Named| read));
    read.map_err(|error| {
        Problem::bad_request(format!(
            "the body is not understood: {error}; /docs shows what it should be"
        ))
    })
}

fn from_json(json: TransactionJson) -> Answer<Transaction> {
    Transaction::try_from(json)
        .map_err(|error| Problem::bad_request(format!("this is not a transaction: {error}")))
}

fn not_borsh(what: &str, error: codec::DecodeError) -> Problem {
    Problem::bad_request(format!("the body is not {what} in borsh: {error}"))
}
