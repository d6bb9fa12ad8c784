//! What a block does after its last transaction: offences are punished, then fees are settled.
//!
//! Runs once per block whatever scheduler ran before it, so no counter that every transaction would
//! touch is ever a hot cell.

use crate::{
    block::Payload,
    committee::Committee,
    evidence::Evidence,
    execution::{
        cell::{Cell, CellPath, OffenceRecord, System, SystemKey},
        overlay::Overlay,
    },
    planted::planted,
    types::{Height, ValidatorId},
};

/// The cells the epilogue may touch.
pub(super) fn paths(payload: &Payload, committee: &Committee) -> Vec<CellPath> {
    let mut paths = Vec::new();
    if !payload.transactions.is_empty() {
        paths.push(CellPath::system(&SystemKey::Fees));
        paths.push(CellPath::system(&SystemKey::Burned));
    }
    for evidence in payload.evidence.iter() {
        let Some((validator, offence)) = offender(committee, evidence) else { continue };
        paths.push(CellPath::system(&offence));
        paths.push(CellPath::system(&SystemKey::Stake(validator)));
        paths.push(CellPath::system(&SystemKey::Burned));
    }
    paths
}

/// What the transactions of a block took from somebody and gave to nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spent {
    /// As fees.
    pub(super) fees: u64,
    /// Destroyed.
    pub(super) burned: u64,
}

/// Punishes what the evidence proves and settles the block's fees.
pub(super) fn run(
    overlay: &mut Overlay,
    committee: &Committee,
    height: Height,
    payload: &Payload,
    spent: Spent,
) {
    for evidence in payload.evidence.iter() {
        punish(overlay, committee, height, evidence);
    }
    settle(overlay, spent);
}

/// Whom the evidence convicts, and the cell that remembers it.
///
/// Evidence that proves nothing changes nothing: validators refuse to vote for a block with any, but
/// a block that is final all the same must not stop the chain.
fn offender(committee: &Committee, evidence: &Evidence) -> Option<(ValidatorId, SystemKey)> {
    let offence = evidence.offence()?;
    let validator = committee.member(evidence.signer())?.validator;
    Some((validator, SystemKey::Offence(validator, evidence.epoch(), offence)))
}

/// Records an offence and destroys the offender's stake, once per validator, epoch and offence.
fn punish(overlay: &mut Overlay, committee: &Committee, height: Height, evidence: &Evidence) {
    let Some((validator, key)) = offender(committee, evidence) else { return };
    let SystemKey::Offence(_, epoch, offence) = key else { return };
    let path = CellPath::system(&key);
    if overlay.read(&path).is_some() {
        return;
    }
    let slashed = overlay.total(&SystemKey::Stake(validator));
    let record = OffenceRecord { validator, epoch, offence, height, slashed };
    overlay.write(&path, Some(Cell::System(System::Offence(record))));
    if slashed > 0 {
        let burned = overlay.total(&SystemKey::Burned).checked_add(slashed);
        let burned = burned.expect("burned tokens are part of the supply");
        let stake = CellPath::system(&SystemKey::Stake(validator));
        let left = if planted!(StakeKept) { slashed } else { 0 };
        overlay.write(&stake, Some(Cell::System(System::Stake(left))));
        let burned = Cell::System(System::Burned(burned));
        overlay.write(&CellPath::system(&SystemKey::Burned), Some(burned));
    }
}

/// Adds a block's fees and burned tokens to the totals.
fn settle(overlay: &mut Overlay, spent: Spent) {
    let spent_of = |overlay: &Overlay, key, more: u64| {
        overlay.total(key).checked_add(more).expect("what was spent is part of the supply")
    };
    if spent.fees > 0 && !planted!(FeeLost) {
        let total = System::Fees(spent_of(overlay, &SystemKey::Fees, spent.fees));
        overlay.write(&CellPath::system(&SystemKey::Fees), Some(Cell::System(total)));
    }
    if spent.burned > 0 {
        let total = System::Burned(spent_of(overlay, &SystemKey::Burned, spent.burned));
        overlay.write(&CellPath::system(&SystemKey::Burned), Some(Cell::System(total)));
    }
}
