//! Sends bytes that decode to nothing.
//!
//! With every message goes one broken frame to the same recipients, in turn by chance: noise of any
//! length, nothing at all, the message's encoding cut short, with something behind it, with noise
//! over it, or with counts in it that no message has. A frame that would decode all the same gets
//! one byte more: what decodes is the business of `mutate`.

use std::sync::Arc;

use quorate_core::message::Message;

use super::{Behaviour, Context, Outgoing};

/// Bytes of noise in a frame at the most.
const NOISE_MAX: u64 = 4_096;

/// Adds a broken frame to every message.
pub struct Garbage;

impl Behaviour for Garbage {
    fn name(&self) -> &'static str {
        "garbage"
    }

    fn edit(&mut self, context: &mut Context<'_>, outgoing: Outgoing, out: &mut Vec<Outgoing>) {
        let frame = Some(broken(context, &outgoing.message.encode()).into());
        out.push(Outgoing { frame, message: Arc::clone(&outgoing.message), ..outgoing.clone() });
        out.push(outgoing);
    }
}

/// Bytes that are no message.
fn broken(context: &mut Context<'_>, encoded: &[u8]) -> Vec<u8> {
    let mut frame = encoded.to_vec();
    let place = |context: &mut Context<'_>| {
        let length = u64::try_from(encoded.len()).expect("a message fits into memory").max(1);
        usize::try_from(context.rng.below(length)).expect("below a length")
    };
    match context.rng.below(6) {
        0 => frame = noise(context, NOISE_MAX),
        1 => frame.clear(),
        2 => frame.truncate(place(context)),
        3 => frame.extend(noise(context, 64)),
        4 => {
            let start = place(context);
            let noise = noise(context, 64);
            for (byte, noise) in frame.iter_mut().skip(start).zip(noise) {
                *byte = noise;
            }
        }
        _ => {
            // Where a count is, the largest one there is.
            let start = place(context);
            frame.iter_mut().skip(start).take(4).for_each(|byte| *byte = u8::MAX);
        }
    }
    if Message::decode(&frame).is_ok() {
        frame.push(0);
    }
    frame
}

/// At least one byte of noise.
fn noise(context: &mut Context<'_>, most: u64) -> Vec<u8> {
    let length = usize::try_from(1 + context.rng.below(most)).expect("a small number");
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        bytes.extend(context.rng.next().to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

#[cfg(test)]
mod tests;
