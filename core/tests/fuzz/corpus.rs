//! The corpus in `core/fuzz/corpus/`: small files, each a real value, written by the test here.

use std::{fs, path::PathBuf};

use quorate_core::testing::{
    corpus::{Sample, samples},
    fuzz::{TARGETS, target},
};

fn directory() -> PathBuf {
    PathBuf::from("fuzz/corpus")
}

fn path(sample: &Sample) -> PathBuf {
    directory().join(sample.target).join(format!("{}.bin", sample.name))
}

/// A file decodes, unless its name begins with `refused-`: those are findings that were mended.
#[test]
fn every_file_decodes_or_is_named_as_refused() {
    for target in TARGETS {
        // A replica's own state is no format: a stored one is stale after any change of a machine.
        if target.name == "replica" {
            continue;
        }
        let mut files = 0;
        for entry in fs::read_dir(directory().join(target.name)).expect("a folder per target") {
            let path = entry.expect("a readable folder").path();
            let name = path.file_name().expect("a file").to_string_lossy().into_owned();
            let bytes = fs::read(&path).expect("a readable file");
            let refused = name.starts_with("refused-");
            assert!((target.run)(&bytes) != refused, "{}: refused is {refused}", path.display());
            files += 1;
        }
        assert!(files > 0, "no corpus for {}", target.name);
    }
}

/// The files are the bytes of the values they are named after: a format change shows here.
///
/// `UPDATE_EXPECT=1` writes them again.
#[test]
fn the_files_are_todays_encoding() {
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    for sample in samples() {
        if sample.target == "replica" {
            continue;
        }
        let path = path(&sample);
        if update {
            fs::create_dir_all(path.parent().expect("a folder")).expect("a writable checkout");
            fs::write(&path, &sample.bytes).expect("a writable checkout");
        }
        assert!(
            fs::read(&path).unwrap_or_default() == sample.bytes,
            "{} is not today's encoding; if the change is wanted: UPDATE_EXPECT=1 ./.ci/test -p \
             quorate-core --test fuzz",
            path.display(),
        );
    }
}

/// Names in the corpus are names of targets, and every target has samples that decode.
#[test]
fn every_sample_decodes_at_its_target() {
    for sample in samples() {
        let target = target(sample.target).expect("a sample names its target");
        assert!((target.run)(&sample.bytes), "{}/{}", sample.target, sample.name);
    }
    for target in TARGETS {
        assert!(samples().iter().any(|sample| sample.target == target.name), "{}", target.name);
    }
}
