//! With every message sends an old one again: its own or one it has received.

use std::{collections::VecDeque, sync::Arc};

use quorate_core::message::Message;

use super::{Behaviour, Context, Outgoing};

/// Messages remembered; the oldest are forgotten first.
const MEMORY: usize = 256;

/// Remembers what passes.
#[derive(Default)]
pub struct ReplayStale {
    memory: VecDeque<Arc<Message>>,
}

impl ReplayStale {
    fn remember(&mut self, message: &Arc<Message>) {
        self.memory.push_back(Arc::clone(message));
        if self.memory.len() > MEMORY {
            self.memory.pop_front();
        }
    }
}

impl Behaviour for ReplayStale {
    fn name(&self) -> &'static str {
        "replay_stale"
    }

    fn edit(&mut self, context: &mut Context<'_>, outgoing: Outgoing, out: &mut Vec<Outgoing>) {
        let count = u64::try_from(self.memory.len()).expect("at most MEMORY");
        if count > 0 {
            let place = usize::try_from(context.rng.below(count)).expect("below MEMORY");
            let message = Arc::clone(&self.memory[place]);
            let (to, delay) = (outgoing.to.clone(), outgoing.delay);
            out.push(Outgoing { to, message, delay, frame: None });
        }
        self.remember(&outgoing.message);
        out.push(outgoing);
    }

    fn overhear(&mut self, _context: &mut Context<'_>, _from: u32, message: &Arc<Message>) {
        self.remember(message);
    }
}

#[cfg(test)]
mod tests;
