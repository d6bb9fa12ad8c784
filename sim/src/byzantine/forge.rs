//! Makes up what others would have had to sign.
//!
//! With every checkpoint it signs goes the certificate of a false one, in everybody's name; with every
//! Notarize that goes by itself, evidence that another validator, drawn each time, has notarized two
//! candidates. Every signature in them is its own, made over the right bytes, and shown as somebody
//! else's.

use std::fmt::Debug;

use quorate_core::{
    block::Candidate,
    certificate::Certificate,
    evidence::Evidence,
    message::Message,
    types::{Digest, ValidatorIndex},
    vote::{Signable, Statement, Vote},
};

use super::{Behaviour, Context, Outgoing, wrong_state_root::spoil};

/// Adds forgeries to its votes.
pub struct Forge;

impl Behaviour for Forge {
    fn name(&self) -> &'static str {
        "forge"
    }

    fn edit(&mut self, context: &mut Context<'_>, outgoing: Outgoing, out: &mut Vec<Outgoing>) {
        let forged = match outgoing.message.as_ref() {
            Message::CheckpointVotes(votes) => {
                let newest = votes.iter().map(|vote| vote.statement).max_by_key(|one| one.height);
                newest.map(|newest| {
                    // What nobody computed.
                    let false_one = in_the_name_of_all(context, spoil(&newest));
                    Message::CheckpointCertificate(Box::new(false_one))
                })
            }
            Message::Vote(Vote { statement: Statement::Notarize(candidate), .. }) => {
                accuse(context, *candidate).map(|evidence| Message::Evidence(Box::new(evidence)))
            }
            _ => None,
        };
        let forged = forged.map(|forged| outgoing.instead(outgoing.to.clone(), forged));
        out.push(outgoing);
        out.extend(forged);
    }
}

/// A vote in another's name.
fn in_the_name_of<S: Signable>(
    context: &Context<'_>,
    signer: ValidatorIndex,
    statement: S,
) -> Vote<S> {
    Vote { signer, ..context.sign(statement) }
}

/// A statement that all seem to have signed.
pub(super) fn in_the_name_of_all<S>(context: &Context<'_>, statement: S) -> Certificate<S>
where
    S: Copy + Debug + Eq + Signable,
{
    let members = context.committee.members();
    let votes = members.map(|(index, _)| in_the_name_of(context, index, statement)).collect();
    Certificate::from_votes(statement, votes)
}

/// Two candidates of one view, notarized by somebody else.
fn accuse(context: &mut Context<'_>, candidate: Candidate) -> Option<Evidence> {
    let others: Vec<ValidatorIndex> = context
        .committee
        .members()
        .map(|(index, _)| index)
        .filter(|index| *index != context.index)
        .collect();
    let count = u64::try_from(others.len()).expect("a committee is small");
    let drawn = usize::try_from(context.rng.next().checked_rem(count)?).expect("below a length");
    let victim = others[drawn];
    let mut block = *candidate.block.get();
    block[0] ^= 1;
    let other = Candidate { block: Digest::new(block), ..candidate };
    let [first, second] = [candidate, other]
        .map(|candidate| in_the_name_of(context, victim, Statement::Notarize(candidate)));
    Evidence::of(&first, &second)
}

#[cfg(test)]
mod tests;
