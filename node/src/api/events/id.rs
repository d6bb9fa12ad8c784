//! Names of events.

use std::fmt;

/// A place in the history: what happened so many events after a height became final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EventId {
    /// The height that was final then.
    pub(crate) height: u64,
    /// How many events later; 0 is the finality of the height itself.
    pub(crate) seq: u64,
}

impl EventId {
    /// The finality of a height.
    pub(crate) const fn finality(height: u64) -> Self {
        Self { height, seq: 0 }
    }

    /// Reads `height.seq`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| {
            let digits = (1..=19).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| text.parse().ok())?
        };
        let (height, seq) = text.split_once('.')?;
        Some(Self { height: number(height)?, seq: number(seq)? })
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.height, self.seq)
    }
}
