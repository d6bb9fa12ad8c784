//! Issues: an asset is created once, and only its issuer makes more of it.
//!
//! Creating declares the asset, to write, and the payer's balance of it, to add to. Minting declares
//! the asset, to write, and each receiver's balance, to add to.

use super::Declarations;
use crate::{
    execution::{
        access::Access,
        cell::{AssetRecord, Cell, CellPath},
        ctx::TxCtx,
        outcome::Failure,
    },
    transaction::{Address, Amount, Asset, AssetId, Issue, Mint},
    types::Digest,
};

pub(super) fn declare(
    issue: &Issue,
    id: &Digest,
    payer: &Address,
    declarations: &mut Declarations,
) {
    match issue {
        Issue::Create { .. } => {
            let asset = AssetId::of_transaction(*id);
            declarations.push((CellPath::asset(&asset), Access::Write));
            let balance = CellPath::balance(payer, &Asset::Issued(asset));
            declarations.push((balance, Access::Add));
        }
        Issue::Mint { asset, mints } => {
            declarations.push((CellPath::asset(asset), Access::Write));
            let balance = |mint: &Mint| CellPath::balance(&mint.to, &Asset::Issued(*asset));
            declarations.extend(mints.iter().map(|mint| (balance(mint), Access::Add)));
        }
    }
}

pub(super) fn run(ctx: &mut TxCtx<'_>, issue: &Issue) -> Result<(), Failure> {
    match issue {
        Issue::Create { decimals, cap, amount } => {
            let (id, issuer) = (AssetId::of_transaction(ctx.id()), ctx.payer_address());
            let (decimals, cap, issued) = (*decimals, *cap, *amount);
            let record = AssetRecord { id, issuer, decimals, cap, issued, burned: 0 };
            ctx.create(ctx.path(0)?, Cell::Asset(record))?;
            if issued > 0 {
                ctx.add(ctx.path(1)?, Amount { asset: Asset::Issued(id), amount: issued })?;
            }
            Ok(())
        }
        Issue::Mint { asset, mints } => mint(ctx, *asset, mints),
    }
}

fn mint(ctx: &mut TxCtx<'_>, id: AssetId, mints: &[Mint]) -> Result<(), Failure> {
    let path = ctx.path(0)?;
    let record = match ctx.read(&path)? {
        None => return Err(Failure::UnknownAsset),
        Some(Cell::Asset(record)) => *record,
        Some(other) => panic!("{path:?} should be an asset but is {other:?}"),
    };
    if record.issuer != ctx.payer_address() {
        return Err(Failure::NotIssuer);
    }
    let add = |sum: u64, mint: &Mint| sum.checked_add(mint.amount);
    let issued = mints.iter().try_fold(record.issued, add).filter(|sum| *sum <= record.cap);
    let issued = issued.ok_or(Failure::AboveCap)?;
    ctx.write(path, Some(Cell::Asset(AssetRecord { issued, ..record })))?;
    for (nth, mint) in mints.iter().enumerate() {
        let amount = Amount { asset: Asset::Issued(id), amount: mint.amount };
        ctx.add(ctx.path(1 + nth)?, amount)?;
    }
    Ok(())
}
