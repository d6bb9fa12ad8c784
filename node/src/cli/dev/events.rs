//! Finalized blocks as they come, read from a node's stream of events.

use bytes::Buf as _;
use http_body_util::BodyExt as _;

use crate::{
    api::json::HeightJson,
    cli::{Console, client::Client},
    exit::{Exit, Failure},
};

/// Bytes of the longest line of a stream that is kept.
const LINE_BYTES_MAX: usize = 1024 * 1024;

/// Prints a line per finalized block; ends after so many, or with the stream.
pub(super) async fn show(
    client: &Client,
    blocks_max: Option<u64>,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let mut stream = client.open("/v1/events").await?;
    let mut lines = Lines::default();
    let mut shown = 0;
    while let Some(frame) = stream.frame().await {
        let lost =
            |error| Failure::new(Exit::Unreachable, format!("the stream of events broke: {error}"));
        let Ok(data) = frame.map_err(lost)?.into_data() else { continue };
        for event in lines.take_in(data.chunk()) {
            let Some(height) = finalized(&event) else { continue };
            console.line(line(&height))?;
            console.flush()?;
            shown += 1;
            if blocks_max.is_some_and(|max| shown >= max) {
                return Ok(());
            }
        }
    }
    Err(Failure::new(Exit::Unreachable, "the stream of events ended"))
}

fn line(height: &HeightJson) -> String {
    let after =
        height.finalized_after_ms.map_or_else(String::new, |ms| format!("  final after {ms} ms"));
    let views = match height.views_used {
        0 | 1 => String::new(),
        views => format!("  {views} views"),
    };
    let digest: String = height.digest.to_string().chars().take(16).collect();
    format!(
        "height {:>6}  view {:>6}  leader {:>3}  {:>6} transactions  {digest}{after}{views}",
        height.height, height.view, height.leader, height.transactions
    )
}

/// One server-sent event.
#[derive(Debug, Default, PartialEq, Eq)]
struct Event {
    name: String,
    data: String,
}

fn finalized(event: &Event) -> Option<HeightJson> {
    (event.name == "finalized").then(|| serde_json::from_str(&event.data).ok())?
}

/// Puts events together from pieces that are cut anywhere.
#[derive(Debug, Default)]
struct Lines {
    rest: Vec<u8>,
    event: Event,
}

impl Lines {
    /// Takes some bytes in and gives the events that are whole.
    fn take_in(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut whole = Vec::new();
        for byte in bytes {
            if *byte != b'\n' {
                if self.rest.len() < LINE_BYTES_MAX {
                    self.rest.push(*byte);
                }
                continue;
            }
            let line = std::mem::take(&mut self.rest);
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches('\r');
            if line.is_empty() {
                let event = std::mem::take(&mut self.event);
                if !event.name.is_empty() {
                    whole.push(event);
                }
                continue;
            }
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => value.clone_into(&mut self.event.name),
                "data" => self.event.data.push_str(value),
                _ => {}
            }
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, Lines};

    /// However the stream is cut, the same events come out.
    #[test]
    fn events_are_put_together_from_any_pieces() {
        let stream = b": alive\n\nid: 3.1\nevent: finalized\ndata: {\"a\":1}\n\nevent: peer\r\ndata: x\r\n\r\n";
        let wanted = [("finalized", "{\"a\":1}"), ("peer", "x")]
            .map(|(name, data)| Event { name: name.to_owned(), data: data.to_owned() });
        for cut in 0..stream.len() {
            let mut lines = Lines::default();
            let mut events = lines.take_in(&stream[..cut]);
            events.extend(lines.take_in(&stream[cut..]));
            assert_eq!(events, wanted, "cut at {cut}");
        }
    }
}
