//! Forgets at each restart what it has promised, and votes on.
//!
//! The disk is as it was: only the sign-state is as if the key were new, whatever is left of it. So
//! the validator may vote again in a view in which it had voted, for something else. An honest
//! validator in this state would never vote again (see the fault `reformat`). It lies by restarting:
//! a scenario has to see to that, with `kill` or `crash_loop`.

use super::{Behaviour, Context, Outgoing};

/// Sends what the replica sends; only its memory is short.
pub struct Amnesia;

impl Behaviour for Amnesia {
    fn name(&self) -> &'static str {
        "amnesia"
    }

    fn edit(&mut self, _context: &mut Context<'_>, outgoing: Outgoing, out: &mut Vec<Outgoing>) {
        out.push(outgoing);
    }

    fn forgets(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests;
