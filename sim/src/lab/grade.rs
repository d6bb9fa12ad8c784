//! Which scenarios each planted bug is looked for in, and what counts as finding it.
//!
//! The lists are short on purpose: scenarios that have the circumstances a bug needs, then the two that
//! have a little of everything. A grade is about the scenarios and checkers that are there anyway, so
//! nothing here knows what a bug does. Only with the feature `planted-bugs`.

use quorate_core::planted::Bug;

use crate::{
    lab::swarm,
    report::{RunReport, Verdict},
    scenario::Scenario,
};

/// Stands for the random scenario of a seed, as `swarm` makes it.
pub const SWARM: &str = "swarm";

/// Where every bug is looked for in the end.
const GENERAL: [&str; 2] = ["mixed", SWARM];

/// The random scenario of a seed.
#[must_use]
pub fn random(seed: u64) -> Scenario {
    swarm::scenario(seed, &swarm::VALIDATORS)
}

/// The names of the scenarios a bug is looked for in, in their order.
#[must_use]
pub fn scenarios(bug: Bug) -> Vec<&'static str> {
    apt(bug).iter().chain(&GENERAL).copied().collect()
}

/// Scenarios with the circumstances that a bug needs.
fn apt(bug: Bug) -> &'static [&'static str] {
    match bug {
        Bug::QuorumOffByOne | Bug::FinalizeUnnotarized => &["equivocate-proposal"],
        Bug::NotarizeTwice => &["equivocate-proposal", "equivocate-both"],
        Bug::NotarizeAfterNullify => &["delay-proposal", "slow-leader"],
        Bug::FinalizeAfterNullify => &["no-finalize-after-nullify", "views-fail-then-heal"],
        Bug::SkippedViewUnproven => &["skip-parent"],
        Bug::AncestryUnchecked => &["invalid-block"],
        Bug::TimeoutNeverGrows => &["slow-network"],
        Bug::LeaderOffForOne => &["leader-crash-4"],
        Bug::OwnVoteUncounted => &["three-of-three"],
        Bug::NullificationIgnored => &["leader-crash-4"],
        Bug::CertificateUnchecked => &["conflicting-certificate", "bad-signature"],
        Bug::CertificateUnweighed => &["conflicting-certificate"],
        Bug::VoteUnchecked => &["bad-signature"],
        Bug::TimestampBackwards => &["leader-clock-behind"],
        Bug::ResendForgotten => &["lossy-until-good", "even-split"],
        Bug::WantForgotten => &["minority-rejoins-under-loss"],
        Bug::BlocksNeverForgotten => &["long-run"],
        Bug::CertificateUnwritten | Bug::BlockUnwritten | Bug::DeliveredEarly => &["good-case"],
        Bug::FinalityUnwritten => &["stop-and-restart"],
        Bug::PromiseUnrecorded => &["proposal-after-sign-state", "crash-loop-everybody"],
        Bug::CheckpointUnrecorded => &["divergence-uncertified"],
        Bug::RestartForgetsNotarize => &["proposal-after-send", "leader-after-restart"],
        Bug::RestartForgetsNullify => &["nullify-from-log", "crash-loop-everybody"],
        Bug::RestartAtFinalized => &["stop-and-restart", "crash-loop"],
        Bug::EvidenceOfEqualVotes => &["lossy-links"],
        Bug::EvidenceOfNullify => &["leader-crash-4", "lossy-links"],
        Bug::EvidenceUnchecked => &["forge"],
        Bug::EvidenceDropped => &["equivocate-proposal", "equivocate-vote"],
        Bug::EvidenceForgotten => &["evidence-outlives-power"],
        Bug::StakeKept => &["equivocate-vote", "equivocate-proposal"],
        Bug::SyncPayloadUnchecked | Bug::SyncRunUnlinked | Bug::SyncUnsigned => &["liars-to-ask"],
        Bug::SyncNeverRepeats => &["withhold-sync"],
        Bug::NonceReused => &["skipped-in-a-block", "invalid-by-the-thousand"],
        Bug::FeeLost | Bug::TokensMinted => &["mixed-kinds"],
        Bug::CreditDropped => &["mixed-patterns", "mixed-kinds"],
        Bug::FailureUncharged => &["mixed-kinds", "mixed-kinds-byzantine"],
        Bug::LevelOffByOne => &["conflict-chain-shuffled", "mixed-kinds"],
        Bug::RootSkipsCell => &["mixed-kinds"],
        Bug::CheckpointOtherHeight => &["checkpoints"],
        Bug::CheckpointUnchecked => &["forge"],
        Bug::DivergenceIgnored => &["divergence-one", "divergence-third"],
        Bug::SignersIgnored => &["steal"],
        Bug::PoolUnbounded => &["mempool-flood"],
        Bug::ReplacedForNothing => &["replacement-storm"],
        Bug::ExecutedKept => &["mempool-flood", "checkpoints"],
        Bug::AncestorsRepeated => &["checkpoints", "skipped-in-a-block"],
        Bug::UncheckedAdmitted => &["invalid-by-the-thousand", "mempool-flood"],
        Bug::CompactUnchecked => &["compact-overlap", "compact-lossy"],
        Bug::CompactNeverAsks => &["compact-lossy", "compact-withheld"],
    }
}

/// Bugs that nothing here is known to find, and why. Empty is how it should be.
const BLIND_SPOTS: &[(Bug, &str)] = &[];

/// Why nothing here is known to find a bug, if so. Grading with `--bugs expected` leaves these out.
#[must_use]
pub fn blind_spot(bug: Bug) -> Option<&'static str> {
    BLIND_SPOTS.iter().find(|(blind, _)| *blind == bug).map(|(_, why)| *why)
}

/// Whether a run shows that something is wrong with the core: an invariant broken, progress owed and
/// not made, an assertion of the core itself, or an expectation of the scenario not met.
#[must_use]
pub fn is_found(report: &RunReport) -> bool {
    match report.verdict {
        Verdict::Violation(_)
        | Verdict::Stall { .. }
        | Verdict::CorePanic { .. }
        | Verdict::ExpectationNotMet(_) => true,
        Verdict::Held | Verdict::NoVerdict { .. } | Verdict::Infrastructure { .. } => false,
    }
}
