//! No shipped build can hold a planted bug: who may turn the feature on is read from every manifest, and
//! the names of the catalogue from its source, since without the feature there is nothing to ask.

mod workspace;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde_json::Value;

use self::workspace::{cargo, packages, root, rust_files};

/// The feature, and the only package that may forward to it, by a feature of the same name.
const FEATURE: &str = "planted-bugs";
const GRADER: &str = "quorate-sim";

/// The features of a package, each with what it turns on.
fn features(package: &Value) -> BTreeMap<String, Vec<String>> {
    serde_json::from_value(package["features"].clone()).expect("features are lists of names")
}

#[test]
fn one_feature_of_one_package_forwards_to_the_bugs() {
    let mut forwards = Vec::new();
    for package in packages() {
        let name = package["name"].as_str().expect("a name").to_owned();
        for (feature, turns_on) in features(&package) {
            for other in turns_on.iter().filter(|other| other.contains(FEATURE)) {
                forwards.push(format!("{name}/{feature} = {other}"));
            }
        }
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let asked = dependency["features"].as_array().expect("features of a dependency");
            assert!(
                asked.iter().all(|one| one.as_str() != Some(FEATURE)),
                "{name} turns {FEATURE} on for everybody: {dependency}"
            );
        }
    }
    assert_eq!(forwards, [format!("{GRADER}/{FEATURE} = quorate-core/{FEATURE}")]);
}

/// What cargo would really build, for every package with its defaults and for tests as well.
#[test]
fn no_default_build_has_the_feature() {
    for package in packages() {
        let name = package["name"].as_str().expect("a name").to_owned();
        let tree = features_in_tree(&["-p", &name]);
        assert!(tree.contains(&name), "the tree of {name} begins with it: {tree}");
        assert!(!tree.contains(FEATURE), "{name} is built with {FEATURE}: {tree}");
    }
    // The question can be answered with yes.
    let tree = features_in_tree(&["-p", GRADER, "--features", FEATURE]);
    assert!(tree.contains(FEATURE), "{tree}");
}

/// Every package that is built, with its features, for use and for tests.
fn features_in_tree(of: &[&str]) -> String {
    let how = ["--edges", "normal,build,dev", "--prefix", "none", "--format", "{p} {f}"];
    cargo(&[&["tree", "--locked", "--offline"], of, &how[..]].concat())
}

/// Every bug of the catalogue is planted somewhere, and nothing is planted that is not in it.
#[test]
fn the_catalogue_is_what_is_planted() {
    let sources = root().join("core/src");
    let catalogue = fs::read_to_string(sources.join("planted.rs")).expect("a readable source");
    let (_, list) = catalogue.split_once("catalogue! {").expect("the list of bugs");
    let (list, _) = list.split_once("\n}").expect("the end of the list");
    let mut listed = BTreeSet::new();
    let mut names = BTreeSet::new();
    for line in list.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut words = line.split_whitespace();
        let (bug, area, name) = (words.next(), words.next(), words.next());
        let (Some(bug), Some(_), Some(name)) = (bug, area, name) else {
            panic!("a bug is an identifier, an area and a name: {line}");
        };
        assert!(listed.insert(bug.to_owned()), "{bug} is listed twice");
        assert!(names.insert(name.to_owned()), "{name} names two bugs");
    }
    assert!(listed.len() >= 30, "only {} bugs", listed.len());
    let mut planted = BTreeSet::new();
    for path in rust_files(&sources) {
        if path.ends_with("planted.rs") {
            continue;
        }
        let source = fs::read_to_string(&path).expect("a readable source");
        for rest in source.split("planted!(").skip(1) {
            let bug = rest.split(')').next().unwrap_or_default().trim();
            planted.insert(bug.to_owned());
        }
    }
    assert_eq!(listed, planted, "listed in core/src/planted.rs, and planted");
}
