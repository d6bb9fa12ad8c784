//! Durations, probabilities and other words of a scenario file, read exactly from their text.
//!
//! Pure functions. An error is the sentence that finishes "expected ...".

use quorate_core::time::Span;

use super::quantity::{Ppm, SignedSpan};

/// Longest duration a file may name: a thousand hours.
const SPAN_MAX_NANOS: u128 = 1_000 * 3_600 * 1_000_000_000;

const UNITS: [(&str, u128); 6] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60 * 1_000_000_000),
    ("h", 3_600 * 1_000_000_000),
];

/// Reads `250ms`, `1.5s`, `0s`: a decimal number and one of the units ns, us, ms, s, m, h.
///
/// # Errors
/// With what was expected, in words.
pub fn span(text: &str) -> Result<Span, String> {
    const EXPECTED: &str = "a duration such as \"250ms\" (units: ns, us, ms, s, m, h)";
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let (_, unit_nanos) =
        UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(|| EXPECTED.to_owned())?;
    let (value, scale) = decimal(number).ok_or_else(|| EXPECTED.to_owned())?;
    let nanos = value.checked_mul(*unit_nanos).ok_or("a duration of at most 1000h")?;
    if nanos % scale != 0 {
        return Err("a whole number of nanoseconds".to_owned());
    }
    let nanos = nanos / scale;
    if nanos > SPAN_MAX_NANOS {
        return Err("a duration of at most 1000h".to_owned());
    }
    Ok(Span::from_nanos(u64::try_from(nanos).expect("a thousand hours fit 64 bits")))
}

/// Reads a duration with an optional sign.
pub(super) fn signed_span(text: &str) -> Result<SignedSpan, String> {
    let (back, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    span(rest)
        .map(|by| SignedSpan { back, by })
        .map_err(|_| "a duration with an optional sign, such as \"-200ms\"".to_owned())
}

/// Reads `0`, `1`, `0.01`, `1e-3`: a number from 0 to 1 with at most six digits after the point.
pub(super) fn probability(text: &str) -> Result<Ppm, String> {
    const EXPECTED: &str = "a probability from 0 to 1";
    let parts = scaled(text, 6).map_err(|fine| {
        if fine { format!("{EXPECTED}, in steps of one millionth") } else { EXPECTED.to_owned() }
    })?;
    u32::try_from(parts).ok().and_then(Ppm::new).ok_or_else(|| EXPECTED.to_owned())
}

/// Reads a positive decimal number in thousandths.
pub(super) fn thousandths(text: &str) -> Result<u32, String> {
    scaled(text, 3)
        .ok()
        .and_then(|value| u32::try_from(value).ok())
        .filter(|value| *value > 0)
        .ok_or_else(|| "a positive number with at most three digits after the point".to_owned())
}

/// The number times ten to the `places`, exactly. `Err(true)` if it has more places than that.
fn scaled(text: &str, places: i32) -> Result<u128, bool> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        None => (text, 0),
        Some((mantissa, exponent)) => {
            (mantissa, exponent.parse::<i32>().ok().filter(|e| e.abs() <= 30).ok_or(false)?)
        }
    };
    let (mut value, mut scale) =
        decimal(mantissa.strip_prefix('+').unwrap_or(mantissa)).ok_or(false)?;
    let shift = exponent + places;
    for _ in 0..shift.unsigned_abs() {
        let side = if shift > 0 { &mut value } else { &mut scale };
        *side = side.checked_mul(10).ok_or(false)?;
    }
    if value % scale == 0 { Ok(value / scale) } else { Err(true) }
}

/// A plain decimal as a fraction: digits over a power of ten.
fn decimal(text: &str) -> Option<(u128, u128)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let has_point = text.contains('.');
    if whole.is_empty() || (has_point && fraction.is_empty()) || text.len() > 24 {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let places = u32::try_from(fraction.len()).ok()?;
    Some((digits.parse().ok()?, 10_u128.checked_pow(places)?))
}

/// The shortest text that [`span`] reads as this duration.
pub fn span_text(span: Span) -> String {
    let nanos = u128::from(span.nanos());
    if nanos == 0 {
        return "0s".to_owned();
    }
    // Minutes and hours only for long runs: people compare seconds.
    let (name, unit) = UNITS
        .iter()
        .rev()
        .find(|(name, unit)| {
            let round = nanos.is_multiple_of(*unit);
            round && (!matches!(*name, "m" | "h") || nanos >= 600 * 1_000_000_000)
        })
        .expect("every duration is a whole number of nanoseconds");
    format!("{}{name}", nanos / unit)
}
