//! One reader of the history, as server-sent events. Whatever it is behind waits in the ring, not here.

use std::{collections::VecDeque, convert::Infallible, sync::Arc};

use axum::response::sse::Event as Sent;
use futures_util::{Stream, stream};
use quorate_core::types::Height;
use tokio::sync::watch;

use super::{
    super::{backend::Backend, json::HeightJson, server::Counted},
    Hub, Located, Next,
    id::EventId,
    words,
};
use crate::store::BlockSummary;

/// Final heights that are repeated from the store at most.
const REPEATED_MAX: u64 = 1_000;

struct Reader {
    hub: Hub,
    backend: Arc<dyn Backend>,
    told: watch::Receiver<u64>,
    closed: watch::Receiver<bool>,
    cursor: u64,
    /// The last id it has.
    last: Option<EventId>,
    /// To be sent before anything else.
    first: VecDeque<Sent>,
    /// Heights to repeat from the store, with both ends.
    repeat: Option<(u64, u64)>,
    _counted: Counted,
}

/// Everything after an event, or from now on.
pub(crate) fn follow(
    hub: Hub,
    backend: Arc<dyn Backend>,
    after: Option<EventId>,
    counted: Counted,
) -> impl Stream<Item = Result<Sent, Infallible>> {
    let (told, closed) = (hub.0.told.subscribe(), hub.0.closed.subscribe());
    let cursor = hub.end();
    let mut reader = Reader {
        hub,
        backend,
        told,
        closed,
        cursor,
        last: after,
        first: VecDeque::new(),
        repeat: None,
        _counted: counted,
    };
    // Tells at once that the stream is there, and how long to wait before connecting again.
    reader
        .first
        .push_back(Sent::default().comment("quorate").retry(std::time::Duration::from_secs(1)));
    if let Some(after) = after {
        reader.resume(after);
    }
    stream::unfold(reader, |mut reader| async move {
        let sent = reader.next().await?;
        Some((Ok(sent), reader))
    })
}

impl Reader {
    /// Takes up where an earlier stream ended.
    fn resume(&mut self, after: EventId) {
        match self.hub.locate(after) {
            Located::Held(cursor) => self.cursor = cursor,
            Located::Lost { from, to, cursor, next } => {
                self.cursor = cursor;
                self.skip(after, next, from, to);
            }
        }
    }

    /// Announces a gap, and that final heights within it are repeated.
    fn skip(&mut self, from: EventId, to: EventId, first: u64, last: u64) {
        let first = first.max(last.saturating_sub(REPEATED_MAX - 1)).max(1);
        self.repeat = (first <= last).then_some((first, last));
        let data = words::gap(from, to, self.repeat.map(|(first, _)| first));
        // Without an id: whoever is cut off here begins with the gap again.
        self.first.push_back(Sent::default().event("gap").data(data));
    }

    /// The next event; `None` at the end.
    async fn next(&mut self) -> Option<Sent> {
        loop {
            if *self.closed.borrow() {
                return None;
            }
            if let Some(sent) = self.first.pop_front() {
                return Some(sent);
            }
            if let Some((height, last)) = self.repeat.take() {
                self.repeat = (height < last).then(|| (height.saturating_add(1), last));
                if let Some(sent) = self.repeated(height).await {
                    return Some(sent);
                }
                continue;
            }
            // Looked at before the ring, so that nothing told in between is slept over.
            self.told.borrow_and_update();
            match self.hub.next(self.cursor) {
                Next::Event(event) => {
                    self.cursor = self.cursor.saturating_add(1);
                    self.last = Some(event.id);
                    let id = event.id.to_string();
                    return Some(Sent::default().id(id).event(event.name).data(&event.data));
                }
                Next::Gone { cursor, next } => {
                    self.cursor = cursor;
                    let from = self.last.unwrap_or(next);
                    let told_from =
                        if next.seq == 0 { next.height } else { next.height.saturating_add(1) };
                    self.skip(
                        from,
                        next,
                        from.height.saturating_add(1),
                        told_from.saturating_sub(1),
                    );
                }
                Next::Nothing => {
                    let goes_on = tokio::select! {
                        told = self.told.changed() => told.is_ok(),
                        closed = self.closed.changed() => closed.is_ok(),
                    };
                    if !goes_on {
                        return None;
                    }
                }
            }
        }
    }

    /// The finality of a height, from the store; `None` if it is not kept.
    async fn repeated(&mut self, height: u64) -> Option<Sent> {
        let found = self.backend.summary_at(Height::new(height)).await.ok()??;
        let id = EventId::finality(height);
        self.last = Some(id);
        let data = serde_json::to_string(&summary(&found)).expect("events are plain data");
        Some(Sent::default().id(id.to_string()).event("finalized").data(data))
    }
}

/// A stored block, told like one that has just become final.
fn summary(found: &BlockSummary) -> HeightJson {
    let header = &found.header;
    let candidate = found.proof.as_ref().map(|proof| proof.candidate);
    let certificate = found.proof.as_ref().and_then(|proof| proof.finalization.as_ref());
    HeightJson {
        height: header.height.get(),
        digest: found.digest.into(),
        view: candidate.map_or(header.origin_view, |candidate| candidate.view).get(),
        views_used: candidate.map_or(1, |one| one.view.delta_from(one.parent_view)),
        leader: header.proposer.get(),
        timestamp_ms: header.timestamp.get(),
        transactions: found.transactions,
        finalized_after_ms: None,
        voters: certificate
            .map(|certificate| certificate.signers.iter().map(|index| index.get()).collect())
            .unwrap_or_default(),
    }
}
