//! A body that keeps its request's place until it has been sent, or the client is gone.
//!
//! Handed on in small pieces: the connection takes the next one only when most of the last was taken by the
//! client's side of the network, so a place is held for about as long as the answer costs memory. A client
//! that takes a little now and then for ever is cut off.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Sleep, sleep},
};

/// Bytes of one piece.
const PIECE: usize = 32 * 1024;

/// A body and the place of its request.
pub(super) struct Held {
    body: Body,
    /// What is left of the frame that was taken last.
    rest: Bytes,
    deadline: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

impl Held {
    /// Sends `body` within `patience` and gives the place back at the end.
    pub(super) fn new(body: Body, place: OwnedSemaphorePermit, patience: Duration) -> Self {
        Self { body, rest: Bytes::new(), deadline: Box::pin(sleep(patience)), _place: place }
    }
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.deadline.as_mut().poll(context).is_ready() {
            let late = io::Error::new(io::ErrorKind::TimedOut, "the answer took too long to send");
            return Poll::Ready(Some(Err(axum::Error::new(late))));
        }
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                end => return Poll::Ready(end),
            }
        }
        let length = self.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = u64::try_from(self.rest.len()).unwrap_or(u64::MAX);
        let body = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(body.lower().saturating_add(rest));
        if let Some(upper) = body.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http_body_util::BodyExt as _;
    use tokio::sync::Semaphore;

    use super::*;

    /// The place is taken until the last piece is, and the pieces are the body.
    #[tokio::test]
    async fn holds_its_place_to_the_end() {
        let places = Arc::new(Semaphore::new(1));
        let place = || Arc::clone(&places).try_acquire_owned().expect("it is free");
        let whole = vec![7; PIECE * 2 + 5];
        let hour = Duration::from_secs(3_600);
        let mut held = Held::new(Body::from(whole.clone()), place(), hour);
        assert_eq!(held.size_hint().exact(), u64::try_from(whole.len()).ok());
        let mut read = Vec::new();
        while let Some(frame) = held.frame().await {
            read.extend(frame.expect("it is in time").into_data().expect("there are no trailers"));
            assert_eq!(places.available_permits(), 0, "after {} bytes", read.len());
        }
        assert_eq!(read, whole);
        drop(held);
        drop(place());
        let never = futures_util::stream::pending::<Result<Bytes, io::Error>>();
        let mut late = Held::new(Body::from_stream(never), place(), Duration::ZERO);
        late.frame().await.expect("an answer").expect_err("there is no time for it");
    }
}
