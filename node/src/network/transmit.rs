//! One connection's outgoing half: what waits for the peer, written as few times as possible.
//!
//! Everything urgent that waits goes into one write, so a burst of votes is one TLS record and one system call.

use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    task::JoinHandle,
};

use super::{Shared, counters::count_bytes, end::End, link::Link, outbox::Next};

/// Writes until the connection ends.
pub(crate) async fn transmit<W: AsyncWrite + Unpin>(
    shared: &Shared,
    link: &Link,
    io: &mut W,
) -> End {
    match try_transmit(shared, link, io).await {
        Ok(end) => end,
        Err(error) => End::of_io(error),
    }
}

async fn try_transmit<W: AsyncWrite + Unpin>(
    shared: &Shared,
    link: &Link,
    io: &mut W,
) -> std::io::Result<End> {
    let mut out = Vec::new();
    let mut packing: Option<JoinHandle<()>> = None;
    let mut is_flushed = true;
    loop {
        let next = link.outbox.fill(&mut out, packing.is_some());
        count_bytes(&shared.cells.bytes_written, out.len());
        match next {
            Next::Write => {
                io.write_all(&out).await?;
                out.clear();
                is_flushed = false;
            }
            Next::Last(why) => {
                io.write_all(&out).await?;
                io.flush().await?;
                io.shutdown().await?;
                return Ok(End::Said(why));
            }
            Next::Pack(outgoing) => {
                packing = Some(tokio::task::spawn_blocking(move || {
                    outgoing.pack();
                }));
            }
            Next::Idle if !is_flushed => {
                io.flush().await?;
                is_flushed = true;
            }
            Next::Idle => match &mut packing {
                None => link.outbox.wake.notified().await,
                Some(pack) => tokio::select! {
                    () = link.outbox.wake.notified() => {}
                    // Packed or not, what failed to pack goes as it is.
                    _ = pack => packing = None,
                },
            },
        }
    }
}
