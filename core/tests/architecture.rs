//! The house's rules, read from cargo and from the sources, so that they hold without
//! anybody running a lint: which package may depend on which, and what the core may not even name.

mod workspace;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde_json::Value;

use self::workspace::{cargo, packages, root, rust_files};

/// Packages of this workspace and what each may depend on.
const ARROWS: &[(&str, &[&str])] = &[
    ("quorate-core", &[]),
    ("quorate-sim", &["quorate-core"]),
    ("quorate-node", &["quorate-core"]),
];

/// What the core may link, each with a reason to be there.
const CORE_DEPENDENCIES: &[&str] = &[
    "blake2",            // hashing
    "blake2b_simd",      // hashing many at once
    "borsh",             // encoding
    "ed25519-consensus", // signatures
    "hashbrown",         // one table by digest that nobody iterates
    "proptest",          // optional, for the feature `testing`
    "rand_chacha",       // randomness from a seed
    "siphasher",         // keyed hashes of that table and of short ids
    "thiserror",         // errors
];

/// What must be nowhere below a package in the tree of shipped dependencies.
const NOT_BELOW: &[(&str, &[&str])] = &[
    (
        "quorate-core",
        &[
            "tokio",
            "getrandom",
            "async-std",
            "smol",
            "madsim",
            "rayon",
            "rocksdb",
            "bincode",
            "mio",
        ],
    ),
    ("quorate-sim", &["rocksdb", "librocksdb-sys", "rayon", "axum", "hyper", "rustls"]),
    ("quorate-node", &["madsim", "bincode", "openssl-sys"]),
];

/// Names that may not appear in the core's sources outside comments and tests.
const BANNED_IN_CORE: &[(&str, &str)] = &[
    ("std::time", "time is an argument: crate::time"),
    ("SystemTime", "time is an argument: crate::time::Now"),
    ("HashMap", "iteration order is not deterministic: BTreeMap"),
    ("HashSet", "iteration order is not deterministic: BTreeSet"),
    ("std::thread", "the core has no threads"),
    ("thread_local", "the core has no threads"),
    ("Mutex", "the core has one owner"),
    ("RwLock", "the core has one owner"),
    ("RefCell", "the core has one owner"),
    ("OnceLock", "the core has no globals"),
    ("LazyLock", "the core has no globals"),
    ("Atomic", "the core has one owner"),
    ("mpsc", "the core has no channels"),
    ("std::fs", "the core does no IO"),
    ("std::net", "the core does no IO"),
    ("std::env", "the core does not read its environment"),
    ("std::process", "the core does not end or start processes"),
    ("async fn", "the core is not async"),
    ("f32", "floats differ between machines"),
    ("f64", "floats differ between machines"),
    ("unsafe", "nothing here needs it"),
    ("println!", "reports are effects"),
    ("static mut", "the core has no globals"),
];

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} in {value}"))
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap_or_else(|| panic!("{key} in {value}"))
}

/// Direct dependencies of one package, leaving out those for tests.
fn shipped(package: &Value) -> BTreeSet<&str> {
    list(package, "dependencies")
        .iter()
        .filter(|dependency| dependency["kind"].as_str() != Some("dev"))
        .map(|dependency| text(dependency, "name"))
        .collect()
}

#[test]
fn packages_depend_along_the_arrows_only() {
    let arrows: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let packages = packages();
    assert!(packages.len() >= 2, "the workspace has a core and a simulator");
    for package in &packages {
        let name = text(package, "name");
        let allowed = arrows.get(name).unwrap_or_else(|| panic!("{name} has no place in ARROWS"));
        for dependency in list(package, "dependencies").iter().map(|one| text(one, "name")) {
            let foreign = !arrows.contains_key(dependency);
            // A package may name itself among its test dependencies, to turn a feature on.
            assert!(
                foreign || dependency == name || allowed.contains(&dependency),
                "{name} may not depend on {dependency}, not even in tests",
            );
        }
    }
}

