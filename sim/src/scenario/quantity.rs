//! Probabilities, signed durations and delay distributions, exact and without floats.

use std::fmt;

use quorate_core::time::Span;

/// A probability in parts per million.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ppm(u32);

impl Ppm {
    /// Never.
    pub const NEVER: Self = Self(0);
    /// Every other time.
    pub const HALF: Self = Self(500_000);
    /// Always.
    pub const ALWAYS: Self = Self(1_000_000);

    /// Wraps parts per million; `None` above one million.
    #[must_use]
    pub const fn new(parts: u32) -> Option<Self> {
        if parts <= Self::ALWAYS.0 { Some(Self(parts)) } else { None }
    }

    /// Parts per million, 0 to 1,000,000.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Whether an event with this probability happens, given an unbiased draw of 64 bits.
    #[must_use]
    pub fn hit(self, draw: u64) -> bool {
        let scaled = (u128::from(draw) * 1_000_000) >> 64;
        scaled < u128::from(self.0)
    }
}

impl fmt::Display for Ppm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:06}", self.0 % 1_000_000);
        let fraction = digits.trim_end_matches('0');
        let fraction = if fraction.is_empty() { "0" } else { fraction };
        write!(f, "{}.{fraction}", self.0 / 1_000_000)
    }
}

/// A length of time with a sign: how far a clock is set forward or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedSpan {
    /// Whether it points back.
    pub back: bool,
    /// How far.
    pub by: Span,
}

/// How long something takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// Always the same.
    Constant(Span),
    /// Evenly between two bounds, both included.
    Uniform {
        /// The least.
        min: Span,
        /// The most.
        max: Span,
    },
    /// A bell curve cut at both ends.
    Normal {
        /// Its centre.
        mean: Span,
        /// Its standard deviation.
        std: Span,
        /// Never less.
        min: Span,
        /// Never more.
        cap: Span,
    },
    /// `min` and an exponential tail.
    Exponential {
        /// Never less.
        min: Span,
        /// The mean of the whole, `min` included.
        mean: Span,
        /// Never more.
        cap: Span,
    },
    /// A heavy tail.
    Pareto {
        /// Never less; the scale.
        min: Span,
        /// The shape in thousandths: 1500 is 1.5.
        shape_milli: u32,
        /// Never more.
        cap: Span,
    },
}

impl Distribution {
    /// The least it can ever give. The world's windows are as wide as the least of all links.
    #[must_use]
    pub const fn floor(&self) -> Span {
        match *self {
            Self::Constant(span) => span,
            Self::Uniform { min, .. }
            | Self::Normal { min, .. }
            | Self::Exponential { min, .. }
            | Self::Pareto { min, .. } => min,
        }
    }

    /// The most it can ever give.
    #[must_use]
    pub const fn ceiling(&self) -> Span {
        match *self {
            Self::Constant(span) => span,
            Self::Uniform { max, .. } => max,
            Self::Normal { cap, .. } | Self::Exponential { cap, .. } | Self::Pareto { cap, .. } => {
                cap
            }
        }
    }
}
