//! Sends nothing to some validators.

use super::{Behaviour, Context, Outgoing};

/// Leaves these out of every message.
pub struct SilentTo {
    shunned: Vec<u32>,
}

impl SilentTo {
    /// Leaves these out.
    #[must_use]
    pub fn new(shunned: Vec<u32>) -> Self {
        Self { shunned }
    }
}

impl Behaviour for SilentTo {
    fn name(&self) -> &'static str {
        "silent_to"
    }

    fn edit(&mut self, _context: &mut Context<'_>, outgoing: Outgoing, out: &mut Vec<Outgoing>) {
        let mut outgoing = outgoing;
        outgoing.to.retain(|number| !self.shunned.contains(number));
        out.push(outgoing);
    }
}

#[cfg(test)]
mod tests;
