//! How long things take: samples of the scenario's distributions.
//!
//! Sampled from keyed draws with the `libm` crate, never the system's libm, so a run has the same
//! hash on every machine. A sample is a pure function of the distribution and the draw.

use quorate_core::time::Span;

use super::keyed::{float_to_integer, integer_to_float, unit};
use crate::scenario::Distribution;

/// The sample, in nanoseconds, that belongs to a draw.
#[must_use]
pub fn sample(distribution: &Distribution, draw: u64) -> u64 {
    match *distribution {
        Distribution::Constant(span) => span.nanos(),
        Distribution::Uniform { min, max } => {
            let width = u128::from(max.minus(min).nanos()) + 1;
            let share = (u128::from(draw) * width) >> 64;
            min.nanos().saturating_add(u64::try_from(share).expect("at most the width"))
        }
        Distribution::Normal { mean, std, min, cap } => {
            // Box and Muller, 1958, with both uniforms cut from one draw.
            let radius = libm::sqrt(-2.0 * libm::log(unit(draw)));
            let angle = core::f64::consts::TAU * unit(draw.rotate_left(37).wrapping_mul(ODD));
            let offset = radius * libm::cos(angle) * float(std);
            cut(float_to_integer(float(mean) + offset), min, cap)
        }
        Distribution::Exponential { min, mean, cap } => {
            let tail = -libm::log(unit(draw)) * float(mean.minus(min));
            cut(min.nanos().saturating_add(float_to_integer(tail)), min, cap)
        }
        Distribution::Pareto { min, shape_milli, cap } => {
            let exponent = 1000.0 / integer_to_float(u64::from(shape_milli.max(1)));
            let factor = libm::exp(-libm::log(unit(draw)) * exponent);
            cut(float_to_integer(float(min) * factor), min, cap)
        }
    }
}

fn float(span: Span) -> f64 {
    integer_to_float(span.nanos())
}

fn cut(nanos: u64, min: Span, cap: Span) -> u64 {
    nanos.min(cap.nanos()).max(min.nanos())
}

/// Decorrelates the second uniform of a draw from the first.
const ODD: u64 = 0xD6E8_FEB8_6659_FD93;

#[cfg(test)]
mod tests;
