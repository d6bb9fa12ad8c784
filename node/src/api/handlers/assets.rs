//! Assets and objects.

use axum::{Json, extract::State};
use quorate_core::{
    execution::cell::{Cell, CellPath},
    transaction::{Asset, AssetId, ObjectId},
    types::Height,
};

use super::super::{
    extract::{Pair, Segment, hex32},
    json::{AssetJson, AssetText, BalanceJson, Decimal, ObjectJson},
    problem::{Answer, Problem},
    state::Api,
};

/// An asset
///
/// As the newest state has it.
#[utoipa::path(get, path = "/v1/assets/{asset}", tag = "state",
    params(("asset" = String, Path, pattern = "^[0-9a-f]{64}$", description = "The id of the transaction that created it.")),
    responses((status = 200, body = AssetJson), (status = 400, description = "Not an id."),
        (status = 404, description = "There is no such asset.")))]
pub(crate) async fn asset(State(api): State<Api>, name: Segment) -> Answer<Json<AssetJson>> {
    let id = AssetId::of_transaction(name.hex("an asset")?.digest());
    match cell(&api, CellPath::asset(&id)).await? {
        (height, Some(Cell::Asset(record))) => Ok(Json(AssetJson::new(&record, height))),
        (height, _) => Err(unknown("asset", &name.0, height)),
    }
}

/// What an account holds of an asset
///
/// As the newest state has it; zero if it never held any.
#[utoipa::path(get, path = "/v1/accounts/{address}/balances/{asset}", tag = "state",
    params(("address" = String, Path, pattern = "^[0-9a-f]{64}$", description = "64 lower-case hexadecimal digits."),
        ("asset" = String, Path, pattern = "^(native|[0-9a-f]{64})$", description = "`native`, or the id of the transaction that created the asset.")),
    responses((status = 200, body = BalanceJson), (status = 400, description = "Not an address, or not an asset.")))]
pub(crate) async fn balance(
    State(api): State<Api>,
    Pair(address, asset): Pair,
) -> Answer<Json<BalanceJson>> {
    let address = hex32(&address, "an address")?;
    let asset = match &*asset {
        "native" => Asset::Native,
        id => Asset::Issued(AssetId::of_transaction(hex32(id, "an asset")?.digest())),
    };
    let (height, cell) = cell(&api, CellPath::balance(&address.address(), &asset)).await?;
    let amount = match cell {
        Some(Cell::Balance(balance)) => balance.amount,
        Some(Cell::Account(account)) => account.balance,
        _ => 0,
    };
    let (asset, amount) = (AssetText(asset), Decimal(amount));
    Ok(Json(BalanceJson { address, asset, height: height.get(), amount }))
}

/// An object
///
/// As the newest state has it, with the version that a transaction of its owner has to name.
#[utoipa::path(get, path = "/v1/objects/{object}", tag = "state",
    params(("object" = String, Path, pattern = "^[0-9a-f]{64}:(0|[1-9][0-9]{0,8})$", description = "The id of the transaction that made it, a colon, and its place among what that made.")),
    responses((status = 200, body = ObjectJson), (status = 400, description = "Not the name of an object."),
        (status = 404, description = "There is no such object, or no more.")))]
pub(crate) async fn object(State(api): State<Api>, name: Segment) -> Answer<Json<ObjectJson>> {
    let id = object_id(&name.0).ok_or_else(|| {
        Problem::bad_request(format!(
            "{:?} is not an object: the id of a transaction, a colon and a number are",
            name.0
        ))
    })?;
    match cell(&api, CellPath::object(&id)).await? {
        (height, Some(Cell::Object(object))) => Ok(Json(ObjectJson::new(&object, height))),
        (height, _) => Err(unknown("object", &name.0, height)),
    }
}

/// An object's name, written the one way there is.
fn object_id(text: &str) -> Option<ObjectId> {
    let (transaction, place) = text.split_once(':')?;
    let transaction = hex32(transaction, "a transaction").ok()?.digest();
    let index: u32 = place.parse().ok()?;
    (index.to_string() == place).then_some(ObjectId { transaction, index })
}

async fn cell(api: &Api, path: CellPath) -> Answer<(Height, Option<Cell>)> {
    api.backend.cell(path).await.ok_or_else(super::accounts::too_busy)
}

fn unknown(what: &str, name: &str, height: Height) -> Problem {
    Problem::not_found(format!(
        "there is no {what} {name} in the state after height {}",
        height.get()
    ))
}
