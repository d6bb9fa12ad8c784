//! Records of execution mismatches, left where people find them.

use std::{env, fs};

use quorate_core::{
    digest::{Domain, digest_of},
    execution::schedule::Mismatch,
};

/// Writes the record to the directory for temporary files, under a name that follows from what is in
/// it, and says how to replay it.
pub fn keep(mismatch: &Mismatch) -> String {
    let bytes = mismatch.encode();
    let digest = digest_of(Domain::Trace, &bytes).to_string();
    let name: String = digest.chars().take(16).collect();
    let path = env::temp_dir().join(format!("quorate-mismatch-{name}.bin"));
    match fs::write(&path, bytes) {
        Ok(()) => format!("replay it with: quorate-sim exec replay {}", path.display()),
        Err(error) => format!("its record cannot be written to {}: {error}", path.display()),
    }
}
