//! Bytes from outside become values here, or an error; never a panic, never unbounded memory.
//!
//! The encoding is borsh. On top of borsh's own checks a value from outside must have no trailing
//! bytes and must encode back to exactly the bytes it came from, so there is one encoding per value.

use std::{
    io::{Error, ErrorKind, Read, Result as IoResult},
    ops::Deref,
};

use borsh::{BorshDeserialize, BorshSerialize};

/// Why bytes from outside were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Longer than the caller's limit; nothing was decoded.
    #[error("{length} bytes exceed the limit of {limit}")]
    TooLong {
        /// Bytes offered.
        length: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Truncated, over-long, out of range, or not this type at all.
    #[error("not a valid encoding")]
    Malformed,
    /// A valid encoding of a value whose one true encoding is different.
    #[error("not the canonical encoding")]
    NotCanonical,
}

/// Decodes a whole value from at most `limit` bytes.
///
/// # Errors
/// If the bytes are too long, malformed, followed by others, or not canonical.
pub fn decode<T: BorshSerialize + BorshDeserialize>(
    bytes: &[u8],
    limit: usize,
) -> Result<T, DecodeError> {
    if bytes.len() > limit {
        return Err(DecodeError::TooLong { length: bytes.len(), limit });
    }
    let value = T::try_from_slice(bytes).map_err(|_| DecodeError::Malformed)?;
    if encode(&value) != bytes {
        return Err(DecodeError::NotCanonical);
    }
    Ok(value)
}

/// Encodes a value. Every type of this crate encodes without error.
#[must_use]
pub fn encode<T: BorshSerialize + ?Sized>(value: &T) -> Vec<u8> {
    borsh::to_vec(value).expect("encoding to memory does not fail")
}

/// A vector whose length is checked before anything is allocated for it.
///
/// Shapes: at most `MAX` items, on the wire a little-endian `u32` count and the items.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize)]
pub struct Bounded<T, const MAX: usize>(Vec<T>);

impl<T, const MAX: usize> Bounded<T, MAX> {
    /// Wraps a vector.
    ///
    /// # Panics
    /// If it holds more than `MAX` items: what we build ourselves must fit our own limits.
    #[must_use]
    pub fn new(items: Vec<T>) -> Self {
        assert!(items.len() <= MAX, "{} items exceed the bound {MAX}", items.len());
        Self(items)
    }

    /// The items.
    #[must_use]
    pub fn into_inner(self) -> Vec<T> {
        self.0
    }
}

impl<T, const MAX: usize> Default for Bounded<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, const MAX: usize> Deref for Bounded<T, MAX> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'a, T, const MAX: usize> IntoIterator for &'a Bounded<T, MAX> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T: BorshDeserialize, const MAX: usize> BorshDeserialize for Bounded<T, MAX> {
    fn deserialize_reader<R: Read>(reader: &mut R) -> IoResult<Self> {
        let count = usize::try_from(u32::deserialize_reader(reader)?)
            .map_err(|_| Error::from(ErrorKind::InvalidData))?;
        if count > MAX {
            return Err(ErrorKind::InvalidData.into());
        }
        // Grown as items arrive, so a count without items behind it allocates nothing.
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(T::deserialize_reader(reader)?);
        }
        Ok(Self(items))
    }
}

#[cfg(test)]
mod tests;
