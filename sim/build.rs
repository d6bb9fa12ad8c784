//! Names the sources this build is made of, so that a bundle can say which simulator made its run.
//!
//! The name is a digest of the simulator's and the core's sources, tests left out, of the locked
//! dependencies and of the features that change a run. It depends on no clock, machine or directory,
//! so equal sources give equal names and equal builds.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use blake2::{Blake2s256, Digest};

/// What decides how a run goes, relative to the package.
const SOURCES: [&str; 3] = ["src", "../core/src", "../Cargo.lock"];

/// Features that change how a run goes.
const FEATURES: [&str; 2] = ["PLANTED_BUGS", "PLANTED_UNORDERED_MAP"];

fn main() -> io::Result<()> {
    let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let mut hasher = Blake2s256::new();
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
        let mut files = Vec::new();
        collect(&package.join(source), &mut files)?;
        // The order of a directory is the file system's.
        files.sort();
        for file in files {
            let text = fs::read(&file)?;
            let name = file.strip_prefix(package.join(source)).unwrap_or(&file);
            let name = name.to_string_lossy().replace('\\', "/");
            for part in [source.as_bytes(), name.as_bytes(), &text] {
                hasher.update(part.len().to_string());
                hasher.update(b":");
                hasher.update(part);
            }
        }
    }
    for feature in FEATURES {
        if env::var_os(format!("CARGO_FEATURE_{feature}")).is_some() {
            hasher.update(feature);
        }
    }
    let digest = hasher.finalize();
    let name: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    println!("cargo::rustc-env=QUORATE_SOURCES={name}");
    Ok(())
}

/// Every source file at or below a path, tests left out.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        let is_test = path.file_name().is_some_and(|name| name == "tests.rs" || name == "tests");
        let is_source = path.is_dir() || path.extension().is_some_and(|one| one == "rs");
        if is_source && !is_test {
            collect(&path, files)?;
        }
    }
    Ok(())
}
