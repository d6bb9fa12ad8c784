//! Sends more than anybody could want: legal in size, worthless in content.
//!
//! In turn: votes for views far ahead and long past, garbage proposals, the same certificates again and
//! again, questions, and now and then an answer of half a megabyte that nobody asked for. The rate
//! holds on average: what is due goes out with the next message the replica sends, which its
//! heartbeats guarantee.

use std::sync::Arc;

use quorate_core::{
    block::{Block, Candidate, Header, Payload},
    certificate::Certificate,
    codec::Bounded,
    message::{
        BlockRequest, BlockResponse, BlockWant, Body, CERTIFICATES_MAX, CertificateRequest,
        Justify, LINKS_MAX, Message, Proposal, Status, VOTES_MAX,
    },
    time::UnixMillis,
    types::{Digest, Height, View},
    vote::Statement,
};

use super::{Behaviour, Context, Outgoing};

/// Messages that go out at once at the most, to each peer.
const BURST_MAX: u64 = 1_000;

/// Of so many messages one is huge.
const HUGE_EVERY: u64 = 256;

/// How far its votes and questions stray from the current view.
const VIEWS_ASTRAY: u64 = 1_000_000;

/// Sends junk at a steady rate.
pub struct Flood {
    per_second: u32,
    /// World time up to which everything due has been sent.
    paid: Option<u64>,
    sent: u64,
    certificate: Option<Certificate>,
}

impl Flood {
    /// So many messages per second to each peer.
    #[must_use]
    pub fn new(per_second: u32) -> Self {
        Self { per_second, paid: None, sent: 0, certificate: None }
    }

    /// How many messages are due since the last time.
    fn due(&mut self, now: u64) -> u64 {
        const SECOND: u64 = 1_000_000_000;
        let rate = u128::from(self.per_second);
        let paid = *self.paid.get_or_insert(now);
        let due = u128::from(now.saturating_sub(paid)) * rate / u128::from(SECOND);
        if due > 0 {
            self.paid = Some(now);
        }
        u64::try_from(due).unwrap_or(u64::MAX).min(BURST_MAX)
    }

    fn junk(&mut self, context: &mut Context<'_>) -> Message {
        self.sent += 1;
        if self.sent.is_multiple_of(HUGE_EVERY) {
            return huge(context);
        }
        match context.rng.below(6) {
            0 => {
                let draw = context.rng.next();
                Message::Vote(context.sign(stray_statement(draw, context)))
            }
            1 => {
                let draws: Vec<u64> = (0..VOTES_MAX).map(|_| context.rng.next()).collect();
                let votes =
                    draws.into_iter().map(|draw| context.sign(stray_statement(draw, context)));
                Message::Votes(Bounded::new(votes.collect()))
            }
            2 => Message::Proposal(Arc::new(garbage_proposal(context))),
            3 => match &self.certificate {
                Some(certificate) => {
                    Message::Certificates(Bounded::new(vec![certificate.clone(); CERTIFICATES_MAX]))
                }
                None => Message::Status(wild_status(context)),
            },
            4 => Message::CertificateRequest(CertificateRequest {
                epoch: context.epoch,
                view: stray_view(context.rng.next(), context),
                kind: None,
            }),
            _ => {
                let height = context.height.plus(context.rng.below(VIEWS_ASTRAY));
                let id = context.rng.next();
                Message::BlockRequest(BlockRequest { id, want: BlockWant::From(height) })
            }
        }
    }
}

impl Behaviour for Flood {
    fn name(&self) -> &'static str {
        "flood"
    }

    fn edit(&mut self, context: &mut Context<'_>, outgoing: Outgoing, out: &mut Vec<Outgoing>) {
        for _ in 0..self.due(context.now) {
            let message = self.junk(context);
            out.push(Outgoing::new(context.peers.to_vec(), message));
        }
        out.push(outgoing);
    }

    fn overhear(&mut self, _context: &mut Context<'_>, _from: u32, message: &Arc<Message>) {
        if let Message::Certificates(certificates) = message.as_ref() {
            self.certificate = certificates.first().cloned();
        }
    }
}

/// A view around the current one: near as often as far.
fn stray_view(draw: u64, context: &Context<'_>) -> View {
    let distance = if draw & 1 == 0 { draw >> 60 } else { (draw >> 1) % VIEWS_ASTRAY };
    if draw & 2 == 0 { context.view.plus(distance) } else { context.view.minus(distance) }
}

fn stray_candidate(draw: u64, context: &Context<'_>) -> Candidate {
    let mut block = [0; 32];
    block[..8].copy_from_slice(&draw.to_le_bytes());
    let view = stray_view(draw, context);
    Candidate {
        epoch: context.epoch,
        view,
        parent_view: view.minus(1),
        parent_id: Digest::ZERO,
        block: Digest::new(block),
    }
}

fn stray_statement(draw: u64, context: &Context<'_>) -> Statement {
    match draw % 3 {
        0 => Statement::Notarize(stray_candidate(draw, context)),
        1 => Statement::Finalize(stray_candidate(draw, context)),
        _ => Statement::Nullify { epoch: context.epoch, view: stray_view(draw, context) },
    }
}

fn garbage_block(context: &mut Context<'_>) -> Block {
    let payload = Payload::default();
    let mut parent = [0; 32];
    parent[..8].copy_from_slice(&context.rng.next().to_le_bytes());
    let header = Header {
        chain_id: context.signing.chain_id,
        epoch: context.epoch,
        height: Height::new(context.height.get()).next(),
        parent: Digest::new(parent),
        origin_view: context.view,
        proposer: context.index,
        payload_root: payload.root(),
        payload_len: payload.encoded_len(),
        timestamp: UnixMillis::new(context.now / 1_000_000),
        evidence_root: payload.evidence_root(),
        next_committee: None,
    };
    Block::new(header, payload)
}

fn garbage_proposal(context: &mut Context<'_>) -> Proposal {
    let block = Arc::new(garbage_block(context));
    let draw = context.rng.next();
    let candidate = Candidate { block: block.digest(), ..stray_candidate(draw, context) };
    let notarize = context.sign(Statement::Notarize(candidate));
    Proposal { notarize, body: Body::Full(block), justify: Justify::default() }
}

fn wild_status(context: &mut Context<'_>) -> Status {
    let draw = context.rng.next();
    Status {
        epoch: context.epoch,
        view: stray_view(draw, context),
        finalized_view: stray_view(draw.rotate_left(7), context),
        finalized_height: context.height.plus(context.rng.below(VIEWS_ASTRAY)),
        finalized_id: Digest::ZERO,
        checkpoint: Height::ZERO,
    }
}

/// An answer nobody asked for, as long as the encoding lets it be without blocks.
fn huge(context: &mut Context<'_>) -> Message {
    let header = garbage_block(context).header().clone();
    Message::BlockResponse(BlockResponse {
        id: context.rng.next(),
        links: Bounded::new(vec![header; LINKS_MAX]),
        ..BlockResponse::default()
    })
}

#[cfg(test)]
mod tests;
