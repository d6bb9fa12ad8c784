//! Accounts and coins.

use axum::{
    Json,
    body::{Body, Bytes},
    extract::State,
    http::header,
    response::{IntoResponse as _, Response},
};
use futures_util::{StreamExt as _, stream};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::super::{
    backend::{Proof, ReadFailed},
    extract::{Params, Segment, hex32},
    json::{
        AccountJson, AccountProofJson, AuthorityJson, CoinJson, Decimal, EnergyJson, SignersJson,
    },
    problem::{Answer, Problem},
    state::{Api, Refused},
};

/// Whether to prove what is said.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Prove {
    /// `1` for a proof against the newest certified checkpoint.
    #[param(inline)]
    prove: Option<Flag>,
}

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
enum Flag {
    /// No.
    #[serde(rename = "0")]
    No,
    /// Yes.
    #[serde(rename = "1")]
    Yes,
}

/// Whose coins.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Owner {
    /// An address: 64 lower-case hexadecimal digits.
    #[param(pattern = "^[0-9a-f]{64}$")]
    owner: String,
}

/// An account
///
/// As the newest state has it; with `prove=1` also as a quorum has signed it, with everything needed to check
/// that against the genesis alone (`quorate light verify`). The two may be of different heights.
#[utoipa::path(get, path = "/v1/accounts/{address}", tag = "state",
    params(("address" = String, Path, pattern = "^[0-9a-f]{64}$", description = "64 lower-case hexadecimal digits."), Prove),
    responses((status = 200, body = AccountJson), (status = 400, description = "Not an address."),
        (status = 503, description = "No proof can be made right now, or the node is busy.")))]
pub(crate) async fn account(
    State(api): State<Api>,
    name: Segment,
    Params(params): Params<Prove>,
) -> Answer<Json<AccountJson>> {
    let address = name.hex("an address")?;
    let proof = match params.prove {
        Some(Flag::Yes) => Some(match api.backend.prove(address.address()).await? {
            Proof::Shown(shown) => {
                let (proof, certificate) = &*shown;
                AccountProofJson::new(address, proof, certificate)
            }
            Proof::NoCheckpoint => {
                return Err(Problem::busy(
                    "no checkpoint is certified yet: ask again in a few seconds",
                ));
            }
            Proof::NotAtHand(height) => {
                return Err(Problem::busy(format!(
                    "the state after the checkpoint at height {height} is not at hand: ask again in a second",
                )));
            }
        }),
        Some(Flag::No) | None => None,
    };
    let view = api.backend.account(address.address()).await.ok_or_else(too_busy)?;
    let account = view.account.unwrap_or_default();
    Ok(Json(AccountJson {
        address,
        exists: view.account.is_some(),
        height: view.height.get(),
        nonce: Decimal(account.nonce),
        balance: Decimal(account.balance),
        authority: AuthorityJson::from(account.authority),
        signers: view.signers.as_ref().map(SignersJson::from),
        energy: view.energy.as_ref().map(|energy| EnergyJson::new(energy, view.height)),
        proof,
    }))
}

pub(super) fn too_busy() -> Problem {
    Problem::busy("too many ask about the state at once: ask again in a moment")
        .because(Refused::Reads)
}

/// All coins of an owner
///
/// One JSON object a line, streamed, as one state has them.
#[utoipa::path(get, path = "/v1/coins", tag = "state", params(Owner),
    responses((status = 200, body = CoinJson, content_type = "application/jsonl"),
        (status = 400, description = "Not an address.")))]
pub(crate) async fn coins(
    State(api): State<Api>,
    Params(params): Params<Owner>,
) -> Answer<Response> {
    let owner = hex32(&params.owner, "an address")?;
    let mut coins = api.backend.coins(owner.address());
    // The first one tells whether reading works at all, while there is still a status to say so.
    let first = coins.next().await.transpose()?;
    let lines = stream::iter(first.map(Ok)).chain(coins).map(|coin| {
        let coin = coin?;
        let mut line = serde_json::to_vec(&CoinJson::from(&coin)).expect("coins are plain data");
        line.push(b'\n');
        Ok(Bytes::from(line))
    });
    let lines = lines.map(|line: Result<_, ReadFailed>| line.map_err(|failed| failed.to_string()));
    Ok(([(header::CONTENT_TYPE, "application/jsonl")], Body::from_stream(lines)).into_response())
}
