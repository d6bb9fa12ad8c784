//! Objects: each action works on the inputs as the ones before it left them; at the end all that may
//! have changed get one new version.
//!
//! Declares the owned inputs, to write; the shared inputs, to read or to write; then the objects to
//! make, to write.

use super::Declarations;
use crate::{
    execution::{
        access::Access,
        cell::{Cell, CellPath, Object},
        ctx::TxCtx,
        outcome::{Detail, Failure},
    },
    transaction::{
        Address, Amount, Asset, ObjectAction, ObjectId, ObjectOwner, Objects, OwnedInput,
        SharedInput,
    },
    types::Digest,
};

pub(super) fn declare(objects: &Objects, id: &Digest, declarations: &mut Declarations) {
    let owned = |input: &OwnedInput| (CellPath::object(&input.id), Access::Write);
    declarations.extend(objects.owned.iter().map(owned));
    let shared = |input: &SharedInput| {
        let access = if input.is_written { Access::Write } else { Access::Read };
        (CellPath::object(&input.id), access)
    };
    declarations.extend(objects.shared.iter().map(shared));
    let name = |index| CellPath::object(&ObjectId { transaction: *id, index });
    declarations.extend((0..).take(objects.created()).map(|index| (name(index), Access::Write)));
}

/// An input under way. `now` is `None` once it is deleted.
struct Input {
    path: CellPath,
    now: Option<Object>,
    is_written: bool,
}

pub(super) fn run(ctx: &mut TxCtx<'_>, objects: &Objects) -> Result<(), Failure> {
    let mut inputs = owned(ctx, objects)?;
    inputs.extend(shared(ctx, objects)?);
    let highest = inputs.iter().filter_map(|input| input.now.as_ref()).map(|now| now.version).max();
    let version = highest.unwrap_or(0).checked_add(1).expect("2^64 transactions outlast any chain");
    let mut index = 0;
    for action in &objects.actions {
        if let ObjectAction::Create { owner, held, data } = action {
            let id = ObjectId { transaction: ctx.id(), index };
            ctx.debit_native(*held)?;
            let owner = ObjectOwner::Account(*owner);
            let object = Object { id, version, owner, held: *held, data: data.clone() };
            let nth = inputs.len() + usize::try_from(index).expect("a few objects");
            ctx.create(ctx.path(nth)?, Cell::Object(object))?;
            index += 1;
        } else if let Some(input) = action.input().and_then(|place| inputs.get_mut(place)) {
            act(ctx, input, action)?;
        }
    }
    for Input { path, now, .. } in inputs.into_iter().filter(|input| input.is_written) {
        ctx.write(path, now.map(|now| Cell::Object(Object { version, ..now })))?;
    }
    ctx.emit(Detail::Version(version));
    Ok(())
}

fn owned(ctx: &TxCtx<'_>, objects: &Objects) -> Result<Vec<Input>, Failure> {
    let mut inputs = Vec::with_capacity(objects.owned.len() + objects.shared.len());
    for (nth, wanted) in objects.owned.iter().enumerate() {
        let (path, object) = load(ctx, nth, &wanted.id)?;
        if object.owner != ObjectOwner::Account(ctx.payer_address()) {
            return Err(Failure::NotOwner);
        }
        if object.version != wanted.version {
            return Err(Failure::StaleVersion);
        }
        inputs.push(Input { path, now: Some(object), is_written: true });
    }
    Ok(inputs)
}

fn shared(ctx: &TxCtx<'_>, objects: &Objects) -> Result<Vec<Input>, Failure> {
    let mut inputs = Vec::with_capacity(objects.shared.len());
    for (nth, SharedInput { id, is_written }) in objects.shared.iter().enumerate() {
        let (path, object) = load(ctx, objects.owned.len() + nth, id)?;
        match object.owner {
            ObjectOwner::Account(_) => return Err(Failure::NotShared),
            ObjectOwner::Frozen if *is_written => return Err(Failure::FrozenObject),
            ObjectOwner::Frozen | ObjectOwner::Shared { .. } => {}
        }
        inputs.push(Input { path, now: Some(object), is_written: *is_written });
    }
    Ok(inputs)
}

fn load(ctx: &TxCtx<'_>, nth: usize, id: &ObjectId) -> Result<(CellPath, Object), Failure> {
    let path = ctx.path(nth)?;
    match ctx.read(&path)? {
        None => Err(Failure::MissingObject),
        Some(Cell::Object(object)) => {
            assert_eq!(object.id, *id, "{path:?} is another object");
            Ok((path, object.clone()))
        }
        Some(other) => panic!("{path:?} should be an object but is {other:?}"),
    }
}

/// Does one action to its input.
fn act(ctx: &mut TxCtx<'_>, input: &mut Input, action: &ObjectAction) -> Result<(), Failure> {
    let payer = ctx.payer_address();
    let object = input.now.as_mut().ok_or(Failure::ObjectGone)?;
    match action {
        ObjectAction::Create { .. } => {}
        ObjectAction::Mutate { data, .. } => {
            if !matches!(object.owner, ObjectOwner::Shared { .. }) {
                check_owner(object, &payer)?;
            }
            object.data = data.clone();
        }
        ObjectAction::Transfer { to, .. } => {
            check_owner(object, &payer)?;
            object.owner = ObjectOwner::Account(*to);
        }
        ObjectAction::Share { .. } => {
            check_owner(object, &payer)?;
            object.owner = ObjectOwner::Shared { by: payer };
        }
        ObjectAction::Freeze { .. } => {
            check_sharer(object, &payer)?;
            object.owner = ObjectOwner::Frozen;
        }
        ObjectAction::Delete { .. } => {
            check_sharer(object, &payer)?;
            let amount = object.held;
            input.now = None;
            // Written before its tokens are given away, so that they are never in two places.
            ctx.write(input.path, None)?;
            if amount > 0 {
                ctx.add(ctx.payer_path(0)?, Amount { asset: Asset::Native, amount })?;
                ctx.emit(Detail::Returned(amount));
            }
        }
    }
    Ok(())
}

/// Only the owner may do this.
fn check_owner(object: &Object, payer: &Address) -> Result<(), Failure> {
    match object.owner {
        ObjectOwner::Account(owner) if owner == *payer => Ok(()),
        ObjectOwner::Account(_) | ObjectOwner::Shared { .. } => Err(Failure::NotOwner),
        ObjectOwner::Frozen => Err(Failure::FrozenObject),
    }
}

/// Only the owner, or whoever shared it, may do this.
fn check_sharer(object: &Object, payer: &Address) -> Result<(), Failure> {
    match object.owner {
        ObjectOwner::Shared { by } if by == *payer => Ok(()),
        _ => check_owner(object, payer),
    }
}
