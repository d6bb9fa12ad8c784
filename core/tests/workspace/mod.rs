//! The workspace as cargo and its sources tell of it, for the tests that look at the house and not at what it does.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Where the workspace lies: cargo runs a test in the folder of its package. Where it was compiled may be
/// another checkout with the same target folder, and gone.
pub(crate) fn root() -> PathBuf {
    PathBuf::from("..")
}

/// What cargo prints, asked in the workspace.
pub(crate) fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {arguments:?}: {errors}");
    String::from_utf8(output.stdout).expect("cargo writes text")
}

/// The packages of this workspace, as cargo understands their manifests.
pub(crate) fn packages() -> Vec<Value> {
    let json = cargo(&["metadata", "--no-deps", "--format-version", "1", "--locked", "--offline"]);
    let metadata: Value = serde_json::from_str(&json).expect("cargo metadata writes JSON");
    metadata["packages"].as_array().expect("packages").clone()
}

/// All Rust sources below a folder, in order.
pub(crate) fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![directory.to_path_buf()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).expect("a readable folder") {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}
