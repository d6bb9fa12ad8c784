//! Names the sources this core is made of, so that a capture can say which core made it.
//!
//! The name is a digest of the core's sources, tests left out, of its manifest and of the feature that
//! changes what it does. The locked dependencies are left out: most of them belong to other packages, and
//! a capture should outlive a new version of a web server. It depends on no clock, machine or directory.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use blake2::{Blake2s256, Digest};

/// What decides what a core does, relative to the package.
const SOURCES: [&str; 2] = ["src", "Cargo.toml"];

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
            let name = file.strip_prefix(&package).unwrap_or(&file).to_string_lossy();
            for part in [name.replace('\\', "/").as_bytes(), &fs::read(&file)?] {
                hasher.update(part.len().to_string());
                hasher.update(b":");
                hasher.update(part);
            }
        }
    }
    if env::var_os("CARGO_FEATURE_PLANTED_BUGS").is_some() {
        hasher.update("planted-bugs");
    }
    let digest = hasher.finalize();
    let name: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    println!("cargo::rustc-env=QUORATE_CORE_SOURCES={name}");
    Ok(())
}

/// Every source file at or below a path, tests and fixtures left out.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        let is_test = ["tests.rs", "tests", "testing"].iter().any(|one| name == *one);
        let is_source = path.is_dir() || path.extension().is_some_and(|one| one == "rs");
        if is_source && !is_test {
            collect(&path, files)?;
        }
    }
    Ok(())
}
