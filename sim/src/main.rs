//! The command `quorate-sim`.
fn main() {}
