//! One connection's incoming half: frames to messages to the replica, within the peer's rates.
//!
//! Never trusts a byte: what makes no sense ends the connection, what is not allowed is an offence, and whoever is
//! too fast is not read for a while. Large messages are unpacked and decoded on threads that may block, while
//! votes behind them go on.

use std::{sync::Arc, time::Duration};

use quorate_core::{frame::Class, message::Message};
use tokio::{io::AsyncRead, task::JoinHandle, time::Instant};

use super::{
    Shared,
    control::Control,
    counters::{count, count_bytes},
    end::End,
    inbound::Delivery,
    link::{Link, Role},
    options::NetworkLimits,
    pack::unpack,
    rates::Buckets,
    reader::{FrameReader, Incoming},
    score::Offence,
};

/// A peer that is too fast is counted at most this often.
const TOO_FAST_EVERY: Duration = Duration::from_secs(1);

/// What is longer is unpacked and decoded on a thread that may block.
const INLINE_BYTES_MAX: usize = 64 * 1024;

/// A message being unpacked and decoded elsewhere.
type Opening = JoinHandle<(Class, usize, Result<Message, Offence>)>;

/// The incoming half of one connection.
pub(crate) struct Receiver<'a> {
    shared: &'a Shared,
    link: &'a Arc<Link>,
    buckets: Buckets,
    too_fast: Option<Instant>,
    /// At most one at a time, so that what is kept stays bounded.
    opening: Option<Opening>,
}

impl<'a> Receiver<'a> {
    pub(crate) fn new(shared: &'a Shared, link: &'a Arc<Link>) -> Self {
        let NetworkLimits { member, full, .. } = &shared.limits;
        let rates = if link.role == Role::Member { member } else { full };
        Self { shared, link, buckets: Buckets::new(rates), too_fast: None, opening: None }
    }

    /// Reads until the connection ends.
    pub(crate) async fn run<R: AsyncRead + Unpin>(mut self, frames: &mut FrameReader<R>) -> End {
        loop {
            if let Err(end) = self.step(frames).await {
                if let End::Offence(offence) = end {
                    self.shared.registry.offend(self.link.peer, offence);
                }
                return end;
            }
        }
    }

    async fn step<R: AsyncRead + Unpin>(&mut self, frames: &mut FrameReader<R>) -> Result<(), End> {
        self.link.on_listening();
        let (header, chunk) = match &mut self.opening {
            None => frames.frame().await?,
            Some(opening) => tokio::select! {
                biased;
                opened = opening => {
                    self.opening = None;
                    return self.on_opened(opened).await;
                }
                frame = frames.frame() => frame?,
            },
        };
        self.link.on_heard();
        count_bytes(&self.shared.cells.bytes_read, chunk.len());
        let class = header.class();
        self.wait(|buckets| buckets.take_bytes(class, chunk.len())).await;
        let Some(incoming) = frames.accept(&header, &chunk)? else { return Ok(()) };
        drop(chunk);
        self.wait(|buckets| buckets.take_message(class)).await;
        if class == Class::Control {
            return self.on_control(&incoming.bytes);
        }
        let unpacked = incoming.length().saturating_sub(incoming.bytes.len());
        self.wait(|buckets| buckets.take_bytes(class, unpacked)).await;
        if incoming.length() <= INLINE_BYTES_MAX {
            let length = incoming.length();
            return self.on_message(class, length, open(incoming)).await;
        }
        if let Some(opening) = self.opening.take() {
            let opened = opening.await;
            self.on_opened(opened).await?;
        }
        self.opening = Some(tokio::task::spawn_blocking(move || {
            let (class, length) = (incoming.class, incoming.length());
            (class, length, open(incoming))
        }));
        Ok(())
    }

    /// Waits until the peer's rates allow it.
    async fn wait(&mut self, take: impl Fn(&Buckets) -> Result<(), Duration>) {
        while let Err(wait) = take(&self.buckets) {
            let now = Instant::now();
            if self.too_fast.is_none_or(|last| now.duration_since(last) >= TOO_FAST_EVERY) {
                self.too_fast = Some(now);
                // No offence: who has fallen behind, or has many clients, has much to say.
                count(&self.shared.cells.throttled, 1);
            }
            tokio::time::sleep(wait).await;
        }
    }

    fn on_control(&self, bytes: &[u8]) -> Result<(), End> {
        let control = Control::decode(bytes);
        match control.map_err(|_| Offence::Undecodable(Class::Control))? {
            Control::Hello(_) => Err(Offence::SecondHello.into()),
            Control::Ping(number) => {
                self.link.outbox.pong(number);
                Ok(())
            }
            Control::Pong(number) => {
                self.link.on_pong(number);
                Ok(())
            }
            Control::Height(height) => {
                self.link.on_height(height);
                Ok(())
            }
            Control::Bye(why) => Err(End::Bye(why)),
        }
    }

    async fn on_opened(
        &mut self,
        opened: Result<(Class, usize, Result<Message, Offence>), tokio::task::JoinError>,
    ) -> Result<(), End> {
        // Decoding never panics; if the runtime is shutting down there is nothing more to do.
        let (class, length, message) = opened.map_err(|_| End::Stopping)?;
        self.on_message(class, length, message).await
    }

    async fn on_message(
        &self,
        class: Class,
        length: usize,
        message: Result<Message, Offence>,
    ) -> Result<(), End> {
        let (shared, link) = (self.shared, self.link);
        let message = message?;
        if let Err(offence) = check_allowed(link.role, class, length, &message) {
            shared.registry.offend(link.peer, offence);
            return Ok(());
        }
        if let Message::Status(status) = &message {
            link.on_height(status.finalized_height);
        }
        let is_member = link.role == Role::Member;
        match shared.inbound.deliver(link.peer, is_member, class, message, length).await {
            Delivery::Queued => {
                shared.cells.received.of(class).add(length);
                link.received.of(class).add(length);
            }
            Delivery::Dropped => {
                shared.cells.received.of(class).drop_some(1);
                link.received.of(class).drop_some(1);
            }
            Delivery::Closed => return Err(End::Stopping),
        }
        Ok(())
    }
}

/// The message in what came.
fn open(incoming: Incoming) -> Result<Message, Offence> {
    let Incoming { class, unpacked, bytes } = incoming;
    let plain = unpack(bytes.into(), unpacked).ok_or(Offence::Unpackable)?;
    Message::decode(&plain).map_err(|_| Offence::Undecodable(class))
}

/// Whether a peer of that role may send this message in that class.
fn check_allowed(
    role: Role,
    class: Class,
    length: usize,
    message: &Message,
) -> Result<(), Offence> {
    let own = Class::of(message, length);
    if own != class {
        return Err(Offence::WrongClass(class, own));
    }
    if role == Role::Full && !is_for_all(message) {
        return Err(Offence::MembersOnly(message.name()));
    }
    Ok(())
}

/// Whether a node may send it that is no member. Nobody asks such a node for anything, so answers are not among it.
pub(crate) fn is_for_all(message: &Message) -> bool {
    match message {
        Message::Status(_)
        | Message::CertificateRequest(_)
        | Message::BlockRequest(_)
        | Message::Transactions(_) => true,
        Message::Proposal(_)
        | Message::Vote(_)
        | Message::Votes(_)
        | Message::Certificates(_)
        | Message::BlockResponse(_)
        | Message::Evidence(_)
        | Message::CheckpointVotes(_)
        | Message::CheckpointCertificate(_)
        | Message::TransactionsRequest(_)
        | Message::TransactionsResponse(_) => false,
    }
}
