//! Bytes from outside: every decoder over its corpus and over seeded mutations of it.
//!
//! Shows that no decoder panics and that what decodes encodes back to the same bytes. The seed is
//! printed; `QUORATE_FUZZ_SEED` repeats it and `QUORATE_FUZZ_ROUNDS` asks for more.

mod corpus;
mod mutate;