#[test]
fn the_core_depends_on_what_is_listed_here() {
    let packages = packages();
    let core = packages.iter().find(|one| text(one, "name") == "quorate-core").expect("the core");
    let listed: BTreeSet<&str> = CORE_DEPENDENCIES.iter().copied().collect();
    for name in shipped(core) {
        assert!(listed.contains(name), "{name} is a new dependency of the core: say why, here");
    }
    for dependency in list(core, "dependencies") {
        let optional = dependency["optional"].as_bool() == Some(true);
        let testing = dependency["kind"].as_str() == Some("dev") || optional;
        assert!(text(dependency, "name") != "proptest" || testing, "proptest is for tests");
    }
}

#[test]
fn nothing_below_a_package_is_what_it_must_not_be() {
    let packages = packages();
    for (package, banned) in NOT_BELOW {
        if !packages.iter().any(|one| text(one, "name") == *package) {
            continue;
        }
        let shipped = ["--edges", "normal,build", "--prefix", "none", "--format", "{p}"];
        let tree =
            cargo(&[&["tree", "--locked", "--offline", "-p", package], &shipped[..]].concat());
        let below: BTreeSet<&str> =
            tree.lines().filter_map(|line| line.split(' ').next()).collect();
        assert!(below.contains(package), "the tree of {package} begins with it: {tree}");
        for name in *banned {
            assert!(
                !below.contains(name),
                "{package} links {name}: see cargo tree -p {package} -i {name}"
            );
        }
    }
}

#[test]
fn the_core_names_nothing_that_is_banned() {
    let sources = root().join("core/src");
    let mut read = 0;
    for path in rust_files(&sources) {
        let is_test = path.file_name().is_some_and(|name| name == "tests.rs")
            || path.components().any(|part| part.as_os_str() == "tests")
            || path.starts_with(sources.join("testing"))
            // No shipped build has more of it than a macro that says `false`: `planted.rs` beside this file.
            || path == sources.join("planted.rs");
        if is_test {
            continue;
        }
        read += 1;
        let source = fs::read_to_string(&path).expect("a readable source");
        for (number, line) in (1..).zip(source.lines()) {
            if let Some((name, reason)) = banned_in(line) {
                panic!("{}:{number}: `{name}` in the core: {reason}", path.display());
            }
        }
    }
    assert!(read > 20, "only {read} sources were found");
}

/// The first banned name in a line of code.
fn banned_in(line: &str) -> Option<(&'static str, &'static str)> {
    let code = line.split("//").next().unwrap_or_default();
    BANNED_IN_CORE.iter().copied().find(|(name, _)| {
        code.match_indices(name).any(|(at, _)| {
            let before = code[..at].chars().next_back();
            !before.is_some_and(|one| one.is_alphanumeric() || one == '_')
        })
    })
}

/// The scan itself notices what it should, and leaves alone what it should.
#[test]
fn the_scan_can_tell() {
    assert!(banned_in("use std::collections::HashMap;").is_some());
    assert!(banned_in("let x: f64 = 1.0;").is_some());
    assert!(banned_in("static X: AtomicU64 = AtomicU64::new(0);").is_some());
    assert!(banned_in("// a HashMap would not do").is_none());
    assert!(banned_in("let buf32 = 1; let half64 = 2;").is_none());
}

/// `use std::{.., net::X}` would slip past the names above, so grouped imports from `std` are looked
/// at as a whole.
#[test]
fn grouped_imports_from_std_are_harmless() {
    const BANNED: &[&str] = &["time", "thread", "fs", "net", "env", "process", "os", "cell"];
    for path in rust_files(&root().join("core/src")) {
        let source = fs::read_to_string(&path).expect("a readable source");
        for import in source.split("use std::{").skip(1) {
            let group = import.split("};").next().unwrap_or_default();
            for part in group.split(|one: char| !one.is_alphanumeric() && one != '_') {
                assert!(!BANNED.contains(&part), "{}: std::{part} in the core", path.display());
            }
        }
    }
}

/// There is one encoding, and nothing outside the node links a database.
#[test]
fn manifests_name_no_second_encoding() {
    for manifest in ["Cargo.toml", "core/Cargo.toml", "sim/Cargo.toml"] {
        let content = fs::read_to_string(root().join(manifest)).expect("a readable manifest");
        for line in content.lines() {
            let name = line.split(['=', '.', ' ']).next().unwrap_or_default();
            assert!(!["bincode", "rocksdb"].contains(&name), "{manifest}: {line}");
        }
    }
}
