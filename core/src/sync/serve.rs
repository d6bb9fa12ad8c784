//! Answering peers that lack blocks or old certificates (P75).

use std::sync::Arc;

use super::Sync;
use crate::{
    block::Block,
    certificate::Certificate,
    effect::{Effect, Recipients},
    job::{BlockRange, Job, JobId, ReadWant, fitting},
    message::{BlockRequest, BlockResponse, BlockWant, CERTIFICATES_MAX, Message},
    notice::Out,
    types::{PeerId, View},
    vote::Kind,
};

/// Reads under way per peer; a peer that asks for more at once is not answered.
const READS_PER_PEER_MAX: usize = 2;

/// Reads under way for everybody together.
const READS_MAX: usize = 64;

impl Sync {
    /// A peer asks for blocks. One that is in memory is sent at once.
    pub(crate) fn on_request(
        &mut self,
        from: PeerId,
        request: BlockRequest,
        in_memory: Option<&Arc<Block>>,
        out: &mut Out<'_>,
    ) {
        if let (BlockWant::Digest(_), Some(block)) = (request.want, in_memory) {
            let blocks = vec![Arc::clone(block)];
            return respond(from, request.id, BlockRange { blocks, ..BlockRange::default() }, out);
        }
        self.read(from, request.id, ReadWant::Blocks(request.want), out);
    }

    /// A peer asks for certificates that are not in memory.
    pub(crate) fn on_certificates_wanted(
        &mut self,
        by: PeerId,
        view: View,
        kind: Option<Kind>,
        out: &mut Out<'_>,
    ) {
        let want = match kind {
            Some(kind) => ReadWant::Certificate(view, kind),
            None => ReadWant::ProofAt(view),
        };
        self.read(by, 0, want, out);
    }

    fn read(&mut self, from: PeerId, request: u64, want: ReadWant, out: &mut Out<'_>) {
        let own = self.serving.values().filter(|(peer, _)| *peer == from).count();
        if own >= READS_PER_PEER_MAX || self.serving.len() >= READS_MAX {
            return;
        }
        let id = out.jobs.next();
        self.serving.insert(id, (from, request));
        out.fx.push(Effect::Run(Job::Read { id, want }));
    }

    /// Blocks were read for a peer.
    pub(crate) fn on_blocks_read(&mut self, id: JobId, found: BlockRange, out: &mut Out<'_>) {
        if let Some((peer, request)) = self.serving.remove(&id) {
            respond(peer, request, found, out);
        }
    }

    /// Certificates were read for a peer.
    pub(crate) fn on_certificates_read(
        &mut self,
        id: JobId,
        found: Vec<Certificate>,
        out: &mut Out<'_>,
    ) {
        let Some((peer, _)) = self.serving.remove(&id) else { return };
        if !found.is_empty() {
            let certificates = fitting::<_, CERTIFICATES_MAX>(found);
            out.fx.send(Recipients::One(peer), Message::Certificates(certificates));
        }
    }
}

fn respond(to: PeerId, id: u64, range: BlockRange, out: &mut Out<'_>) {
    let response = BlockResponse {
        id,
        blocks: fitting(range.blocks),
        links: fitting(range.links),
        finalization: range.finalization,
        proofs: fitting(range.proofs),
    };
    out.fx.send(Recipients::One(to), Message::BlockResponse(response));
}
